package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/remoting/wire"
)

// incoming is a message that was received.
type incoming struct {
	Topic      string            `json:"topic"`
	Queue      int32             `json:"queue"`
	Offset     int64             `json:"offset"`
	StoreTime  time.Time         `json:"store_time"`
	Tag        string            `json:"tag,omitempty"`
	Keys       []string          `json:"keys,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
	Body       string            `json:"body,omitempty"`        // of text
	BodyBase64 []byte            `json:"body_base64,omitempty"` // of anything else

	position int64 // in the log: the order of what was stored in one millisecond
}

// messages decodes the messages of a pull's answer.
func messages(b []byte) ([]incoming, error) {
	var all []incoming
	for len(b) > 0 {
		w, ok := record.Check(b)
		if !ok {
			return nil, errors.New("the server sent a message that cannot be read: its lengths do not fit together")
		}
		b = b[len(w):]
		all = append(all, decode(w))
	}
	return all, nil
}

func decode(w record.Wire) incoming {
	m := incoming{
		Topic:     string(w.Topic()),
		Queue:     w.Queue(),
		Offset:    w.QueueOffset(),
		StoreTime: time.UnixMilli(w.StoreTime()).UTC(),
		position:  w.PhysicalOffset(),
	}
	m.properties(w.Properties())
	if body := plainBody(w); readable(body) {
		m.Body = string(body)
	} else {
		m.BodyBase64 = body
	}
	return m
}

// plainBody undoes the producer's compression. A body that is not what it claims
// to be is shown as it came.
func plainBody(w record.Wire) []byte {
	body := w.Body()
	if w.SysFlag()&record.SysCompressed == 0 {
		return body
	}
	plain, err := wire.Inflate(body, w.SysFlag())
	if err != nil {
		return body
	}
	return plain
}

// before reports whether m was stored before other.
func (m *incoming) before(other *incoming) bool {
	if !m.StoreTime.Equal(other.StoreTime) {
		return m.StoreTime.Before(other.StoreTime)
	}
	return m.position < other.position
}

func (m *incoming) properties(text []byte) {
	for {
		key, value, rest, ok := record.NextProperty(text)
		if !ok {
			return
		}
		text = rest
		switch string(key) {
		case "TAGS":
			m.Tag = string(value)
		case "KEYS":
			m.Keys = strings.Fields(string(value))
		default:
			if m.Properties == nil {
				m.Properties = make(map[string]string)
			}
			m.Properties[string(key)] = string(value)
		}
	}
}

// text is the message for people: the body, as a hex dump where it is no text.
func (m *incoming) text() string {
	if m.BodyBase64 != nil {
		return strings.TrimSuffix(hex.Dump(m.BodyBase64), "\n")
	}
	return m.Body
}

// readable reports whether a terminal may be given b as it is.
func readable(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool {
		return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r'
	})
}
