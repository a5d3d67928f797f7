package kafka

import (
	"fmt"
	"sort"

	"github.com/gantrymq/gantry/core/wal"
)

// markEvery is how many bytes of log lie between two known places.
const markEvery = 1 << 20

// table knows where in the partition the log's segments lie.
type table struct {
	start    wal.LSN // of the log
	segments []segment
}

// segment is one segment: its first frame, and how to go on from there.
type segment struct {
	place
	end   wal.LSN // behind its last frame so far
	marks []place // rising; the first is the segment's own
}

// place is where a frame that counts lies, and what the fold knew before it.
type place struct {
	lsn    wal.LSN
	offset int64
	epoch  uint32 // of the frame
	chain  uint32 // in the frame
	crc    uint32 // of the frame
}

// fold returns the state in which the frame at the place is the next one.
func (p *place) fold() fold {
	return fold{epoch: p.epoch, next: p.lsn, chain: p.chain, existed: true, begun: true}
}

// add notes a frame that counts.
func (t *table) add(h *wal.Header, offset int64) {
	p := place{h.LSN, offset, h.Epoch, h.Chain, h.CRC}
	n := len(t.segments)
	if n > 0 && t.segments[n-1].end > h.LSN {
		return // it is known
	}
	if h.Flags&wal.FlagSegmentStart != 0 || n == 0 {
		t.segments = append(t.segments, segment{place: p, end: h.End(), marks: []place{p}})
		if n == 0 {
			t.start = h.LSN
		}
		return
	}
	s := &t.segments[n-1]
	s.end = h.End()
	s.mark(p)
}

// mark notes a place if the last one is far enough before it.
func (s *segment) mark(p place) {
	if n := len(s.marks); n == 0 || p.lsn >= s.marks[n-1].lsn+markEvery {
		s.marks = append(s.marks, p)
	}
}

// find returns the segment that holds an LSN, or begins before it; nil if none does.
func (t *table) find(lsn wal.LSN) *segment {
	i := sort.Search(len(t.segments), func(i int) bool { return t.segments[i].lsn > lsn }) - 1
	if i < 0 {
		return nil
	}
	return &t.segments[i]
}

// holds says why n bytes at an LSN cannot be read; nil if they can.
func (t *table) holds(lsn wal.LSN, n int, written wal.LSN) error {
	s := t.find(lsn)
	if s == nil || lsn < t.start || lsn+wal.LSN(n) > min(s.end, written) {
		return fmt.Errorf("read %d bytes at LSN %d: %w", n, lsn, wal.ErrRange)
	}
	return nil
}

// before returns the last known place at or before an LSN within a segment.
func (s *segment) before(lsn wal.LSN) place {
	i := sort.Search(len(s.marks), func(i int) bool { return s.marks[i].lsn > lsn })
	return s.marks[max(i-1, 0)]
}

// trim forgets the segments before an LSN, at which one begins.
func (t *table) trim(before wal.LSN) {
	i := sort.Search(len(t.segments), func(i int) bool { return t.segments[i].lsn >= before })
	t.segments = append([]segment(nil), t.segments[i:]...)
	t.start = before
}
