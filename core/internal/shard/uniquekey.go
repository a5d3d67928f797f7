package shard

import (
	"encoding/binary"
	"encoding/hex"
	"sync/atomic"

	"github.com/gantrymq/gantry/core/record"
)

// uniqueKeyLen is the length of a UNIQ_KEY in the form that RocketMQ's tools
// take apart: 16 bytes in hex.
const uniqueKeyLen = 32

// uniqueKeys makes keys for messages whose producer gave none. The layout is
// the clients': 10 bytes that name the maker (an address, a process, a loader;
// here random, drawn at each start) and 6 that count.
type uniqueKeys struct {
	maker [10]byte
	count atomic.Uint64
}

func (u *uniqueKeys) init(random func([]byte)) {
	random(u.maker[:])
	u.maker[0] = 0 // 0.x.x.x: tools that dial the address in a key fail at once
}

// appendProperty adds the property UNIQ_KEY to the message that begins at from
// and ends buf, whose properties have the given length.
func (u *uniqueKeys) appendProperty(buf []byte, from, properties int) []byte {
	var key [uniqueKeyLen]byte
	var raw [16]byte
	copy(raw[:], u.maker[:])
	n := u.count.Add(1)
	binary.BigEndian.PutUint16(raw[10:], uint16(n>>32))
	binary.BigEndian.PutUint32(raw[12:], uint32(n))
	hex.Encode(key[:], raw[:])
	upper(key[:])

	start := len(buf) - properties
	text := record.AppendProperty(buf[start:], record.PropUniqueKey, key[:])
	buf = append(buf[:start], text...)
	binary.BigEndian.PutUint16(buf[start-2:], uint16(len(text)))
	binary.BigEndian.PutUint32(buf[from:], uint32(len(buf)-from))
	return buf
}

func upper(b []byte) {
	for i, c := range b {
		if 'a' <= c && c <= 'f' {
			b[i] = c - 'a' + 'A'
		}
	}
}
