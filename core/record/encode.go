package record

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
)

// A record is   crc u32 | kind u8 | length uvarint | content   (little endian).
// The crc covers all that follows it.
const crcSize = 4

// A Data record's flags. The other bits are reserved for expiry, fan-out and
// opaque blocks.
const (
	flagGroup    = 1 << 0 // the hash of a message group follows
	flagDelayed  = 1 << 1 // a delivery time follows
	flagPrepared = 1 << 2 // it waits for the end of its transaction
)

// Size returns the length of e as a record.
func Size(e Entry) int {
	n := e.size()
	return crcSize + 1 + uvarintLen(uint64(n)) + n
}

// Append encodes e as a record.
func Append(dst []byte, e Entry) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, byte(e.kind()))
	dst = binary.AppendUvarint(dst, uint64(e.size()))
	dst = e.append(dst)
	Seal(dst[start:])
	return dst
}

// Seal computes the checksum of an encoded record anew, after a change in place.
func Seal(record []byte) {
	binary.LittleEndian.PutUint32(record, crc32.ChecksumIEEE(record[crcSize:]))
}

func uvarintLen(v uint64) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}

func (r *Data) size() int {
	n := uvarintLen(uint64(r.Topic)) + uvarintLen(uint64(r.Queue)) + 1 + 4 + len(r.Wire)
	if r.GroupHash != 0 {
		n += 4
	}
	if r.delayed() {
		n += uvarintLen(uint64(r.DeliverAt))
	}
	return n
}

func (r *Data) flags() (f byte) {
	if r.GroupHash != 0 {
		f |= flagGroup
	}
	switch {
	case r.delayed():
		f |= flagDelayed
	case r.DeliverAt != 0:
		f |= flagPrepared
	}
	return f
}

// delayed tells whether the message waits for a time.
func (r *Data) delayed() bool { return r.DeliverAt != 0 && r.DeliverAt != model.Prepared }

func (r *Data) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.Topic))
	dst = binary.AppendUvarint(dst, uint64(r.Queue))
	dst = append(dst, r.flags())
	if r.GroupHash != 0 {
		dst = binary.LittleEndian.AppendUint32(dst, r.GroupHash)
	}
	if r.delayed() {
		dst = binary.AppendUvarint(dst, uint64(r.DeliverAt))
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(r.TagHash))
	return append(dst, r.Wire...)
}

func (r *Offset) size() int {
	return uvarintLen(uint64(r.Group)) + uvarintLen(uint64(r.Topic)) + uvarintLen(uint64(r.Queue)) +
		1 + uvarintLen(uint64(r.Offset))
}

func (r *Offset) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.Group))
	dst = binary.AppendUvarint(dst, uint64(r.Topic))
	dst = binary.AppendUvarint(dst, uint64(r.Queue))
	dst = append(dst, byte(r.Op))
	return binary.AppendUvarint(dst, uint64(r.Offset))
}

func stringLen(s string) int { return uvarintLen(uint64(len(s))) + len(s) }

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func (r *Server) size() int { return stringLen(r.Cluster) + stringLen(r.Broker) }

func (r *Server) append(dst []byte) []byte {
	return appendString(appendString(dst, r.Cluster), r.Broker)
}

// Bits of a topic's flags.
const (
	topicOrder  = 1 << 0
	topicSystem = 1 << 1
)

func topicFlags(c *model.TopicConfig) byte {
	flags := byte(0)
	if c.Order {
		flags |= topicOrder
	}
	if c.System {
		flags |= topicSystem
	}
	return flags
}

func (r *Topic) size() int { return len(r.append(nil)) } // rare: a topic is made once

func (r *Topic) append(dst []byte) []byte {
	c := &r.Config
	dst = binary.AppendUvarint(dst, uint64(r.ID))
	dst = appendString(dst, c.Name)
	dst = binary.AppendUvarint(dst, uint64(c.ReadQueues))
	dst = binary.AppendUvarint(dst, uint64(c.WriteQueues))
	dst = append(dst, byte(c.Perm), topicFlags(c), byte(c.Durability))
	dst = binary.AppendUvarint(dst, uint64(uint32(c.SysFlag)))
	return appendAttributes(dst, c.Attributes)
}

func appendAttributes(dst []byte, m map[string]string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(m)))
	for _, key := range sortedKeys(m) {
		dst = appendString(appendString(dst, key), m[key])
	}
	return dst
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (r *TopicEnd) size() int { return uvarintLen(uint64(r.ID)) }

func (r *TopicEnd) append(dst []byte) []byte { return binary.AppendUvarint(dst, uint64(r.ID)) }

func (r *GroupEnd) size() int { return uvarintLen(uint64(r.ID)) }

func (r *GroupEnd) append(dst []byte) []byte { return binary.AppendUvarint(dst, uint64(r.ID)) }

func (r *Trim) size() int {
	n := uvarintLen(uint64(r.Before)) + uvarintLen(uint64(len(r.Queues)))
	for _, q := range r.Queues {
		n += uvarintLen(uint64(q.Topic)) + uvarintLen(uint64(q.Queue)) + uvarintLen(uint64(q.Min))
	}
	return n
}

func (r *Trim) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.Before))
	dst = binary.AppendUvarint(dst, uint64(len(r.Queues)))
	for _, q := range r.Queues {
		dst = binary.AppendUvarint(dst, uint64(q.Topic))
		dst = binary.AppendUvarint(dst, uint64(q.Queue))
		dst = binary.AppendUvarint(dst, uint64(q.Min))
	}
	return dst
}

func (r *Gap) size() int {
	return uvarintLen(uint64(r.From)) + uvarintLen(uint64(r.Offsets)) + uvarintLen(uint64(r.PopTime)) + uvarintLen(uint64(r.PopAhead))
}

func (r *Gap) append(dst []byte) []byte {
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(r.From)), uint64(r.Offsets))
	return binary.AppendUvarint(binary.AppendUvarint(dst, uint64(r.PopTime)), uint64(r.PopAhead))
}

func (r *Roll) size() int { return 1 }

func (r *Roll) append(dst []byte) []byte { return append(dst, byte(r.Reason)) }
