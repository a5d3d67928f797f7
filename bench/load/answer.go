package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// answer is a received frame. Its slices point into the connection's buffer and live until the next read.
type answer struct {
	codec    codec
	code     int
	opaque   int32
	response bool // false: a request that the server pushed
	header   []byte
	body     []byte
}

var errFrame = errors.New("malformed frame")

// parseAnswer reads one frame without its leading length.
func parseAnswer(frame []byte) (answer, error) {
	if len(frame) < 4 {
		return answer{}, errFrame
	}
	word := binary.BigEndian.Uint32(frame)
	size := int(word & 0xffffff)
	if size > len(frame)-4 {
		return answer{}, errFrame
	}
	a := answer{codec: codec(word >> 24), header: frame[4 : 4+size], body: frame[4+size:]}
	if a.codec == codecJSON {
		return a, a.parseJSON()
	}
	return a, a.parseBinary()
}

const binaryHeaderSize = 2 + 1 + 2 + 4 + 4 + 4 + 4

func (a *answer) parseBinary() error {
	h := a.header
	if len(h) < binaryHeaderSize {
		return errFrame
	}
	a.code = int(binary.BigEndian.Uint16(h))
	a.opaque = int32(binary.BigEndian.Uint32(h[5:]))
	a.response = binary.BigEndian.Uint32(h[9:])&flagResponse != 0
	return nil
}

// parseJSON takes the numbers code, opaque and flag from the top level of the header and steps over everything else.
func (a *answer) parseJSON() error {
	h, depth, found := a.header, 0, 0
	for i := 0; i < len(h); i++ {
		switch h[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			text, end := jsonString(h, i)
			i = end
			if depth != 1 {
				continue
			}
			value, ok := numberAfterColon(h, end+1)
			if !ok {
				continue
			}
			switch string(text) {
			case "code":
				a.code, found = int(value), found|1
			case "opaque":
				a.opaque, found = int32(value), found|2
			case "flag":
				a.response = value&flagResponse != 0
			}
		}
	}
	if found != 3 {
		return errFrame
	}
	return nil
}

// jsonString returns the raw text of the string that opens at h[i], and where its closing quote is.
func jsonString(h []byte, i int) (text []byte, end int) {
	for end = i + 1; end < len(h) && h[end] != '"'; end++ {
		if h[end] == '\\' {
			end++
		}
	}
	end = min(end, len(h))
	return h[i+1 : end], end
}

func numberAfterColon(h []byte, i int) (int64, bool) {
	h = bytes.TrimLeft(h[min(i, len(h)):], " \t\r\n")
	if len(h) == 0 || h[0] != ':' {
		return 0, false
	}
	h = bytes.TrimLeft(h[1:], " \t\r\n")
	end := 0
	for end < len(h) && (h[end] == '-' || h[end] >= '0' && h[end] <= '9') {
		end++
	}
	n, err := strconv.ParseInt(string(h[:end]), 10, 64)
	return n, err == nil
}

// number reads an extension field that holds an integer.
func (a *answer) number(name string) (int64, error) {
	text := a.field(name)
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("answer %d: field %s is %q", a.code, name, text)
	}
	return n, nil
}

// field is the text of an extension field, or nil. JSON is searched as text: right for the plain names and numbers that
// this program asks for.
func (a *answer) field(name string) []byte {
	if a.codec == codecJSON {
		_, rest, ok := bytes.Cut(a.header, []byte(`"`+name+`":"`))
		if !ok {
			return nil
		}
		text, _, _ := bytes.Cut(rest, []byte(`"`))
		return text
	}
	h := a.binaryFields()
	for len(h) >= 2 {
		key, rest, ok := cutSized(h[2:], int(binary.BigEndian.Uint16(h)))
		if !ok || len(rest) < 4 {
			return nil
		}
		value, rest, ok := cutSized(rest[4:], int(binary.BigEndian.Uint32(rest)))
		if !ok {
			return nil
		}
		if string(key) == name {
			return value
		}
		h = rest
	}
	return nil
}

// binaryRemark is the text beside the code of a binary header.
func (a *answer) binaryRemark() []byte {
	const remarkLengthAt = binaryHeaderSize - 8
	n := int(binary.BigEndian.Uint32(a.header[remarkLengthAt:]))
	text, _, _ := cutSized(a.header[remarkLengthAt+4:], n)
	return text
}

// binaryFields is the part of a binary header that holds the extension fields: behind the remark and the two lengths.
func (a *answer) binaryFields() []byte {
	_, fields, _ := cutSized(a.header, binaryHeaderSize+len(a.binaryRemark()))
	return fields
}

func cutSized(b []byte, n int) (head, tail []byte, ok bool) {
	if n < 0 || n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}
