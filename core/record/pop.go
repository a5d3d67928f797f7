package record

import (
	"encoding/binary"
	"math"

	"github.com/gantrymq/gantry/core/internal/model"
)

// MaxMessages is how many messages one Pop or Ack names at most, in each of its
// lists.
const MaxMessages = 1 << 16

// Pop leases messages of a queue to a consumer of a group.
type Pop struct {
	Group model.GroupID
	Topic model.TopicID
	Queue int32
	// PopTime names these deliveries. It is by the shard's pop clock, in ms since
	// 1970, and greater than that of any delivery before.
	PopTime   int64
	Invisible int64 // ms; the leases end at PopTime+Invisible
	// ReadTo tells that the cursor has looked at all below: what it passed over and
	// is named nowhere is done with. It is above all that is leased or parked.
	ReadTo  model.Offset
	Attempt uint64 // hash of the attempt id, 0: none (ordered groups only)
	FIFO    bool   // what follows is known in ordered groups only
	Leased  []PopMessage
	// Parked were passed over because their message group is locked.
	Parked []PopMessage
	// Resumed tells from where on the messages of a message group are to be looked
	// for, because it has no room to park them. A search that has come to where
	// ReadTo was before is over.
	Resumed []PopMessage
}

// PopMessage is a message of a Pop. Lists of them have rising offsets, but for
// Resumed.
type PopMessage struct {
	Offset model.Offset
	Key    uint32 // hash of the message group; 0 without FIFO
}

// Ack ends deliveries, or gives them another time.
type Ack struct {
	Group   model.GroupID
	Topic   model.TopicID
	Queue   int32
	Op      AckOp
	Offsets []model.Offset // rising
	// PopTime and Invisible are the new deliveries' name and time after an AckChange.
	PopTime, Invisible int64
}

// AckOp says what an Ack does.
type AckOp uint8

const (
	// AckDone ends the messages for the group. In an ordered group one behind an
	// unfinished message of its message group waits for that.
	AckDone AckOp = iota
	// AckDead ends them, whatever is before: their copies are in the dead letters, or
	// nobody is to get them.
	AckDead
	// AckChange gives their deliveries a new name and time. Invisible 0: they are due
	// again at once, and nobody holds them.
	AckChange
)

func (*Pop) kind() Kind { return KindPop }
func (*Ack) kind() Kind { return KindAck }

// Bits of a Pop's flags. popRun tells that the leased offsets follow one another.
const (
	popFIFO    = 1 << 0
	popAttempt = 1 << 1
	popRun     = 1 << 2
	popResumed = 1 << 3
)

// ackRun in an Ack's op tells that the offsets follow one another.
const ackRun = 1 << 7

func (r *Pop) flags() (flags byte) {
	if r.FIFO {
		flags |= popFIFO
	}
	if r.Attempt != 0 {
		flags |= popAttempt
	}
	if n := len(r.Leased); n > 1 && r.Leased[n-1].Offset-r.Leased[0].Offset == model.Offset(n-1) {
		flags |= popRun
	}
	if len(r.Resumed) > 0 {
		flags |= popResumed
	}
	return flags
}

func (r *Pop) size() int {
	n := uvarintLen(uint64(r.Group)) + uvarintLen(uint64(r.Topic)) + uvarintLen(uint64(r.Queue)) + 1 +
		uvarintLen(uint64(r.PopTime)) + uvarintLen(uint64(r.Invisible))
	flags := r.flags()
	if flags&popAttempt != 0 {
		n += 8
	}
	size, next := sizeMessages(r.Leased, flags&popRun != 0)
	n += size + uvarintLen(uint64(r.ReadTo-next))
	if r.FIFO {
		n += 4 * (len(r.Leased) + len(r.Parked))
		size, _ = sizeMessages(r.Parked, false)
		n += size
	}
	if flags&popResumed != 0 {
		n += uvarintLen(uint64(len(r.Resumed)))
		for i := range r.Resumed {
			n += uvarintLen(uint64(r.Resumed[i].Offset)) + 4
		}
	}
	return n
}

func (r *Pop) append(dst []byte) []byte {
	flags := r.flags()
	dst = binary.AppendUvarint(dst, uint64(r.Group))
	dst = binary.AppendUvarint(dst, uint64(r.Topic))
	dst = binary.AppendUvarint(dst, uint64(r.Queue))
	dst = append(dst, flags)
	dst = binary.AppendUvarint(dst, uint64(r.PopTime))
	dst = binary.AppendUvarint(dst, uint64(r.Invisible))
	if flags&popAttempt != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, r.Attempt)
	}
	dst, next := appendMessages(dst, r.Leased, flags&popRun != 0)
	dst = binary.AppendUvarint(dst, uint64(r.ReadTo-next))
	if r.FIFO {
		dst = appendKeys(dst, r.Leased)
		dst, _ = appendMessages(dst, r.Parked, false)
		dst = appendKeys(dst, r.Parked)
	}
	if flags&popResumed != 0 {
		dst = binary.AppendUvarint(dst, uint64(len(r.Resumed)))
		for i := range r.Resumed {
			dst = binary.AppendUvarint(dst, uint64(r.Resumed[i].Offset))
		}
		dst = appendKeys(dst, r.Resumed)
	}
	return dst
}

// sizeMessages returns the length of what appendMessages appends.
func sizeMessages(list []PopMessage, run bool) (n int, next model.Offset) {
	n = uvarintLen(uint64(len(list)))
	for i := range list {
		if i == 0 || !run {
			n += uvarintLen(uint64(list[i].Offset - next))
		}
		next = list[i].Offset + 1
	}
	return n, next
}

// appendMessages encodes rising offsets: how many, and how far each is from the
// end of the one before. Of a run the first says all. next is the end of the last.
func appendMessages(dst []byte, list []PopMessage, run bool) (_ []byte, next model.Offset) {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for i := range list {
		if i == 0 || !run {
			dst = binary.AppendUvarint(dst, uint64(list[i].Offset-next))
		}
		next = list[i].Offset + 1
	}
	return dst, next
}

func appendKeys(dst []byte, list []PopMessage) []byte {
	for i := range list {
		dst = binary.LittleEndian.AppendUint32(dst, list[i].Key)
	}
	return dst
}

func (r *Pop) decode(d *decoder) {
	r.Group = model.GroupID(d.uvarint(math.MaxUint32))
	r.Topic = model.TopicID(d.uvarint(math.MaxUint32))
	r.Queue = int32(d.uvarint(math.MaxInt32))
	flags := d.u8()
	r.PopTime, r.Invisible = int64(d.uvarint(math.MaxInt64)), int64(d.uvarint(math.MaxInt64))
	r.FIFO, r.Attempt = flags&popFIFO != 0, 0
	if flags&popAttempt != 0 {
		r.Attempt = d.u64()
		d.bad = d.bad || r.Attempt == 0
	}
	var next model.Offset
	r.Leased, next = d.messages(r.Leased[:0], flags&popRun != 0)
	r.ReadTo = d.offsetFrom(next)
	r.Parked, r.Resumed = r.Parked[:0], r.Resumed[:0]
	if r.FIFO {
		d.keys(r.Leased)
		r.Parked, _ = d.messages(r.Parked, false)
		d.keys(r.Parked)
	}
	if flags&popResumed != 0 {
		r.Resumed = d.resumed(r.Resumed)
	}
	known := byte(popFIFO | popAttempt | popRun | popResumed)
	d.bad = d.bad || flags&^known != 0 || r.flags() != flags || r.Invisible > math.MaxInt64-r.PopTime
}

func (d *decoder) messages(dst []PopMessage, run bool) (_ []PopMessage, next model.Offset) {
	n := d.count(run)
	for i := 0; i < n && !d.bad; i++ {
		if i == 0 || !run {
			next = d.offsetFrom(next)
		}
		dst = append(dst, PopMessage{Offset: next})
		next++
	}
	d.bad = d.bad || next < 0
	return dst, next
}

// count reads the length of a list. What is not a run has a byte at least for
// each in it.
func (d *decoder) count(run bool) int {
	limit := MaxMessages
	if !run {
		limit = min(limit, len(d.b))
	}
	return int(d.uvarint(uint64(limit)))
}

// offsetFrom reads an offset that was written as its distance.
func (d *decoder) offsetFrom(base model.Offset) model.Offset {
	return base + model.Offset(d.uvarint(uint64(math.MaxInt64-base)))
}

func (d *decoder) keys(list []PopMessage) {
	for i := range list {
		list[i].Key = d.u32()
	}
}

func (d *decoder) resumed(dst []PopMessage) []PopMessage {
	for n := d.count(false); n > 0 && !d.bad; n-- {
		dst = append(dst, PopMessage{Offset: model.Offset(d.uvarint(math.MaxInt64))})
	}
	d.keys(dst)
	return dst
}

func (r *Ack) head() byte {
	if n := len(r.Offsets); n > 1 && r.Offsets[n-1]-r.Offsets[0] == model.Offset(n-1) {
		return byte(r.Op) | ackRun
	}
	return byte(r.Op)
}

func (r *Ack) size() int {
	n := uvarintLen(uint64(r.Group)) + uvarintLen(uint64(r.Topic)) + uvarintLen(uint64(r.Queue)) + 1 +
		uvarintLen(uint64(len(r.Offsets)))
	run, next := r.head()&ackRun != 0, model.Offset(0)
	for i, offset := range r.Offsets {
		if i == 0 || !run {
			n += uvarintLen(uint64(offset - next))
		}
		next = offset + 1
	}
	if r.Op == AckChange {
		n += uvarintLen(uint64(r.PopTime)) + uvarintLen(uint64(r.Invisible))
	}
	return n
}

func (r *Ack) append(dst []byte) []byte {
	head := r.head()
	dst = binary.AppendUvarint(dst, uint64(r.Group))
	dst = binary.AppendUvarint(dst, uint64(r.Topic))
	dst = binary.AppendUvarint(dst, uint64(r.Queue))
	dst = append(dst, head)
	dst = binary.AppendUvarint(dst, uint64(len(r.Offsets)))
	next := model.Offset(0)
	for i, offset := range r.Offsets {
		if i == 0 || head&ackRun == 0 {
			dst = binary.AppendUvarint(dst, uint64(offset-next))
		}
		next = offset + 1
	}
	if r.Op == AckChange {
		dst = binary.AppendUvarint(dst, uint64(r.PopTime))
		dst = binary.AppendUvarint(dst, uint64(r.Invisible))
	}
	return dst
}

func (r *Ack) decode(d *decoder) {
	r.Group = model.GroupID(d.uvarint(math.MaxUint32))
	r.Topic = model.TopicID(d.uvarint(math.MaxUint32))
	r.Queue = int32(d.uvarint(math.MaxInt32))
	head := d.u8()
	r.Op = AckOp(head &^ ackRun)
	r.Offsets = r.Offsets[:0]
	run, next := head&ackRun != 0, model.Offset(0)
	n := d.count(run)
	for i := 0; i < n && !d.bad; i++ {
		if i == 0 || !run {
			next = d.offsetFrom(next)
		}
		r.Offsets = append(r.Offsets, next)
		next++
	}
	r.PopTime, r.Invisible = 0, 0
	if r.Op == AckChange {
		r.PopTime, r.Invisible = int64(d.uvarint(math.MaxInt64)), int64(d.uvarint(math.MaxInt64))
	}
	d.bad = d.bad || n == 0 || next < 0 || r.Op > AckChange || r.head() != head || r.Invisible > math.MaxInt64-r.PopTime
}
