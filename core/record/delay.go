package record

import (
	"encoding/binary"
	"math"

	"github.com/gantrymq/gantry/core/internal/model"
)

// A message that waits, for its time or for the end of its transaction, is stored by
// a Data record with a DeliverAt: it is in no queue yet. A Publish record puts it there by reference; a Timer record takes it
// back; a Relocate record is a copy of it that stands for it from then on.

// Publish puts a stored message into its queue.
type Publish struct {
	Topic     model.TopicID
	Queue     int32
	TagHash   int32
	GroupHash uint32
	Offset    model.Offset // in the queue
	StoreTime int64        // ms: that of this record's frame
	DeliverAt int64        // ms: the message's; model.Prepared: this commits its transaction
	ID        model.LSN    // the message's address: where it was stored first
	At        model.LSN    // where it lies now
	Size      int          // of the record there
}

// Timer ends the wait of a delayed message: it is never published.
type Timer struct {
	DeliverAt int64
	ID        model.LSN
}

// Relocate is a message that waits once more, because the segment that held it goes.
// Its message keeps the address it had.
type Relocate struct{ Data }

func (*Publish) kind() Kind  { return KindPublish }
func (*Timer) kind() Kind    { return KindTimer }
func (*Relocate) kind() Kind { return KindRelocate }

// MaxPublish bounds the size of a Publish record.
const MaxPublish = 127

func (r *Publish) flags() (f byte) {
	if r.GroupHash != 0 {
		f |= flagGroup
	}
	if r.DeliverAt == model.Prepared {
		f |= flagPrepared
	}
	return f
}

func (r *Publish) size() int {
	n := uvarintLen(uint64(r.Topic)) + uvarintLen(uint64(r.Queue)) + 1 + 4
	if r.GroupHash != 0 {
		n += 4
	}
	if r.DeliverAt != model.Prepared {
		n += uvarintLen(uint64(r.StoreTime - r.DeliverAt))
	}
	return n + uvarintLen(uint64(r.Offset)) + uvarintLen(uint64(r.StoreTime)) +
		uvarintLen(uint64(r.ID)) + uvarintLen(uint64(r.At-r.ID)) + uvarintLen(uint64(r.Size))
}

func (r *Publish) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.Topic))
	dst = binary.AppendUvarint(dst, uint64(r.Queue))
	dst = append(dst, r.flags())
	if r.GroupHash != 0 {
		dst = binary.LittleEndian.AppendUint32(dst, r.GroupHash)
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(r.TagHash))
	dst = binary.AppendUvarint(dst, uint64(r.Offset))
	dst = binary.AppendUvarint(dst, uint64(r.StoreTime))
	if r.DeliverAt != model.Prepared {
		dst = binary.AppendUvarint(dst, uint64(r.StoreTime-r.DeliverAt))
	}
	dst = binary.AppendUvarint(dst, uint64(r.ID))
	dst = binary.AppendUvarint(dst, uint64(r.At-r.ID))
	return binary.AppendUvarint(dst, uint64(r.Size))
}

func (r *Publish) decode(d *decoder) {
	r.Topic = model.TopicID(d.uvarint(math.MaxUint32))
	r.Queue = int32(d.uvarint(math.MaxInt32))
	flags := d.u8()
	r.GroupHash = 0
	if flags&flagGroup != 0 {
		r.GroupHash = d.u32()
	}
	r.TagHash = int32(d.u32())
	r.Offset = model.Offset(d.uvarint(math.MaxInt64))
	r.StoreTime = int64(d.uvarint(math.MaxInt64))
	if r.DeliverAt = model.Prepared; flags&flagPrepared == 0 {
		r.DeliverAt = r.StoreTime - int64(d.uvarint(uint64(r.StoreTime)))
	}
	r.ID = model.LSN(d.uvarint(math.MaxInt64))
	r.At = r.ID + model.LSN(d.uvarint(uint64(math.MaxInt64-r.ID)))
	r.Size = int(d.uvarint(math.MaxInt32))
	d.bad = d.bad || flags&^(flagGroup|flagPrepared) != 0
}

// timerCancel is the one thing that a Timer record does so far.
const timerCancel = 0

func (r *Timer) size() int {
	return 1 + uvarintLen(uint64(r.DeliverAt)) + uvarintLen(uint64(r.ID))
}

func (r *Timer) append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, timerCancel), uint64(r.DeliverAt))
	return binary.AppendUvarint(dst, uint64(r.ID))
}

func (r *Timer) decode(d *decoder) {
	op := d.u8()
	r.DeliverAt = int64(d.uvarint(math.MaxInt64))
	r.ID = model.LSN(d.uvarint(math.MaxInt64))
	d.bad = d.bad || op != timerCancel
}

func (r *Relocate) decode(d *decoder) {
	r.Data.decode(d)
	d.bad = d.bad || r.DeliverAt == 0
}

// Stored returns the message that a record holds, published or not: that of a
// Data or a Relocate.
func Stored(kind Kind, content []byte) (r Data, ok bool) {
	if kind != KindData && kind != KindRelocate {
		return r, false
	}
	d := decoder{b: content}
	r.decode(&d)
	return r, !d.bad && len(d.b) == 0
}

// Published returns the content of a Publish record.
func Published(kind Kind, content []byte) (r Publish, ok bool) {
	if kind != KindPublish {
		return r, false
	}
	d := decoder{b: content}
	r.decode(&d)
	return r, !d.bad && len(d.b) == 0
}
