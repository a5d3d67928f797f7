package wire

import (
	"encoding/binary"
	"fmt"
)

const (
	// MaxFrame is the largest frame, its length field included, that any client
	// takes or sends (com.rocketmq.remoting.frameMaxLength).
	MaxFrame = 16 << 20
	// MaxHeader bounds a header. The largest legal one holds 32,767 bytes of
	// properties, of which JSON makes more where they are escaped.
	MaxHeader = 64 << 10
	// MaxFields bounds the ext fields of a command.
	MaxFields = 256

	lengthSize = 4
	prefixSize = 8 // length, serialization, header length
)

// Serialization is how a header is written; an answer goes as its request came.
type Serialization uint8

// The two serializations.
const (
	JSON   Serialization = 0
	Binary Serialization = 1 // upstream calls it ROCKETMQ
)

// FrameSize returns the size of the frame that b begins with, its length field
// included, or 0 if b is too short to tell. An error means that the peer speaks
// something else: where its next frame begins cannot be known.
func FrameSize(b []byte) (int, error) {
	if len(b) < lengthSize {
		return 0, nil
	}
	n := int64(binary.BigEndian.Uint32(b)) + lengthSize
	if n > MaxFrame {
		return 0, fmt.Errorf("frame of %d bytes: at most %d are allowed", n, MaxFrame)
	}
	if n < prefixSize {
		return 0, fmt.Errorf("frame of %d bytes: it cannot hold a header", n)
	}
	if len(b) > lengthSize && b[lengthSize] > byte(Binary) {
		return 0, fmt.Errorf("serialization %d: only 0 (JSON) and 1 (ROCKETMQ) are known", b[lengthSize])
	}
	return int(n), nil
}

// splitFrame cuts a whole frame into its parts.
func splitFrame(frame []byte) (s Serialization, header, body []byte, err error) {
	if len(frame) < prefixSize {
		return 0, nil, nil, fmt.Errorf("frame of %d bytes: it cannot hold a header", len(frame))
	}
	mark := binary.BigEndian.Uint32(frame[lengthSize:])
	s = Serialization(mark >> 24)
	n := int(mark & 0xffffff)
	rest := frame[prefixSize:]
	if n > len(rest) {
		return s, nil, nil, fmt.Errorf("header of %d bytes in a frame that has %d left", n, len(rest))
	}
	return s, rest[:n:n], rest[n:], nil
}
