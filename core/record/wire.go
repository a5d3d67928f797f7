package record

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
)

// Message is a message in the terms of RocketMQ's wire layout. The queue, the
// offsets and the store time are placed later, by Place.
type Message struct {
	Flag           int32
	SysFlag        int32
	Born           int64 // ms
	BornHost       netip.AddrPort
	ReconsumeTimes int32
	Body           []byte
	Topic          string
	Properties     []byte
}

// Magic numbers of the layout: V2 has a topic length of two bytes.
const (
	MagicV1 int32 = -626843481
	MagicV2 int32 = -626843477

	maxTopicV1 = 127 // a signed byte
)

// Bits of a message's sysFlag that the layout itself depends on.
const (
	SysCompressed  int32 = 0x1
	SysTransaction int32 = 0xC // PREPARED 4, COMMIT 8, ROLLBACK 12
	SysBornHostV6  int32 = 0x10
	SysStoreHostV6 int32 = 0x20
)

// Positions within a message with IPv4 hosts. An IPv6 born host adds v6Extra to
// all from posStoreTime on; the store host is kept as IPv4 always.
const (
	posTotal          = 0
	posMagic          = 4
	posBodyCRC        = 8
	posQueue          = 12
	posFlag           = 16
	posQueueOffset    = 20
	posPhysicalOffset = 28
	posSysFlag        = 36
	posBorn           = 40
	posBornHost       = 48
	posStoreTime      = 56
	posStoreHost      = 64
	posReconsume      = 72
	posPrepared       = 76
	posBodyLen        = 84
	posBody           = 88

	v6Extra = 12

	// MinMessage is the length of a message with no body, topic or properties.
	MinMessage = posBody + 1 + 2
	// MaxProperties is the most that the layout's signed length can say.
	MaxProperties = 32767
)

// Size returns the length of the encoded message.
func (m *Message) Size() int {
	n := MinMessage + len(m.Body) + len(m.Topic) + len(m.Properties)
	if len(m.Topic) > maxTopicV1 {
		n++
	}
	if isV6(m.BornHost) {
		n += v6Extra
	}
	return n
}

// Append encodes m. Queue, offsets, store time and store host are zero until
// Place and PatchStoreHost. The caller has checked the lengths: the topic at most
// 32767 bytes, the properties at most MaxProperties.
func (m *Message) Append(dst []byte) []byte {
	be := binary.BigEndian
	magic, sys := MagicV1, m.SysFlag&^(SysBornHostV6|SysStoreHostV6)
	if len(m.Topic) > maxTopicV1 {
		magic = MagicV2
	}
	if isV6(m.BornHost) {
		sys |= SysBornHostV6
	}
	dst = be.AppendUint32(dst, uint32(m.Size()))
	dst = be.AppendUint32(dst, uint32(magic))
	dst = be.AppendUint32(dst, crc32.ChecksumIEEE(m.Body)&0x7fffffff)
	dst = be.AppendUint32(dst, 0)
	dst = be.AppendUint32(dst, uint32(m.Flag))
	dst = be.AppendUint64(dst, 0)
	dst = be.AppendUint64(dst, 0)
	dst = be.AppendUint32(dst, uint32(sys))
	dst = be.AppendUint64(dst, uint64(m.Born))
	dst = appendHost(dst, m.BornHost)
	dst = be.AppendUint64(dst, 0)
	dst = be.AppendUint64(dst, 0) // store host: IPv4 and port
	dst = be.AppendUint32(dst, uint32(m.ReconsumeTimes))
	dst = be.AppendUint64(dst, 0)
	dst = be.AppendUint32(dst, uint32(len(m.Body)))
	dst = append(dst, m.Body...)
	if magic == MagicV2 {
		dst = be.AppendUint16(dst, uint16(len(m.Topic)))
	} else {
		dst = append(dst, byte(len(m.Topic)))
	}
	dst = append(dst, m.Topic...)
	dst = be.AppendUint16(dst, uint16(len(m.Properties)))
	return append(dst, m.Properties...)
}

func isV6(host netip.AddrPort) bool { return host.Addr().Is6() && !host.Addr().Is4In6() }

func appendHost(dst []byte, host netip.AddrPort) []byte {
	switch addr := host.Addr(); {
	case isV6(host):
		a := addr.As16()
		dst = append(dst, a[:]...)
	case addr.IsValid():
		a := addr.Unmap().As4()
		dst = append(dst, a[:]...)
	default:
		dst = append(dst, 0, 0, 0, 0)
	}
	return binary.BigEndian.AppendUint32(dst, uint32(host.Port()))
}

// Wire is an encoded message: RocketMQ's layout, as Append wrote it or Check
// accepted it.
type Wire []byte

// Check returns the message at the start of b if its lengths fit together.
func Check(b []byte) (Wire, bool) {
	if len(b) < MinMessage {
		return nil, false
	}
	total := int64(binary.BigEndian.Uint32(b))
	if total < MinMessage || total > int64(len(b)) {
		return nil, false
	}
	w := Wire(b[:total])
	magic := w.i32(posMagic)
	if magic != MagicV1 && magic != MagicV2 || w.SysFlag()&SysStoreHostV6 != 0 {
		return nil, false
	}
	topicLen := 1
	if magic == MagicV2 {
		topicLen = 2
	}
	at := int64(posBody + w.shift())
	if at > total {
		return nil, false
	}
	at += int64(binary.BigEndian.Uint32(w[at-4:]))
	if at+int64(topicLen) > total {
		return nil, false
	}
	if topicLen == 1 {
		at += 1 + int64(w[at])
	} else {
		at += 2 + int64(binary.BigEndian.Uint16(w[at:]))
	}
	if at+2 > total {
		return nil, false
	}
	at += 2 + int64(binary.BigEndian.Uint16(w[at:]))
	return w, at == total
}

func (w Wire) i32(pos int) int32 { return int32(binary.BigEndian.Uint32(w[pos:])) }
func (w Wire) i64(pos int) int64 { return int64(binary.BigEndian.Uint64(w[pos:])) }

func (w Wire) shift() int {
	if w.SysFlag()&SysBornHostV6 != 0 {
		return v6Extra
	}
	return 0
}

// Queue returns the number of the message's queue.
func (w Wire) Queue() int32 { return w.i32(posQueue) }

// QueueOffset returns the message's place in its queue.
func (w Wire) QueueOffset() int64 { return w.i64(posQueueOffset) }

// PhysicalOffset returns the message's address.
func (w Wire) PhysicalOffset() int64 { return w.i64(posPhysicalOffset) }

// SysFlag returns the message's sysFlag.
func (w Wire) SysFlag() int32 { return w.i32(posSysFlag) }

// StoreHost returns the server's address, as PatchStoreHost wrote it.
func (w Wire) StoreHost() netip.AddrPort {
	at := posStoreHost + w.shift()
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(w[at:])), uint16(w.i32(at+4)))
}

// StoreTime returns when the message was stored, in ms.
func (w Wire) StoreTime() int64 { return w.i64(posStoreTime + w.shift()) }

// Body returns the message's body, as the producer compressed it.
func (w Wire) Body() []byte {
	at := posBody + w.shift()
	return w[at : at+int(w.i32(at-4))]
}

// Topic returns the message's topic.
func (w Wire) Topic() []byte {
	topic, _ := w.tail()
	return topic
}

// Properties returns the message's properties in text form.
func (w Wire) Properties() []byte {
	_, properties := w.tail()
	return properties
}

func (w Wire) tail() (topic, properties []byte) {
	at := posBody + w.shift()
	at += int(w.i32(at - 4))
	n := int(w[at])
	at++
	if w.i32(posMagic) == MagicV2 {
		n = n<<8 | int(w[at])
		at++
	}
	return w[at : at+n], w[at+n+2:]
}

// Place writes where and when a message is stored.
func (w Wire) Place(queue int32, queueOffset, address, storeTime int64) {
	be := binary.BigEndian
	be.PutUint32(w[posQueue:], uint32(queue))
	be.PutUint64(w[posQueueOffset:], uint64(queueOffset))
	be.PutUint64(w[posPhysicalOffset:], uint64(address))
	be.PutUint64(w[posStoreTime+w.shift():], uint64(storeTime))
}

// Republish writes the place in its queue that a message got after it was stored,
// and when that was.
func (w Wire) Republish(queueOffset, storeTime int64) {
	binary.BigEndian.PutUint64(w[posQueueOffset:], uint64(queueOffset))
	binary.BigEndian.PutUint64(w[posStoreTime+w.shift():], uint64(storeTime))
}

// Transaction types in a message's sysFlag.
const (
	SysPrepared  int32 = 0x4
	SysCommitted int32 = 0x8
)

// Commit makes a prepared message one whose transaction was committed.
func (w Wire) Commit() {
	be := binary.BigEndian
	be.PutUint32(w[posSysFlag:], uint32(w.SysFlag()&^SysTransaction|SysCommitted))
	be.PutUint64(w[posPrepared+w.shift():], uint64(w.PhysicalOffset()))
}

// NoTransaction makes a prepared message one of no transaction.
func (w Wire) NoTransaction() {
	binary.BigEndian.PutUint32(w[posSysFlag:], uint32(w.SysFlag()&^SysTransaction))
}

// PatchStoreHost writes the address of the server as the reading client knows
// it. Hosts that are not IPv4 are written as 0.0.0.0.
func (w Wire) PatchStoreHost(host netip.AddrPort) {
	at := posStoreHost + w.shift()
	var ip [4]byte
	if a := host.Addr().Unmap(); a.Is4() {
		ip = a.As4()
	}
	copy(w[at:], ip[:])
	binary.BigEndian.PutUint32(w[at+4:], uint32(host.Port()))
}
