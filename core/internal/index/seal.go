package index

import (
	"fmt"
	"sort"

	"github.com/gantrymq/gantry/core/internal/model"
)

// Slots tells a queue's slot; ok is false for one that is no more.
type Slots func(topic model.TopicID, queue int32) (slot uint32, ok bool)

// Load enters a segment that is sealed already: at the start, in the order of the
// log, before anything is added. The state that slot asks is that at the
// segment's end or a later one: queues that it does not know are left out. Load
// takes the directory out of s.
func (x *Index) Load(s *Sealed, slot Slots) error {
	if n := len(x.segments); n > 0 && (s.header.base < x.segments[n-1].end || !x.segments[n-1].loaded) {
		return fmt.Errorf("index part of the segment at LSN %d does not follow the segment at LSN %d", s.header.base, x.segments[n-1].base)
	}
	x.segments = append(x.segments, &segment{base: s.header.base, end: s.header.end, time: s.header.first, last: s.header.last, sealed: s, loaded: true, ended: true})
	number := x.number + uint32(len(x.segments)-1)
	for i := range s.directory {
		r := &s.directory[i]
		at, ok := slot(r.topic, r.queue)
		if !ok {
			continue
		}
		if last := x.last(at); last != nil && last.end() > r.first {
			return fmt.Errorf("index part of the segment at LSN %d: queue %d of topic %d goes back to offset %d", s.header.base, r.queue, r.topic, r.first)
		}
		x.push(at, extent{
			first: r.first, segment: number, n: r.n, at: r.at,
			firstTime: r.firstTime, lastTime: r.lastTime, sealed: true,
		})
	}
	s.directory = nil
	return nil
}

// Swap replaces what the index has in memory of a segment by its part, for at
// most budget runs of messages; it is called with the same s until it is done.
// The segment has a successor. It takes the directory out of s. An error means
// that the part is not that of this log: the index is of no use then.
func (x *Index) Swap(s *Sealed, slot Slots, budget int) (done bool, err error) {
	if len(x.segments) > 0 && s.header.base < x.segments[0].base {
		return true, nil // it was dropped meanwhile
	}
	i, err := x.swapping(s)
	if err != nil {
		return false, err
	}
	seg, number := x.segments[i], x.number+uint32(i)
	for ; seg.swapAt < len(s.directory) && budget > 0; budget-- {
		r := &s.directory[seg.swapAt]
		if at, ok := slot(r.topic, r.queue); ok {
			e := x.find(at, number, r.first)
			if e == nil || e.sealed || e.n != r.n {
				return false, fmt.Errorf("index part of the segment at LSN %d has %d messages from offset %d of queue %d of topic %d, the index has not", s.header.base, r.n, r.first, r.queue, r.topic)
			}
			seg.seal(e, r)
		}
		seg.swapAt++
	}
	if seg.swapAt < len(s.directory) {
		return false, nil
	}
	if seg.extents > 0 {
		return false, fmt.Errorf("index part of the segment at LSN %d lacks %d runs of messages that the index has", s.header.base, seg.extents)
	}
	seg.entries, seg.long, seg.apart, s.directory = arena[entry]{}, nil, chunks[uint32]{}, nil
	seg.end, seg.last, seg.ended = s.header.end, s.header.last, true
	return true, nil
}

// swapping returns the segment that s is the part of, and begins the exchange.
func (x *Index) swapping(s *Sealed) (int, error) {
	i := sort.Search(len(x.segments), func(i int) bool { return x.segments[i].base >= s.header.base })
	if i >= len(x.segments)-1 || x.segments[i].base != s.header.base {
		return 0, fmt.Errorf("index part of the segment at LSN %d: there is no such segment that is complete", s.header.base)
	}
	seg := x.segments[i]
	switch {
	case seg.sealed == nil && s.header.end <= x.segments[i+1].base && seg.end <= s.header.end:
		seg.sealed = s
	case seg.sealed != s || s.directory == nil:
		return 0, fmt.Errorf("index part of the segment at LSN %d, which ends at LSN %d, does not fit or is not the first", s.header.base, s.header.end)
	}
	return i, nil
}

// seal has an extent point into the part. Its entries go with all others, at the end.
func (s *segment) seal(e *extent, r *row) {
	s.extents--
	e.at, e.firstTime, e.lastTime, e.sealed = r.at, r.firstTime, r.lastTime, true
}

// find returns a queue's extent in a segment that begins with an offset.
func (x *Index) find(slot, number uint32, first model.Offset) *extent {
	all := x.of(slot)
	i := sort.Search(len(all), func(i int) bool {
		return all[i].segment > number || all[i].segment == number && all[i].first >= first
	})
	if i == len(all) || all[i].segment != number || all[i].first != first {
		return nil
	}
	return &all[i]
}
