package index

import (
	"fmt"
	"sort"

	"github.com/gantrymq/gantry/core/internal/model"
)

// Entry is one message of a queue: 16 bytes.
type Entry struct {
	pos  uint32 // of the record, behind the segment's base
	size uint32 // of the record
	tag  int32
	time uint32 // ms behind the segment's first frame; a segment spans a day
}

// Segment is the index of one segment of the log.
type Segment struct {
	base model.LSN
	time int64 // store time of its first frame
}

// extent is a run of a queue's messages within one segment: their offsets are
// consecutive. The first entries are in one array that grows, so that a queue
// with few messages is small; the rest in arrays of a fixed length, so that a
// queue with many is never copied.
type extent struct {
	segment *Segment
	first   model.Offset
	n       int
	head    []Entry
	chunks  [][]Entry
}

const chunkLen = 1024 // entries: 16 KiB

func (x *extent) add(e Entry) {
	if x.n < chunkLen {
		x.head = append(x.head, e)
	} else {
		i := x.n/chunkLen - 1
		if i == len(x.chunks) {
			x.chunks = append(x.chunks, make([]Entry, 0, chunkLen))
		}
		x.chunks[i] = append(x.chunks[i], e)
	}
	x.n++
}

func (x *extent) at(i int) *Entry {
	if i < chunkLen {
		return &x.head[i]
	}
	return &x.chunks[i/chunkLen-1][i%chunkLen]
}

func (x *extent) end() model.Offset { return x.first + model.Offset(x.n) }

// Index is the index of a shard's log. One goroutine owns it.
type Index struct {
	segments []*Segment
	queues   [][]*extent // by slot
}

// New returns an empty index.
func New() *Index { return &Index{} }

// Roll begins a segment: the messages that follow lie in it.
func (x *Index) Roll(base model.LSN, storeTime int64) {
	x.segments = append(x.segments, &Segment{base: base, time: storeTime})
}

// Segments returns the number of segments.
func (x *Index) Segments() int { return len(x.segments) }

// SegmentStart returns where the newest segment begins, and when it began.
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
	if len(x.segments) == 0 {
		return fmt.Errorf("message at LSN %d before the first segment", lsn)
	}
	seg := x.segments[len(x.segments)-1]
	for int(slot) >= len(x.queues) {
		x.queues = append(x.queues, nil)
	}
	extents := x.queues[slot]
	var last *extent
	if n := len(extents); n > 0 {
		last = extents[n-1]
	}
	if last == nil || last.segment != seg || last.end() != offset {
		last = &extent{segment: seg, first: offset}
		x.queues[slot] = append(extents, last)
	}
	last.add(Entry{pos: uint32(lsn - seg.base), size: uint32(size), tag: tag, time: uint32(storeTime - seg.time)})
	return nil
}

// Place is where a message lies.
type Place struct {
	Offset  model.Offset
	LSN     model.LSN
	Segment model.LSN // where the segment begins
	Size    int       // of the record
	Tag     int32
	Time    int64 // stored, ms
}

func (x *extent) place(i int) Place {
	e := x.at(i)
	return Place{
		Offset:  x.first + model.Offset(i),
		LSN:     x.segment.base + model.LSN(e.pos),
		Segment: x.segment.base,
		Size:    int(e.size),
		Tag:     e.tag,
		Time:    x.segment.time + int64(e.time),
	}
}

// Scan passes the messages of a queue with offsets in [from, to), in order, to
// fn, until fn returns false. Offsets that no message has are skipped.
func (x *Index) Scan(slot uint32, from, to model.Offset, fn func(Place) bool) {
	if int(slot) >= len(x.queues) {
		return
	}
	extents := x.queues[slot]
	i := sort.Search(len(extents), func(i int) bool { return extents[i].end() > from })
	for ; i < len(extents); i++ {
		e := extents[i]
		for j := int(max(from-e.first, 0)); j < e.n; j++ {
			if e.first+model.Offset(j) >= to || !fn(e.place(j)) {
				return
			}
		}
	}
}

// Find returns the first message of a queue at offset or behind it.
func (x *Index) Find(slot uint32, offset model.Offset) (p Place, ok bool) {
	x.Scan(slot, offset, 1<<62, func(found Place) bool {
		p, ok = found, true
		return false
	})
	return p, ok
}

// FindTime returns the first message of a queue that was stored at storeTime or later.
func (x *Index) FindTime(slot uint32, storeTime int64) (p Place, ok bool) {
	if int(slot) >= len(x.queues) {
		return Place{}, false
	}
	extents := x.queues[slot]
	i := sort.Search(len(extents), func(i int) bool {
		return extents[i].place(extents[i].n-1).Time >= storeTime
	})
	if i == len(extents) {
		return Place{}, false
	}
	e := extents[i]
	j := sort.Search(e.n, func(j int) bool { return e.place(j).Time >= storeTime })
	return e.place(j), true
}
