package wire

import (
	"bytes"
	"iter"
)

// Separators of the text form of a message's properties.
const (
	nameSeparator  = 1 // between a name and its value
	valueSeparator = 2 // behind a value; 4.x leaves out the last one
)

// Names of properties that listener and client look at.
const (
	PropertyUniqueKey = "UNIQ_KEY"
	PropertyTags      = "TAGS"
	PropertyKeys      = "KEYS"
	PropertyWait      = "WAIT"
)

// Properties walks over properties in their text form. What has no separator
// between name and value is skipped, as the clients do.
func Properties(text []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for len(text) > 0 {
			var property []byte
			property, text, _ = bytes.Cut(text, []byte{valueSeparator})
			name, value, ok := bytes.Cut(property, []byte{nameSeparator})
			if ok && !yield(name, value) {
				return
			}
		}
	}
}

// Property returns one property.
func Property(text []byte, name string) ([]byte, bool) {
	for n, value := range Properties(text) {
		if string(n) == name {
			return value, true
		}
	}
	return nil, false
}

// AppendProperty appends a property.
func AppendProperty(text []byte, name, value string) []byte {
	text = append(text, name...)
	text = append(text, nameSeparator)
	text = append(text, value...)
	return append(text, valueSeparator)
}
