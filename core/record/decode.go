package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/gantrymq/gantry/core/internal/model"
)

// ErrChecksum tells that a record's bytes are not those that were written.
var ErrChecksum = errors.New("record checksum does not match")

// ErrFormat tells that a record verified, and yet cannot be one of this version.
var ErrFormat = errors.New("record has an unknown or malformed content")

// Decoder decodes records into entries that it owns: an entry is valid until
// the next record of its kind is decoded.
type Decoder struct {
	data     Data
	pop      Pop
	ack      Ack
	offset   Offset
	server   Server
	topic    Topic
	group    Group
	topicEnd TopicEnd
	groupEnd GroupEnd
	trim     Trim
	gap      Gap
	roll     Roll
	publish  Publish
	timer    Timer
	relocate Relocate
	txn      Txn
	lock     Lock
	setting  Setting
	in       decoder // here, so that no record allocates one
}

// Decode verifies and decodes the record at the start of b. n is its length.
// The entry aliases b.
func (d *Decoder) Decode(b []byte) (e Entry, n int, err error) {
	kind, content, n, err := Open(b)
	if err != nil {
		return nil, 0, err
	}
	if e = d.entry(kind); e == nil {
		return nil, 0, fmt.Errorf("%w: kind %#x", ErrFormat, byte(kind))
	}
	d.in = decoder{b: content}
	e.decode(&d.in)
	if d.in.bad || len(d.in.b) != 0 {
		return nil, 0, fmt.Errorf("%w: kind %#x", ErrFormat, byte(kind))
	}
	return e, n, nil
}

// Open verifies the record at the start of b and returns its parts.
func Open(b []byte) (kind Kind, content []byte, n int, err error) {
	if kind, content, n, err = Parse(b); err != nil {
		return 0, nil, 0, err
	}
	if crc32.ChecksumIEEE(b[crcSize:n]) != binary.LittleEndian.Uint32(b) {
		return 0, nil, 0, ErrChecksum
	}
	return kind, content, n, nil
}

// Parse returns the parts of the record at the start of b without verifying it:
// for bytes that have been in memory since they were encoded.
func Parse(b []byte) (kind Kind, content []byte, n int, err error) {
	if len(b) < crcSize+2 {
		return 0, nil, 0, ErrFormat
	}
	length, used := binary.Uvarint(b[crcSize+1:])
	if used <= 0 || length > uint64(len(b)) {
		return 0, nil, 0, ErrFormat
	}
	start := crcSize + 1 + used
	n = start + int(length)
	if n > len(b) {
		return 0, nil, 0, ErrFormat
	}
	return Kind(b[crcSize]), b[start:n], n, nil
}

// MaxHead is how many bytes of a record tell its length.
const MaxHead = crcSize + 1 + 4

// FullSize returns the length of the record that begins with head, 0 if that is
// the beginning of none.
func FullSize(head []byte) int {
	if len(head) < MaxHead {
		return 0
	}
	length, used := binary.Uvarint(head[crcSize+1:])
	if used <= 0 || length > math.MaxInt32 {
		return 0
	}
	return crcSize + 1 + used + int(length)
}

// DataWire returns the message within the content of a data record.
func DataWire(content []byte) (Wire, error) {
	var r Data
	d := decoder{b: content}
	if r.decode(&d); d.bad {
		return nil, ErrFormat
	}
	return r.Wire, nil
}

func (d *Decoder) entry(kind Kind) Entry {
	switch kind {
	case KindData:
		return &d.data
	case KindPop:
		return &d.pop
	case KindAck:
		return &d.ack
	case KindOffset:
		return &d.offset
	case KindServer:
		return &d.server
	case KindTopic:
		return &d.topic
	case KindGroup:
		return &d.group
	case KindTopicEnd:
		return &d.topicEnd
	case KindGroupEnd:
		return &d.groupEnd
	case KindTrim:
		return &d.trim
	case KindGap:
		return &d.gap
	case KindRoll:
		return &d.roll
	case KindPublish:
		return &d.publish
	case KindTimer:
		return &d.timer
	case KindRelocate:
		return &d.relocate
	case KindTxn:
		return &d.txn
	case KindLock:
		return &d.lock
	case KindSetting:
		return &d.setting
	}
	return nil
}

// decoder reads a content from its front; bad sticks once something was missing.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > limit {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) u32() uint32 {
	if len(d.b) < 4 {
		d.bad = true
		return 0
	}
	v := binary.LittleEndian.Uint32(d.b)
	d.b = d.b[4:]
	return v
}

func (d *decoder) u64() uint64 {
	if len(d.b) < 8 {
		d.bad = true
		return 0
	}
	v := binary.LittleEndian.Uint64(d.b)
	d.b = d.b[8:]
	return v
}

func (d *decoder) u8() byte {
	if len(d.b) < 1 {
		d.bad = true
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) string() string {
	n := d.uvarint(uint64(len(d.b)))
	if n > uint64(len(d.b)) {
		d.bad = true
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

// attributes reads what appendAttributes wrote; none are nil.
func (d *decoder) attributes() map[string]string {
	var m map[string]string
	for n := d.uvarint(uint64(len(d.b))); n > 0 && !d.bad; n-- {
		if m == nil {
			m = make(map[string]string)
		}
		key := d.string()
		m[key] = d.string()
	}
	return m
}

func (r *Data) decode(d *decoder) {
	r.Topic = model.TopicID(d.uvarint(math.MaxUint32))
	r.Queue = int32(d.uvarint(math.MaxInt32))
	flags := d.u8()
	r.GroupHash = 0
	if flags&flagGroup != 0 {
		r.GroupHash = d.u32()
	}
	r.DeliverAt = 0
	switch flags & (flagDelayed | flagPrepared) {
	case flagDelayed:
		r.DeliverAt = int64(d.uvarint(math.MaxInt64))
		d.bad = d.bad || !r.delayed()
	case flagPrepared:
		r.DeliverAt = model.Prepared
	case flagDelayed | flagPrepared:
		d.bad = true
	}
	r.TagHash = int32(d.u32())
	w, ok := Check(d.b)
	if !ok || flags&^(flagGroup|flagDelayed|flagPrepared) != 0 {
		d.bad = true
		return
	}
	r.Wire, d.b = w, d.b[len(w):]
}

func (r *Offset) decode(d *decoder) {
	r.Group = model.GroupID(d.uvarint(math.MaxUint32))
	r.Topic = model.TopicID(d.uvarint(math.MaxUint32))
	r.Queue = int32(d.uvarint(math.MaxInt32))
	r.Op = OffsetOp(d.u8())
	r.Offset = model.Offset(d.uvarint(math.MaxInt64))
	d.bad = d.bad || r.Op > OffsetTaken
}

func (r *Server) decode(d *decoder) {
	r.Cluster, r.Broker = d.string(), d.string()
}

func (r *Topic) decode(d *decoder) {
	r.ID = model.TopicID(d.uvarint(math.MaxUint32))
	c := model.TopicConfig{Name: d.string()}
	c.ReadQueues = int32(d.uvarint(model.MaxQueues))
	c.WriteQueues = int32(d.uvarint(model.MaxQueues))
	c.Perm = model.Perm(d.u8())
	flags := d.u8()
	c.Order, c.System = flags&topicOrder != 0, flags&topicSystem != 0
	c.Durability = model.Durability(d.u8())
	c.SysFlag = int32(d.uvarint(math.MaxUint32))
	c.Attributes = d.attributes()
	r.Config = c
	d.bad = d.bad || flags&^(topicOrder|topicSystem) != 0
}

func (r *TopicEnd) decode(d *decoder) { r.ID = model.TopicID(d.uvarint(math.MaxUint32)) }

func (r *GroupEnd) decode(d *decoder) { r.ID = model.GroupID(d.uvarint(math.MaxUint32)) }

func (r *Trim) decode(d *decoder) {
	r.Before = model.LSN(d.uvarint(math.MaxInt64))
	r.Queues = nil
	for n := d.uvarint(uint64(len(d.b))); n > 0 && !d.bad; n-- {
		r.Queues = append(r.Queues, TrimQueue{
			Topic: model.TopicID(d.uvarint(math.MaxUint32)),
			Queue: int32(d.uvarint(math.MaxInt32)),
			Min:   model.Offset(d.uvarint(math.MaxInt64)),
		})
	}
}

func (r *Gap) decode(d *decoder) {
	r.From = model.LSN(d.uvarint(math.MaxInt64))
	r.Offsets = model.Offset(d.uvarint(math.MaxInt64))
	if r.PopTime, r.PopAhead = 0, 0; len(d.b) > 0 { // the first version had no leases
		r.PopTime, r.PopAhead = int64(d.uvarint(math.MaxInt64)), int64(d.uvarint(math.MaxInt64))
	}
}

func (r *Roll) decode(d *decoder) {
	r.Reason = RollReason(d.u8())
}
