package index

import "github.com/gantrymq/gantry/core/internal/model"

// SegmentInfo tells of a segment.
type SegmentInfo struct {
	Base   model.LSN
	End    model.LSN // behind its last frame; of one that has not ended behind its last message
	Last   int64     // store time of its last message; in memory, without one, of its first frame
	Apart  int       // messages that are in no queue of their own
	Sealed *Sealed   // nil if not all of it is sealed
}

// Bytes returns how much of the log the segment holds.
func (i *SegmentInfo) Bytes() int64 { return int64(i.End - i.Base) }

// Each passes the segments to fn, oldest first, until fn returns false.
func (x *Index) Each(fn func(SegmentInfo) bool) {
	for _, s := range x.segments {
		if !fn(s.info()) {
			return
		}
	}
}

func (s *segment) info() SegmentInfo {
	i := SegmentInfo{Base: s.base, End: s.end, Last: s.last, Apart: s.apart.len()}
	if s.sealed != nil && s.extents == 0 {
		i.Sealed = s.sealed
		i.Apart = int(s.sealed.header.apart)
	}
	return i
}

// Drop forgets the segments that lie whole below an LSN, all but the newest, and
// returns them. One that was not said to have ended is taken to end where the
// next begins. Who opened their parts may close them once no Range of them is in
// use. What queues keep of them goes by and by: see Sweep.
func (x *Index) Drop(before model.LSN) (dropped []SegmentInfo) {
	n := 0
	for n+1 < len(x.segments) {
		if s := x.segments[n]; x.segments[n+1].base > before && !(s.ended && s.end <= before) {
			break
		}
		info := x.segments[n].info()
		info.Sealed = x.segments[n].sealed
		dropped = append(dropped, info)
		n++
	}
	if n == 0 {
		return nil
	}
	clear(x.segments[:n])
	x.segments = x.segments[n:]
	x.number += uint32(n)
	x.sweepLeft = uint32(len(x.queues) * pageLen)
	return dropped
}

// Sweep frees what up to budget queues keep of dropped segments. It returns
// false when there is no more to do.
func (x *Index) Sweep(budget int) (more bool) {
	slots := uint32(len(x.queues) * pageLen)
	for ; x.sweepLeft > 0 && budget > 0; budget-- {
		x.trim(x.sweepAt)
		x.sweepLeft--
		if x.sweepAt++; x.sweepAt >= slots {
			x.sweepAt = 0
		}
	}
	return x.sweepLeft > 0
}

// trim takes the extents of dropped segments off the front of a queue's.
func (x *Index) trim(slot uint32) {
	all, n := x.of(slot), 0
	for n < len(all) && all[n].segment < x.number {
		n++
	}
	if n > 0 {
		copy(all, all[n:])
		x.shrink(slot, len(all)-n)
	}
}

// shrink keeps the first n of a queue's extents.
func (x *Index) shrink(slot uint32, n int) {
	l := x.list(slot)
	x.extents -= int(l.n) - n
	if n == 0 {
		x.lists.give(l.array, class(int(l.n)))
		*l = list{}
		return
	}
	l.array = x.lists.resize(l.array, int(l.n), n)
	l.n = uint32(n)
}

// Forget drops all that is known of a queue: its topic was deleted. Load and Swap
// must not be told its slot any more.
func (x *Index) Forget(slot uint32) {
	all := x.of(slot)
	if len(all) == 0 {
		return
	}
	for i := range all {
		if e := &all[i]; e.segment >= x.number && !e.sealed {
			s := x.segment(e)
			s.forget(e)
			s.extents--
		}
	}
	x.shrink(slot, 0)
}

// Stats counts what the index holds, for metrics.
type Stats struct {
	Segments int
	Sealed   int   // segments
	Extents  int   // runs of messages, one per queue and segment or more
	Bytes    int64 // of memory
}

// Stats returns the counts of now.
func (x *Index) Stats() Stats {
	st := Stats{Segments: len(x.segments), Extents: x.extents}
	st.Bytes = int64(len(x.queues)*pageLen)*listSize + int64(x.lists.len())*extentSize
	for _, s := range x.segments {
		st.Bytes += int64(s.entries.len())*entrySize + int64(s.apart.len())*posSize
		if s.sealed != nil {
			st.Sealed++
			st.Bytes += s.sealed.memory()
		}
	}
	return st
}

const (
	listSize   = 8
	extentSize = 32
)
