package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Bits of a message's sysFlag.
const (
	SysCompressed      int32 = 1 << 0
	SysMultiTags       int32 = 1 << 1
	SysPrepared        int32 = 1 << 2
	SysTransaction     int32 = 3 << 2
	SysBornHostV6      int32 = 1 << 4
	SysStoreHostV6     int32 = 1 << 5
	SysCompressionLZ4  int32 = 1 << 8
	SysCompressionZSTD       = 2 << 8
	SysCompressionZLIB       = 3 << 8
	SysCompression     int32 = 7 << 8
)

// Magic numbers of a message: V2 has a topic length of 16 bits.
const (
	MagicV1 uint32 = 0xDAA320A7
	MagicV2 uint32 = 0xDAA320AB
)

// Message is a message as a pull delivers it. It aliases the body.
type Message struct {
	Size           int
	Magic          uint32
	BodyCRC        uint32
	Queue          int32
	Flag           int32
	QueueOffset    int64
	PhysicalOffset int64
	SysFlag        int32
	Born           int64
	BornHost       netip.AddrPort
	Stored         int64
	StoreHost      netip.AddrPort
	ReconsumeTimes int32
	Prepared       int64
	Body           []byte
	Topic          []byte
	Properties     []byte
}

// DecodeMessages appends the messages of a pull's body to dst.
func DecodeMessages(dst []Message, b []byte) ([]Message, error) {
	for len(b) > 0 {
		m, err := DecodeMessage(b)
		if err != nil {
			return dst, err
		}
		dst = append(dst, m)
		b = b[m.Size:]
	}
	return dst, nil
}

// DecodeMessage decodes the message that b begins with.
func DecodeMessage(b []byte) (Message, error) {
	r := reader{b: b}
	m := Message{Size: int(r.i32())}
	if m.Size < 0 || m.Size > len(b) {
		return m, fmt.Errorf("message of %d bytes, %d are left", m.Size, len(b))
	}
	r.b = b[:max(m.Size, 4)]
	m.Magic = uint32(r.i32())
	if m.Magic != MagicV1 && m.Magic != MagicV2 {
		return m, fmt.Errorf("message with magic %#x", m.Magic)
	}
	m.BodyCRC = uint32(r.i32())
	m.Queue = r.i32()
	m.Flag = r.i32()
	m.QueueOffset = r.i64()
	m.PhysicalOffset = r.i64()
	m.SysFlag = r.i32()
	m.Born = r.i64()
	m.BornHost = r.host(m.SysFlag&SysBornHostV6 != 0)
	m.Stored = r.i64()
	m.StoreHost = r.host(m.SysFlag&SysStoreHostV6 != 0)
	m.ReconsumeTimes = r.i32()
	m.Prepared = r.i64()
	m.Body = r.take(int(r.i32()))
	topicLen := 0
	if m.Magic == MagicV2 {
		topicLen = int(r.i16())
	} else if b := r.take(1); len(b) == 1 {
		topicLen = int(b[0])
	}
	m.Topic = r.take(topicLen)
	m.Properties = r.take(int(r.i16()))
	if r.bad {
		return m, fmt.Errorf("message of %d bytes: it ends within a field", m.Size)
	}
	return m, nil
}

// reader is a cursor over big-endian fields; past the end it yields zeros and
// is bad from then on.
type reader struct {
	b   []byte
	i   int
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b)-r.i {
		r.bad = true
		return nil
	}
	r.i += n
	return r.b[r.i-n : r.i : r.i]
}

func (r *reader) i16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) i32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *reader) i64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *reader) host(v6 bool) netip.AddrPort {
	size := 4
	if v6 {
		size = 16
	}
	addr, _ := netip.AddrFromSlice(r.take(size))
	return netip.AddrPortFrom(addr, uint16(r.i32()))
}

const hexDigits = "0123456789ABCDEF"

// AppendMessageID appends an offsetMsgId: the store host and the physical
// offset of a message in upper-case hexadecimal.
func AppendMessageID(b []byte, host netip.AddrPort, offset int64) []byte {
	var raw [28]byte
	id := raw[:0]
	if host.Addr().Is4() {
		ip := host.Addr().As4()
		id = append(id, ip[:]...)
	} else {
		ip := host.Addr().As16()
		id = append(id, ip[:]...)
	}
	id = binary.BigEndian.AppendUint32(id, uint32(host.Port()))
	id = binary.BigEndian.AppendUint64(id, uint64(offset))
	for _, c := range id {
		b = append(b, hexDigits[c>>4], hexDigits[c&15])
	}
	return b
}

// ParseMessageID reads an offsetMsgId of 32 (IPv4) or 56 characters (IPv6).
func ParseMessageID(id string) (host netip.AddrPort, offset int64, err error) {
	if len(id) != 32 && len(id) != 56 {
		return host, 0, fmt.Errorf("message id of %d characters: it has 32 or 56", len(id))
	}
	raw := make([]byte, 0, 28)
	for i := 0; i < len(id); i += 2 {
		v, ok := hexValue([]byte(id[i : i+2]))
		if !ok {
			return host, 0, fmt.Errorf("message id %q is not hexadecimal", id)
		}
		raw = append(raw, byte(v))
	}
	r := reader{b: raw}
	host = r.host(len(raw) == 28)
	return host, r.i64(), nil
}
