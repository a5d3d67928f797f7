package wire

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
)

// Offsets of fields of a message, before its hosts.
const (
	messageSysFlag = 36
	messageBorn    = 40 // the time, then the host
)

// NeedsConversion reports whether a pull's body holds messages that Go, C++ and
// Python clients cannot read: compressed by anything but zlib, or from a host
// with an IPv6 address, whose place C++ takes for the next field.
func NeedsConversion(b []byte) bool {
	for len(b) >= messageBorn {
		size := int(int32(binary.BigEndian.Uint32(b)))
		if size < messageBorn || size > len(b) {
			return false
		}
		if old(int32(binary.BigEndian.Uint32(b[messageSysFlag:]))) {
			return true
		}
		b = b[size:]
	}
	return false
}

func old(sysFlag int32) bool {
	return sysFlag&(SysBornHostV6|SysStoreHostV6) != 0 || foreign(sysFlag)
}

// foreign reports a compression other than zlib.
func foreign(sysFlag int32) bool {
	kind := sysFlag & SysCompression
	return sysFlag&SysCompressed != 0 && kind != 0 && kind != SysCompressionZLIB
}

// ConvertMessages appends the messages of a pull's body as every client reads
// them. A body that cannot be inflated is passed on as it is.
func ConvertMessages(dst, b []byte) []byte {
	for len(b) > 0 {
		m, err := DecodeMessage(b)
		if err != nil {
			return append(dst, b...)
		}
		if old(m.SysFlag) {
			dst = convert(dst, m)
		} else {
			dst = append(dst, b[:m.Size]...)
		}
		b = b[m.Size:]
	}
	return dst
}

func convert(dst []byte, m Message) []byte {
	if foreign(m.SysFlag) {
		if plain, err := Inflate(m.Body, m.SysFlag); err == nil {
			m.Body = plain
			m.BodyCRC = crc32.ChecksumIEEE(plain) & 0x7fffffff
			m.SysFlag &^= SysCompressed | SysCompression
		}
	}
	m.SysFlag &^= SysBornHostV6 | SysStoreHostV6
	return m.AppendTo(dst)
}

// AppendTo appends the message in the layout that a pull delivers. An address
// that does not fit its flag is written as 0.0.0.0.
func (m *Message) AppendTo(b []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, m.Magic)
	b = binary.BigEndian.AppendUint32(b, m.BodyCRC)
	b = binary.BigEndian.AppendUint32(b, uint32(m.Queue))
	b = binary.BigEndian.AppendUint32(b, uint32(m.Flag))
	b = binary.BigEndian.AppendUint64(b, uint64(m.QueueOffset))
	b = binary.BigEndian.AppendUint64(b, uint64(m.PhysicalOffset))
	b = binary.BigEndian.AppendUint32(b, uint32(m.SysFlag))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Born))
	b = appendHost(b, m.BornHost, m.SysFlag&SysBornHostV6 != 0)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Stored))
	b = appendHost(b, m.StoreHost, m.SysFlag&SysStoreHostV6 != 0)
	b = binary.BigEndian.AppendUint32(b, uint32(m.ReconsumeTimes))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Prepared))
	b = binary.BigEndian.AppendUint32(b, uint32(len(m.Body)))
	b = append(b, m.Body...)
	if m.Magic == MagicV2 {
		b = binary.BigEndian.AppendUint16(b, uint16(len(m.Topic)))
	} else {
		b = append(b, byte(len(m.Topic)))
	}
	b = append(b, m.Topic...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.Properties)))
	b = append(b, m.Properties...)
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}

func appendHost(b []byte, host netip.AddrPort, v6 bool) []byte {
	switch ip := host.Addr(); {
	case v6 && ip.IsValid():
		raw := ip.As16()
		b = append(b, raw[:]...)
	case v6:
		b = append(b, make([]byte, 16)...)
	case ip.Is4():
		raw := ip.As4()
		b = append(b, raw[:]...)
	default:
		b = append(b, 0, 0, 0, 0)
	}
	return binary.BigEndian.AppendUint32(b, uint32(host.Port()))
}
