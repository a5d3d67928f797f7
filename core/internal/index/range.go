package index

import (
	"errors"
	"sort"

	"github.com/gantrymq/gantry/core/internal/model"
)

// Range is a run of a queue's messages within one segment: every offset from
// First to End has one.
//
// One that lies in memory (Sealed is nil) is for the index's owner, until it
// changes the index. A sealed one may be read by any goroutine, for as long as
// its part can be read.
type Range struct {
	First, End          model.Offset
	Segment             model.LSN // where the segment begins
	FirstTime, LastTime int64     // when its first and last message were stored
	Sealed              *Sealed

	extent  extent
	segment *segment
}

// errInMemory tells of a mistake of the caller.
var errInMemory = errors.New("the range lies in memory")

func (x *Index) rangeOf(e *extent) Range {
	s := x.segment(e)
	began := s.began(e)
	r := Range{
		First: e.first, End: e.end(), Segment: s.base,
		FirstTime: began + int64(e.firstTime), LastTime: began + int64(e.lastTime),
		extent: *e,
	}
	if e.sealed {
		r.Sealed = s.sealed
	} else {
		r.segment = s
	}
	return r
}

// Scan passes the messages with offsets in [from, to) of a range in memory to fn,
// in order, until fn returns false; then it returns false.
func (r *Range) Scan(from, to model.Offset, fn func(Place) bool) bool {
	if r.Sealed != nil {
		return false
	}
	from, to = max(from, r.First), min(to, r.End)
	for from < to {
		run := r.segment.from(&r.extent, int(from-r.First))
		run = run[:min(len(run), int(to-from))]
		for i := range run {
			if !fn(run[i].place(r.segment.base, r.segment.time, from+model.Offset(i))) {
				return false
			}
		}
		from += model.Offset(len(run))
	}
	return true
}

// Read passes the messages with offsets in [from, to) of a sealed range to fn, in
// order, until fn returns false. All that fn gets was verified.
func (r *Range) Read(from, to model.Offset, fn func(Place) bool) error {
	if r.Sealed == nil {
		return errInMemory
	}
	from, to = max(from, r.First), min(to, r.End)
	if from >= to {
		return nil
	}
	at := int64(r.extent.at) + int64(from-r.First)
	return r.Sealed.readEntries(at, int(to-from), func(i int, e entry) bool {
		return fn(e.place(r.Segment, r.Sealed.header.first, from+model.Offset(i)))
	})
}

// FindTime returns the first message of the range that was stored at storeTime or
// later. Only a sealed range can fail.
func (r *Range) FindTime(storeTime int64) (p Place, ok bool, err error) {
	if r.LastTime < storeTime {
		return Place{}, false, nil
	}
	if r.Sealed != nil {
		return r.readTime(storeTime)
	}
	n := int(r.extent.n)
	at := func(i int) *entry { return &r.segment.from(&r.extent, i)[0] }
	i := sort.Search(n, func(i int) bool { return r.segment.time+int64(at(i).time) >= storeTime })
	if i == n {
		return Place{}, false, nil
	}
	return at(i).place(r.segment.base, r.segment.time, r.First+model.Offset(i)), true, nil
}

// readTime is FindTime of a sealed range: it halves the range until what is left
// is a block.
func (r *Range) readTime(storeTime int64) (p Place, ok bool, err error) {
	from, to := r.First, r.End
	for to-from > entriesPerBlock {
		mid := from + (to-from)/2
		err := r.Read(mid, mid+1, func(found Place) bool { p = found; return false })
		if err != nil {
			return Place{}, false, err
		}
		if p.Time >= storeTime {
			to = mid + 1
		} else {
			from = mid + 1
		}
	}
	err = r.Read(from, to, func(found Place) bool {
		p, ok = found, found.Time >= storeTime
		return !ok
	})
	if err != nil || !ok {
		return Place{}, false, err
	}
	return p, true, nil
}
