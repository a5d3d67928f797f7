package waltool

import (
	"fmt"

	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
)

// Verdict is what Verify found.
type Verdict struct {
	OK        bool           `json:"ok"`
	Start     wal.LSN        `json:"start"`
	End       wal.LSN        `json:"end"` // of what could be verified
	Frames    int            `json:"frames"`
	Records   int            `json:"records"`
	Bytes     int64          `json:"bytes"`
	Kinds     map[string]int `json:"kinds"`
	TornBytes int64          `json:"torn_bytes"` // never durable: the next start cuts them off
	Damage    *Damage        `json:"damage"`
}

// Verify reads every frame and record from an LSN on, 0 for all, up to the first
// damage. It checks what a start checks; and beyond that each record's own
// checksum, that each message says the place where it lies, and that the offsets of
// each queue follow one another. It does not read parts.
func Verify(f Folder, from int64) (*Verdict, error) {
	i, err := f.open()
	if err != nil {
		return nil, err
	}
	v := &Verdict{Start: wal.LSN(from), Kinds: map[string]int{}}
	for _, s := range i.Segments {
		if !s.GivenUp {
			v.Start = max(v.Start, s.Base)
			break
		}
	}
	var w walker
	order := newOrder()
	tail, err := w.walk(i, wal.LSN(from), func(it *item) error {
		if why := order.check(it); why != "" {
			w.damage = it.damage(why)
			return errStop
		}
		v.Records++
		v.Kinds[kindName(it.kind)]++
		return nil
	})
	if err != nil {
		return nil, err
	}
	v.End, v.TornBytes = tail.End, tail.Torn
	v.Frames, v.Bytes = w.frames, w.bytes
	v.Damage = w.damage
	if v.Damage == nil {
		v.Damage = damage(i.Damage)
	}
	v.OK = v.Damage == nil
	return v, nil
}

// queue names a queue.
type queue struct {
	topic uint64
	num   int32
}

// order knows what the offsets of queues must be.
type order struct {
	next map[queue]place
	gaps int // so far
}

// place is a queue's next offset, and how many gaps there had been then.
type place struct {
	offset int64
	gaps   int
}

func newOrder() *order { return &order{next: map[queue]place{}} }

// addressBits are those of a physical offset that are the LSN; above is the shard.
const addressBits = 53

// check says what is wrong with a record in its place: "" if nothing is.
func (o *order) check(it *item) string {
	switch e := it.entry.(type) {
	case nil:
		return fmt.Sprintf("record of unknown kind %#x: it was written by a newer version", byte(it.kind))
	case *record.Gap:
		o.gaps++
	case *record.Data:
		if e.DeliverAt != 0 {
			return o.address(it, e)
		}
		if why := o.address(it, e); why != "" {
			return why
		}
		return o.follows(queue{uint64(e.Topic), e.Queue}, string(e.Wire.Topic()), e.Wire.QueueOffset())
	case *record.Publish:
		if int64(e.At) >= int64(it.lsn) || e.ID > e.At {
			return fmt.Sprintf("it publishes the message %d, which lies at LSN %d", e.ID, e.At)
		}
		return o.follows(queue{uint64(e.Topic), e.Queue}, fmt.Sprintf("#%d", e.Topic), int64(e.Offset))
	case *record.Relocate:
		if at := e.Wire.PhysicalOffset() & (1<<addressBits - 1); at >= int64(it.lsn) {
			return fmt.Sprintf("it is a copy of the message at LSN %d", at)
		}
	}
	return ""
}

// address says whether a message lies where it says.
func (o *order) address(it *item, d *record.Data) string {
	if lsn := d.Wire.PhysicalOffset() & (1<<addressBits - 1); lsn != int64(it.lsn) {
		return fmt.Sprintf("the message says that it lies at LSN %d", lsn)
	}
	if d.Wire.Queue() != d.Queue {
		return fmt.Sprintf("the message says queue %d, its record %d", d.Wire.Queue(), d.Queue)
	}
	return ""
}

// follows says whether an offset is one that may come next in its queue.
func (o *order) follows(q queue, topic string, got int64) string {
	want, known := o.next[q]
	if known && got != want.offset && (got < want.offset || o.gaps == want.gaps) {
		return fmt.Sprintf("offset %d of queue %d of topic %s, where %d follows", got, q.num, topic, want.offset)
	}
	o.next[q] = place{got + 1, o.gaps}
	return ""
}
