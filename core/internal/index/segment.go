package index

import (
	"math"

	"github.com/gantrymq/gantry/core/internal/model"
)

// entry is one message of a queue: 16 bytes, in memory and in a part.
type entry struct {
	pos  uint32 // of the record, behind the segment's base
	size uint32 // of the record, or of two: see refSize
	tag  int32
	time uint32 // ms behind the segment's time; a segment spans a day
}

// extent is a run of a queue's messages within one segment: their offsets are
// consecutive. 32 bytes, without pointers.
type extent struct {
	first     model.Offset
	segment   uint32 // its number: they count up from the start of the process
	n         uint32
	at        uint32 // sealed: of its first entry in the part; else see segment.entries
	firstTime uint32 // as in entry
	lastTime  uint32
	sealed    bool
}

func (x *extent) end() model.Offset { return x.first + model.Offset(x.n) }

// segment is the index of one segment of the log: in memory at first, in its
// sealed part later.
type segment struct {
	base model.LSN
	end  model.LSN // behind its last frame, or until it has ended behind its last message
	time int64     // what the entries' times count from
	last int64     // store time of its last message

	ended bool

	sealed *Sealed // nil: not yet
	loaded bool    // sealed from the start: nothing of it was ever in memory
	swapAt int     // how much of the directory has replaced extents in memory

	// Until then the entries are here. An extent has one array, as long as it is
	// short; a long one has several of chunkLen, so that it is never copied.
	entries arena[entry]
	long    [][]uint32 // the arrays of the long extents
	extents int        // that are in memory

	apart chunks[uint32] // positions of the messages that are in no queue of their own
}

const chunkLen = 1024 // entries: 16 KiB

// add appends an entry to an extent that lies in memory.
func (s *segment) add(x *extent, e entry) {
	n := int(x.n)
	switch {
	case n == 0:
		x.at, x.firstTime = s.entries.take(0), e.time
	case n < chunkLen:
		x.at = s.entries.resize(x.at, n, n+1)
	case n == chunkLen:
		s.long = append(s.long, []uint32{x.at, s.entries.take(class(chunkLen))})
		x.at = uint32(len(s.long) - 1)
	case n%chunkLen == 0:
		s.long[x.at] = append(s.long[x.at], s.entries.take(class(chunkLen)))
	}
	x.n++
	x.lastTime = e.time
	s.from(x, n)[0] = e
}

// from returns the entries of an extent in memory from the i-th on, as far as
// they lie side by side.
func (s *segment) from(x *extent, i int) []entry {
	if x.n <= chunkLen {
		return s.entries.array(x.at, int(x.n))[i:]
	}
	chunk := i / chunkLen
	n := min(int(x.n)-chunk*chunkLen, chunkLen)
	return s.entries.array(s.long[x.at][chunk], n)[i%chunkLen:]
}

// began returns what an extent's times count from: in memory the segment's first
// frame, in a part its first message.
func (s *segment) began(x *extent) int64 {
	if x.sealed {
		return s.sealed.header.first
	}
	return s.time
}

// forget gives the entries of an extent back.
func (s *segment) forget(x *extent) {
	if x.n <= chunkLen {
		s.entries.give(x.at, class(int(x.n)))
		return
	}
	for _, name := range s.long[x.at] {
		s.entries.give(name, class(chunkLen))
	}
	s.long[x.at] = nil
}

// place turns an entry into what is told of it.
func (e *entry) place(base model.LSN, time int64, offset model.Offset) Place {
	size, body := e.sizes()
	return Place{
		Offset:  offset,
		LSN:     base + model.LSN(e.pos),
		Segment: base,
		Size:    size,
		Body:    body,
		Tag:     e.tag,
		Time:    time + int64(e.time),
	}
}

// fits tells whether a number fits in 32 bits.
func fits(v int64) bool { return 0 <= v && v <= math.MaxUint32 }
