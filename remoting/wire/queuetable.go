package wire

import (
	"encoding/json"
	"errors"
	"fmt"
)

// QueueEntry is an entry of a table by queue.
type QueueEntry[V any] struct {
	Queue MessageQueue
	Value V
}

// AppendQueueTable appends a table by queue as fastjson writes and reads a map whose
// keys are objects: the object stands where JSON has a string.
func AppendQueueTable[V any](b []byte, entries []QueueEntry[V]) []byte {
	b = append(b, '{')
	for i := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, EncodeBody(entries[i].Queue)...)
		b = append(b, ':')
		b = append(b, EncodeBody(entries[i].Value)...)
	}
	return append(b, '}')
}

// DecodeQueueTable reads a table by queue. Keys may be objects, or strings that hold
// the JSON of one.
func DecodeQueueTable[V any](b []byte) (entries []QueueEntry[V], err error) {
	err = eachMember(b, func(key, value []byte) error {
		var e QueueEntry[V]
		if len(key) > 0 && key[0] == '"' {
			var text string
			if err := json.Unmarshal(key, &text); err != nil {
				return err
			}
			key = []byte(text)
		}
		if err := json.Unmarshal(key, &e.Queue); err != nil {
			return fmt.Errorf("key %.80s of a table by queue: %w", key, err)
		}
		if err := json.Unmarshal(value, &e.Value); err != nil {
			return fmt.Errorf("value of %s of a table by queue: %w", key, err)
		}
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

// Member returns the text of one member of a JSON object, whose tables may have
// objects as keys; nil if there is none.
func Member(body []byte, name string) (member []byte, err error) {
	err = eachMember(body, func(key, value []byte) error {
		if string(key) == `"`+name+`"` {
			member = value
		}
		return nil
	})
	return member, err
}

var errObject = errors.New("malformed JSON object")

// eachMember shows the members of an object as they stand.
func eachMember(b []byte, fn func(key, value []byte) error) error {
	i := skipBlanks(b, 0)
	if i == len(b) || b[i] != '{' {
		return errObject
	}
	i = skipBlanks(b, i+1)
	if i < len(b) && b[i] == '}' {
		return nil
	}
	for {
		key, next, ok := valueAt(b, i)
		if i = skipBlanks(b, next); !ok || i == len(b) || b[i] != ':' {
			return errObject
		}
		value, next, ok := valueAt(b, skipBlanks(b, i+1))
		if i = skipBlanks(b, next); !ok || i == len(b) {
			return errObject
		}
		if err := fn(key, value); err != nil {
			return err
		}
		switch b[i] {
		case '}':
			return nil
		case ',':
			i = skipBlanks(b, i+1)
		default:
			return errObject
		}
	}
}

func skipBlanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// valueAt returns the value that begins at i, and where it ends. Objects and lists
// are not looked into.
func valueAt(b []byte, i int) (value []byte, end int, ok bool) {
	depth, quoted := 0, false
	for end = i; end < len(b); end++ {
		switch c := b[end]; {
		case quoted && c == '\\':
			end++
		case c == '"':
			if quoted = !quoted; !quoted && depth == 0 {
				return b[i : end+1], end + 1, true
			}
		case quoted:
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']', c == ',', c == ':':
			if depth == 0 {
				return b[i:end], end, end > i
			}
			if c == '}' || c == ']' {
				if depth--; depth == 0 {
					return b[i : end+1], end + 1, true
				}
			}
		}
	}
	return nil, len(b), false
}
