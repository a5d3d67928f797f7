package record

import (
	"encoding/binary"
	"slices"
)

// PatchReconsumeTimes writes how often the message was delivered before.
func (w Wire) PatchReconsumeTimes(n int32) {
	binary.BigEndian.PutUint32(w[posReconsume+w.shift():], uint32(n))
}

// PropertyValue is a property to be set.
type PropertyValue struct{ Key, Value string }

// Copy appends a copy of w for another topic, not placed yet, with properties set or,
// where the value is empty, taken out. ok is false if they would be too long.
func Copy(dst []byte, w Wire, topic string, reconsumeTimes int32, set []PropertyValue) (_ Wire, ok bool) {
	m := w.Message()
	m.Topic, m.ReconsumeTimes = topic, reconsumeTimes
	m.Properties = SetProperties(m.Properties, set)
	return Wire(m.Append(dst)), len(m.Properties) <= MaxProperties
}

// SetProperties returns text with properties set or, where the value is empty,
// taken out. The text itself is left as it is.
func SetProperties(text []byte, set []PropertyValue) []byte {
	out := WithoutProperties(make([]byte, 0, len(text)+64), text, func(key string) bool {
		return slices.ContainsFunc(set, func(p PropertyValue) bool { return p.Key == key })
	})
	for _, p := range set {
		if p.Value != "" {
			out = AppendProperty(out, p.Key, []byte(p.Value))
		}
	}
	return out
}

// DataGroup returns the hash of the message group in the content of a data
// record, 0 if it has none.
func DataGroup(content []byte) uint32 {
	_, n := binary.Uvarint(content)
	if n <= 0 {
		return 0
	}
	_, k := binary.Uvarint(content[n:])
	at := n + k
	if k <= 0 || len(content) < at+5 || content[at]&flagGroup == 0 {
		return 0
	}
	return binary.LittleEndian.Uint32(content[at+1:])
}
