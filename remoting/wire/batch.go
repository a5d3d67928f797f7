package wire

import (
	"encoding/binary"
	"fmt"
)

// BatchMessage is one message of a batch body (320). It aliases the body.
type BatchMessage struct {
	Flag       int32
	Body       []byte
	Properties []byte
}

// maxBatch bounds the messages of a batch.
const maxBatch = 1 << 16

// batchFixed is the part of a message before its body: total size, magic, CRC,
// flag, body length, i32 each. Clients leave magic and CRC 0.
const batchFixed = 20

// DecodeBatch appends the messages of a batch body to dst. Each is
//
//	size i32 | magic i32 | crc i32 | flag i32 | body length i32 | body | properties length i16 | properties
func DecodeBatch(dst []BatchMessage, b []byte) ([]BatchMessage, error) {
	for n := 0; len(b) > 0; n++ {
		if n == maxBatch {
			return dst, fmt.Errorf("batch of more than %d messages", maxBatch)
		}
		m, size, err := decodeBatchMessage(b)
		if err != nil {
			return dst, fmt.Errorf("message %d of the batch: %w", n, err)
		}
		dst = append(dst, m)
		b = b[size:]
	}
	return dst, nil
}

func decodeBatchMessage(b []byte) (m BatchMessage, size int, err error) {
	if len(b) < batchFixed+2 {
		return m, 0, fmt.Errorf("%d bytes are left, it needs at least %d", len(b), batchFixed+2)
	}
	size = int(int32(binary.BigEndian.Uint32(b)))
	if size < batchFixed+2 || size > len(b) {
		return m, 0, fmt.Errorf("its size is %d, %d bytes are left", size, len(b))
	}
	m.Flag = int32(binary.BigEndian.Uint32(b[12:]))
	bodyLen := int(int32(binary.BigEndian.Uint32(b[16:])))
	if bodyLen < 0 || bodyLen > size-batchFixed-2 {
		return m, 0, fmt.Errorf("its body length is %d in a size of %d", bodyLen, size)
	}
	rest := b[batchFixed:size]
	m.Body, rest = rest[:bodyLen:bodyLen], rest[bodyLen:]
	propsLen := int(binary.BigEndian.Uint16(rest))
	if propsLen != len(rest)-2 {
		return m, 0, fmt.Errorf("its properties length is %d, %d bytes are left", propsLen, len(rest)-2)
	}
	m.Properties = rest[2:]
	return m, size, nil
}

// AppendBatchMessage appends a message to a batch body.
func AppendBatchMessage(b []byte, m BatchMessage) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(batchFixed+len(m.Body)+2+len(m.Properties)))
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(m.Flag))
	b = binary.BigEndian.AppendUint32(b, uint32(len(m.Body)))
	b = append(b, m.Body...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.Properties)))
	return append(b, m.Properties...)
}
