package record

import (
	"encoding/binary"
	"net/netip"
)

// ReconsumeTimes returns how often the message was consumed in vain when it was sent.
func (w Wire) ReconsumeTimes() int32 { return w.i32(posReconsume + w.shift()) }

// BornHost returns the address of the message's producer.
func (w Wire) BornHost() netip.AddrPort {
	size := 4
	if w.shift() > 0 {
		size = 16
	}
	addr, _ := netip.AddrFromSlice(w[posBornHost : posBornHost+size])
	port := binary.BigEndian.Uint32(w[posBornHost+size:])
	return netip.AddrPortFrom(addr, uint16(port))
}

// Message returns the message in its parts, as it was before it was placed. The
// body and the properties alias w.
func (w Wire) Message() Message {
	return Message{
		Flag: w.i32(posFlag), SysFlag: w.SysFlag(), Born: w.i64(posBorn), BornHost: w.BornHost(),
		ReconsumeTimes: w.ReconsumeTimes(), Body: w.Body(), Topic: string(w.Topic()), Properties: w.Properties(),
	}
}

// WithoutProperties appends text to dst, without the properties that drop names.
func WithoutProperties(dst, text []byte, drop func(key string) bool) []byte {
	for {
		key, value, rest, ok := NextProperty(text)
		if !ok {
			return dst
		}
		if !drop(string(key)) {
			dst = AppendProperty(dst, string(key), value)
		}
		text = rest
	}
}
