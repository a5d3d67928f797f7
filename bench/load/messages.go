package main

import "encoding/binary"

// message is the part of a pulled message that this program looks at.
type message struct {
	queueOffset int64
	body        []byte
}

// Positions in a stored message before its first variable part.
const (
	atQueueOffset = 20
	atSysFlag     = 36
	atBornHost    = 48
	flagBornIPv6  = 0x10
	flagStoreIPv6 = 0x20
)

// nextMessage cuts the first message off a pull's body.
func nextMessage(b []byte) (m message, rest []byte, err error) {
	if len(b) < atBornHost {
		return m, nil, errFrame
	}
	size := int(binary.BigEndian.Uint32(b))
	if size < atBornHost || size > len(b) {
		return m, nil, errFrame
	}
	b, rest = b[:size], b[size:]
	m.queueOffset = int64(binary.BigEndian.Uint64(b[atQueueOffset:]))
	flags := binary.BigEndian.Uint32(b[atSysFlag:])
	at := atBornHost + hostSize(flags&flagBornIPv6 != 0) + 8 + hostSize(flags&flagStoreIPv6 != 0) + 4 + 8
	if at+4 > size {
		return m, nil, errFrame
	}
	length := int(binary.BigEndian.Uint32(b[at:]))
	if length < 0 || length > size-at-4 {
		return m, nil, errFrame
	}
	m.body = b[at+4 : at+4+length]
	return m, rest, nil
}

// hostSize is the width of an address and port.
func hostSize(ipv6 bool) int {
	if ipv6 {
		return 20
	}
	return 8
}
