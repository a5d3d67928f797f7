package index

import (
	"fmt"
	"sort"

	"github.com/gantrymq/gantry/core/internal/model"
)

// Index is the index of a shard's log. One goroutine owns it; only a sealed
// Range may be read by others.
type Index struct {
	segments []*segment
	number   uint32 // of segments[0]; extents of lower ones are forgotten
	queues   [][]list
	lists    arena[extent]
	extents  int // in all lists, forgotten ones until they are swept
	skip     model.LSN

	sweepAt   uint32
	sweepLeft uint32
}

// list names a queue's extents, rising, in the arena. An idle queue costs no more.
type list struct {
	array uint32
	n     uint32
}

// Place is where a message lies.
type Place struct {
	Offset  model.Offset
	LSN     model.LSN
	Segment model.LSN // where the segment begins
	Size    int       // of the record
	Body    int       // if that one only refers to the message: the size of the message's; else 0
	Tag     int32
	Time    int64 // stored, ms
}

// New returns an empty index.
func New() *Index { return &Index{} }

// Skip has Roll and Add pass over all that lies below an LSN: a replay begins
// there, and the index gets it by Load.
func (x *Index) Skip(below model.LSN) { x.skip = below }

// Roll begins a segment: the messages that follow lie in it.
func (x *Index) Roll(base model.LSN, storeTime int64) {
	if base < x.skip {
		return
	}
	x.segments = append(x.segments, &segment{base: base, end: base, time: storeTime, last: storeTime})
}

// Ended tells where the newest segment ends: behind its last frame. Nothing is
// added to it any more.
func (x *Index) Ended(end model.LSN) {
	if n := len(x.segments); n > 0 && x.segments[n-1].sealed == nil {
		s := x.segments[n-1]
		s.end, s.ended = max(s.end, end), true
	}
}

// Segments returns the number of segments.
func (x *Index) Segments() int { return len(x.segments) }

// Complete tells whether the newest segment has ended: nothing can be added to it.
func (x *Index) Complete() bool {
	n := len(x.segments)
	return n > 0 && x.segments[n-1].ended
}

// SegmentStart returns where the newest segment begins, and when it began: the
// store time of its first frame, or of its first message if it was loaded.
func (x *Index) SegmentStart() (base model.LSN, storeTime int64) {
	if len(x.segments) == 0 {
		return 0, 0
	}
	s := x.segments[len(x.segments)-1]
	return s.base, s.time
}

// Add enters a message: the record of size bytes at lsn, which has that offset
// in the queue of that slot.
func (x *Index) Add(slot uint32, offset model.Offset, lsn model.LSN, size int, tag int32, storeTime int64) error {
	return x.add(slot, offset, lsn, size, uint32(size), tag, storeTime)
}

// AddRef is Add for a message that a record publishes by reference; body is the
// size of the record that holds the message.
func (x *Index) AddRef(slot uint32, offset model.Offset, lsn model.LSN, size, body int, tag int32, storeTime int64) error {
	packed, ok := refSize(size, body)
	if !ok {
		return fmt.Errorf("reference at LSN %d of %d bytes, to %d bytes", lsn, size, body)
	}
	return x.add(slot, offset, lsn, size, packed, tag, storeTime)
}

func (x *Index) add(slot uint32, offset model.Offset, lsn model.LSN, size int, packed uint32, tag int32, storeTime int64) error {
	if lsn < x.skip {
		return nil
	}
	if len(x.segments) == 0 {
		return fmt.Errorf("message at LSN %d before the first segment", lsn)
	}
	seg := x.segments[len(x.segments)-1]
	if seg.ended || !fits(int64(lsn-seg.base)) || size >= refBit || !fits(storeTime-seg.time) {
		return fmt.Errorf("message at LSN %d, stored at %d, does not belong to the segment at LSN %d that began at %d", lsn, storeTime, seg.base, seg.time)
	}
	number := x.number + uint32(len(x.segments)-1)
	last := x.last(slot)
	if last == nil || last.segment != number || last.end() != offset {
		last = x.push(slot, extent{first: offset, segment: number})
		seg.extents++
	}
	seg.add(last, entry{pos: uint32(lsn - seg.base), size: packed, tag: tag, time: uint32(storeTime - seg.time)})
	seg.end, seg.last = lsn+model.LSN(size), storeTime
	return nil
}

// list returns a queue's list.
func (x *Index) list(slot uint32) *list {
	if int(slot>>pageBits) >= len(x.queues) {
		return nil
	}
	return &x.queues[slot>>pageBits][slot&(pageLen-1)]
}

// of returns a queue's extents.
func (x *Index) of(slot uint32) []extent {
	l := x.list(slot)
	if l == nil || l.n == 0 {
		return nil
	}
	return x.lists.array(l.array, int(l.n))
}

func (x *Index) last(slot uint32) *extent {
	if all := x.of(slot); len(all) > 0 {
		return &all[len(all)-1]
	}
	return nil
}

// push appends an extent to a queue's.
func (x *Index) push(slot uint32, e extent) *extent {
	for int(slot>>pageBits) >= len(x.queues) {
		x.queues = append(x.queues, make([]list, pageLen))
	}
	l := x.list(slot)
	if l.n == 0 {
		l.array = x.lists.take(0)
	} else {
		l.array = x.lists.resize(l.array, int(l.n), int(l.n)+1)
	}
	l.n++
	x.extents++
	last := &x.lists.array(l.array, int(l.n))[l.n-1]
	*last = e
	return last
}

// segment returns the segment of an extent that is not forgotten.
func (x *Index) segment(e *extent) *segment { return x.segments[e.segment-x.number] }

// Range returns the run of a queue's messages that holds from, or the first
// behind it.
func (x *Index) Range(slot uint32, from model.Offset) (Range, bool) {
	all := x.of(slot)
	i := sort.Search(len(all), func(i int) bool { return all[i].segment >= x.number && all[i].end() > from })
	if i == len(all) {
		return Range{}, false
	}
	return x.rangeOf(&all[i]), true
}

// RangeByTime returns the run of a queue's messages that holds the first one
// stored at storeTime or later.
func (x *Index) RangeByTime(slot uint32, storeTime int64) (Range, bool) {
	all := x.of(slot)
	i := sort.Search(len(all), func(i int) bool {
		e := &all[i]
		return e.segment >= x.number && x.segment(e).began(e)+int64(e.lastTime) >= storeTime
	})
	if i == len(all) {
		return Range{}, false
	}
	return x.rangeOf(&all[i]), true
}

// Scan passes the messages of a queue with offsets in [from, to), in order, to
// fn, until fn returns false or a sealed segment is met; then it returns false.
// Offsets that no message has are skipped.
func (x *Index) Scan(slot uint32, from, to model.Offset, fn func(Place) bool) (complete bool) {
	for from < to {
		r, ok := x.Range(slot, from)
		if !ok {
			return true
		}
		if r.Sealed != nil || !r.Scan(from, to, fn) {
			return false
		}
		from = r.End
	}
	return true
}

// Find returns the first message of a queue at offset or behind it, unless it
// lies in a sealed segment.
func (x *Index) Find(slot uint32, offset model.Offset) (p Place, ok bool) {
	x.Scan(slot, offset, 1<<62, func(found Place) bool {
		p, ok = found, true
		return false
	})
	return p, ok
}

// FindTime returns the first message of a queue that was stored at storeTime or
// later, unless it lies in a sealed segment.
func (x *Index) FindTime(slot uint32, storeTime int64) (p Place, ok bool) {
	r, ok := x.RangeByTime(slot, storeTime)
	if !ok || r.Sealed != nil {
		return Place{}, false
	}
	p, ok, _ = r.FindTime(storeTime)
	return p, ok
}
