package delay

import (
	"cmp"

	"github.com/gantrymq/gantry/core/internal/model"
)

// Message is what is kept of a message that waits. The rest is in its record.
type Message struct {
	when uint64 // delivery time 44 bits | queue 16 | size 4 (its top)
	id   uint64 // LSN 53 bits | size 11 (its middle)
	at   uint64 // LSN 53 bits | size 11 (its bottom)

	Topic model.TopicID
	Group uint32 // hash of the message group
	Tag   int32  // hash of the tag
	Key   uint32 // KeyHash of the unique key
}

const (
	sizeTop  = 4
	sizePart = 11
	lowPart  = 1<<sizePart - 1
	lowTop   = 1<<sizeTop - 1
	// MaxDeliverAt is the last time, in ms, that a message can wait for: in the
	// year 2527. Behind it are the messages that wait for the end of their transaction.
	MaxDeliverAt = model.Prepared - 1
)

// Place says where a message goes, and lies.
type Place struct {
	DeliverAt int64     // ms since 1970
	Queue     int32     // below model.MaxQueues
	ID        model.LSN // where the message was stored first
	At        model.LSN // where it lies now
	Size      int       // of the record there, below 64 MiB
}

// New returns a message at a place.
func New(p Place) Message {
	m := Message{when: uint64(p.DeliverAt)<<20 | uint64(uint16(p.Queue))<<sizeTop | uint64(p.Size)>>(2*sizePart)&lowTop}
	m.id = uint64(p.ID)<<sizePart | uint64(p.Size)>>sizePart&lowPart
	m.at = uint64(p.At)<<sizePart | uint64(p.Size)&lowPart
	return m
}

// Move changes where the message lies.
func (m *Message) Move(at model.LSN, size int) {
	moved := New(Place{DeliverAt: m.DeliverAt(), Queue: m.Queue(), ID: m.ID(), At: at, Size: size})
	m.when, m.id, m.at = moved.when, moved.id, moved.at
}

// DeliverAt returns when the message is due, in ms since 1970.
func (m *Message) DeliverAt() int64 { return int64(m.when >> 20) }

// Queue returns the number of the queue that the message goes to.
func (m *Message) Queue() int32 { return int32(m.when >> sizeTop & 0xffff) }

// ID returns where the message was stored first: its address, for ever.
func (m *Message) ID() model.LSN { return model.LSN(m.id >> sizePart) }

// At returns where the message lies now.
func (m *Message) At() model.LSN { return model.LSN(m.at >> sizePart) }

// Size returns the size of the record there.
func (m *Message) Size() int {
	return int(m.when&lowTop<<(2*sizePart) | m.id&lowPart<<sizePart | m.at&lowPart)
}

// Key is a message's place in the order: by delivery time, then by address.
type Key struct {
	DeliverAt int64
	ID        model.LSN
}

// Order returns the message's key.
func (m *Message) Order() Key { return Key{m.DeliverAt(), m.ID()} }

// Compare orders keys.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.DeliverAt, o.DeliverAt), cmp.Compare(k.ID, o.ID))
}

// KeyHash returns the hash by which a message is found by its unique key: FNV-1a.
func KeyHash[T string | []byte](key T) uint32 {
	h := uint32(2166136261)
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	return h
}
