package record

import (
	"encoding/binary"
	"net/netip"
)

// Flag returns the user's flag.
func (w Wire) Flag() int32 { return w.i32(posFlag) }

// Born returns when the message was made, by its producer's clock, in ms since 1970.
func (w Wire) Born() int64 { return w.i64(posBorn) }

// ReconsumeTimes returns how often the message was delivered before.
func (w Wire) ReconsumeTimes() int32 { return w.i32(posReconsume + w.shift()) }

// PatchReconsumeTimes writes how often the message was delivered before.
func (w Wire) PatchReconsumeTimes(n int32) {
	binary.BigEndian.PutUint32(w[posReconsume+w.shift():], uint32(n))
}

// BornHost returns the producer's address.
func (w Wire) BornHost() netip.AddrPort {
	n := 4
	if w.shift() > 0 {
		n = 16
	}
	addr, _ := netip.AddrFromSlice(w[posBornHost : posBornHost+n])
	return netip.AddrPortFrom(addr, uint16(binary.BigEndian.Uint32(w[posBornHost+n:])))
}

// PropertyValue is a property to be set.
type PropertyValue struct{ Key, Value string }

// Copy appends a copy of w for another topic, not placed yet, with properties set or,
// where the value is empty, taken out. ok is false if they would be too long.
func Copy(dst []byte, w Wire, topic string, reconsumeTimes int32, set []PropertyValue) (_ Wire, ok bool) {
	m := Message{
		Flag: w.Flag(), SysFlag: w.SysFlag(), Born: w.Born(), BornHost: w.BornHost(),
		ReconsumeTimes: reconsumeTimes, Body: w.Body(), Topic: topic,
		Properties: SetProperties(w.Properties(), set),
	}
	return Wire(m.Append(dst)), len(m.Properties) <= MaxProperties
}

// SetProperties returns text with properties set or, where the value is empty,
// taken out. The text itself is left as it is.
func SetProperties(text []byte, set []PropertyValue) []byte {
	out := make([]byte, 0, len(text)+64)
	for {
		key, value, rest, ok := NextProperty(text)
		if !ok {
			break
		}
		if !among(set, key) {
			out = AppendProperty(out, string(key), value)
		}
		text = rest
	}
	for _, p := range set {
		if p.Value != "" {
			out = AppendProperty(out, p.Key, []byte(p.Value))
		}
	}
	return out
}

func among(set []PropertyValue, key []byte) bool {
	for i := range set {
		if set[i].Key == string(key) {
			return true
		}
	}
	return false
}

// DataGroup returns the hash of the message group in the content of a data or a
// publish record, which begin alike; 0 if it has none.
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
