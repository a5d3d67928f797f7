package main

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/gantrymq/gantry/core/record"
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
}

// messages decodes the messages of a pull's answer.
func messages(b []byte) ([]incoming, error) {
	var all []incoming
	for len(b) > 0 {
		w, ok := record.Check(b)
		if !ok {
			return nil, fmt.Errorf("the server sent a message that cannot be read: its lengths do not fit together")
		}
		b = b[len(w):]
		m, err := decode(w)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func decode(w record.Wire) (incoming, error) {
	m := incoming{
		Topic:     string(w.Topic()),
		Queue:     w.Queue(),
		Offset:    w.QueueOffset(),
		StoreTime: time.UnixMilli(w.StoreTime()).UTC(),
	}
	m.properties(w.Properties())
	body, err := expand(w.Body(), w.SysFlag())
	if err != nil {
		return m, fmt.Errorf("topic %q queue %d offset %d: %w", m.Topic, m.Queue, m.Offset, err)
	}
	if readable(body) {
		m.Body = string(body)
	} else {
		m.BodyBase64 = body
	}
	return m, nil
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

// The compression of a body stands in bits 8 to 10 of its sysFlag.
const (
	compressionShift = 8
	compressionMask  = 7

	compressedOld  = 0 // clients before 5.0: zlib, without a number
	compressedLZ4  = 1
	compressedZstd = 2
	compressedZlib = 3
)

// longestExpanded bounds what a compressed body may become.
const longestExpanded = 64 << 20

// expand undoes the producer's compression.
func expand(body []byte, sysFlag int32) ([]byte, error) {
	if sysFlag&record.SysCompressed == 0 {
		return body, nil
	}
	var in io.Reader
	switch kind := sysFlag >> compressionShift & compressionMask; kind {
	case compressedOld, compressedZlib:
		z, err := zlib.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("body is not the zlib it claims to be: %w", err)
		}
		in = z
	case compressedZstd:
		z, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(longestExpanded))
		if err != nil {
			return nil, fmt.Errorf("body is not the zstd it claims to be: %w", err)
		}
		defer z.Close()
		in = z
	default:
		return body, nil // LZ4: shown as it came
	}
	out, err := io.ReadAll(io.LimitReader(in, longestExpanded+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("expand the body: %w", err)
	case len(out) > longestExpanded:
		return nil, fmt.Errorf("body expands to more than %d bytes", longestExpanded)
	}
	return out, nil
}
