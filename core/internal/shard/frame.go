package shard

import (
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
)

const (
	// frameLimit closes a frame: only a large message or Unit makes a larger one.
	frameLimit = 1 << 20
	// segmentAge ends a segment: its index counts 32 bits of ms, retention goes by days.
	segmentAge = 24 * 3600 * 1000
)

// frame is the frame that this burst builds, in the slab that keeps it.
type frame struct {
	open     bool
	slab     *slab
	from     int // in the slab
	n        int // bytes so far, header included
	lsn      model.LSN
	flags    uint16
	count    uint32
	reserved int         // of a Unit: it closes no frame within
	data     record.Data // reused by every send
}

// next returns the LSN of the next record.
func (f *frame) next() model.LSN { return f.lsn + model.LSN(f.n) }

func (f *frame) bytes() []byte { return f.slab.buf[f.from : f.from+f.n] }

// emit appends a record to the burst and folds it in. It returns where it ends.
func (s *Shard) emit(e record.Entry) (end model.LSN) {
	size := record.Size(e)
	s.reserve(size)
	return s.put(e, size)
}

// put is emit for a record that has its room.
func (s *Shard) put(e record.Entry, size int) (end model.LSN) {
	f := &s.frame
	lsn := f.next()
	record.Append(f.slab.buf[f.from+f.n:f.from+f.n], e)
	f.n += size
	f.count++
	s.disk.used += int64(size)
	if err := s.fold(e, lsn, size); err != nil {
		s.fail(err)
	}
	return lsn + model.LSN(size)
}

// fold applies a record just decided to all that is derived from the log.
// Recovery does the same, each part from where it must.
func (s *Shard) fold(e record.Entry, lsn model.LSN, size int) error {
	if err := s.state.Apply(e, lsn+model.LSN(size)); err != nil {
		return err
	}
	return s.enter(e, lsn, size)
}

// enter puts a message into the index, if the record is one or publishes one. A
// queue of a topic that was deleted later has no place there.
func (s *Shard) enter(e record.Entry, lsn model.LSN, size int) error {
	switch r := e.(type) {
	case *record.Data:
		if r.DeliverAt != 0 {
			s.index.AddApart(lsn, size, r.Wire.StoreTime())
		} else if q := s.queueOf(r.Topic, r.Queue); q != nil {
			return s.index.Add(q.Slot, model.Offset(r.Wire.QueueOffset()), lsn, size, r.TagHash, r.Wire.StoreTime())
		}
	case *record.Relocate:
		s.index.AddApart(lsn, size, s.storeTime)
	case *record.Publish:
		if q := s.queueOf(r.Topic, r.Queue); q != nil {
			return s.index.AddRef(q.Slot, r.Offset, lsn, size, r.Size, r.TagHash, r.StoreTime)
		}
	}
	return nil
}

func (s *Shard) queueOf(topic model.TopicID, num int32) *state.Queue {
	return s.state.Queue(model.Queue{Shard: s.cfg.Shard, Topic: topic, Num: num})
}

// reserve sees that the next record of n bytes has its room in the open frame.
func (s *Shard) reserve(n int) {
	f := &s.frame
	if f.reserved >= n {
		f.reserved -= n
		return
	}
	f.reserved = 0
	if f.open && (f.n+n > frameLimit || f.from+f.n+n > len(f.slab.buf) || s.passesSegment(n)) {
		s.closeFrame()
	}
	if !f.open {
		s.openFrame(s.end, n, s.rollReason(n))
	}
}

// passesSegment tells that the open frame, with n bytes more, would pass the end of
// its segment, and the room that was allocated for it. The first frame of a segment may.
func (s *Shard) passesSegment(n int) bool {
	base, _ := s.index.SegmentStart()
	f := &s.frame
	return f.lsn > base && int64(f.lsn-base)+int64(f.n+n) > s.cfg.SegmentBytes
}

// noRoll goes on in the segment.
const noRoll record.RollReason = 255

// rollReason tells whether a segment begins with the next frame.
func (s *Shard) rollReason(n int) record.RollReason {
	base, began := s.index.SegmentStart()
	switch {
	case s.index.Segments() == 0:
		return record.RollFirst
	case s.index.Complete(): // what followed this segment was lost
		return record.RollSize
	case s.end == base:
		return noRoll
	case s.disk.scarce && int64(s.end-base)+int64(n+wal.HeaderSize) <= s.cfg.SegmentBytes:
		return noRoll // there may be no room for another segment: this one is used up to its end
	case int64(s.end-base)+int64(max(n+wal.HeaderSize, min(frameLimit, int(s.cfg.SegmentBytes/4)))) > s.cfg.SegmentBytes:
		return record.RollSize
	case max(s.now.Wall, s.storeTime)-began >= segmentAge && s.disk.mayRoll(s):
		return record.RollTime
	}
	return noRoll
}

// openFrame begins a frame at lsn with room for a record of n bytes, and a
// segment with it if there is a reason to.
func (s *Shard) openFrame(lsn model.LSN, n int, roll record.RollReason) {
	s.storeTime = max(s.storeTime, s.now.Wall)
	if roll == noRoll {
		s.beginFrame(lsn, wal.HeaderSize+n, 0)
		return
	}
	first := record.Roll{Reason: roll}
	s.beginSegment(lsn, n+record.Size(&first))
	s.put(&first, record.Size(&first))
}

// beginSegment begins a frame that is the first of a segment.
func (s *Shard) beginSegment(lsn model.LSN, n int) {
	if base, _ := s.index.SegmentStart(); s.index.Segments() > 0 && s.end > base && !s.index.Complete() {
		s.index.Ended(s.end)
		s.seals.ended(base, s.end)
	}
	s.beginFrame(lsn, wal.HeaderSize+n, wal.FlagSegmentStart)
	s.index.Roll(lsn, s.storeTime)
}

// beginFrame begins a frame of at least n bytes, the header counted.
func (s *Shard) beginFrame(lsn model.LSN, n int, flags uint16) {
	f := &s.frame
	f.slab, f.from = s.tail.room(lsn, n)
	f.open, f.lsn, f.n, f.flags, f.count = true, lsn, wal.HeaderSize, flags, 0
}

// closeFrame ends the burst's frame and hands it to the log.
func (s *Shard) closeFrame() {
	f := &s.frame
	if !f.open {
		return
	}
	f.open, f.reserved = false, 0
	b := f.bytes()
	clear(b[:wal.HeaderSize])
	wal.PutHeader(b, f.lsn, s.storeTime, f.flags, f.count)
	f.slab.used = f.from + f.n
	s.end = f.next()
	s.count.Frames++
	s.count.FrameBytes += int64(f.n)
	if s.Err() != nil {
		return
	}
	if err := s.log.Append(f.lsn, b); err != nil {
		s.fail(err)
		return
	}
	s.unwritten = append(s.unwritten, s.end)
	s.syncing.appended(s, f.flags)
}
