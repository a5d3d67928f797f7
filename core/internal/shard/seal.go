package shard

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/wal"
)

// swapSlice is how many queues a step moves from the index in memory to the
// sealed one: well below 200 µs.
const swapSlice = 500

// seals turns the index of each full segment into a part, which then replaces it
// in memory. A part is a function of the segment's log alone, so nothing is lost
// with one that was not written, or is damaged.
type seals struct {
	queue    []segmentSpan // full, not yet sealed
	building bool
	failed   bool // the last attempt; the next one comes with the next full segment
	swapping *index.Sealed
}

// segmentSpan is a full segment.
type segmentSpan struct{ base, end model.LSN }

// ended notes that a segment is full.
func (l *seals) ended(base, end model.LSN) {
	l.queue = append(l.queue, segmentSpan{base, end})
	l.failed = false
}

// forget drops the segments that end at or below an LSN.
func (l *seals) forget(before model.LSN) {
	l.queue = slices.DeleteFunc(l.queue, func(span segmentSpan) bool { return span.end <= before })
}

// step does what a step of the loop does for seals.
func (l *seals) step(s *Shard) {
	switch {
	case s.Err() != nil || l.building:
	case l.swapping != nil:
		l.swap(s)
	case len(l.queue) > 0 && !l.failed && s.durable >= l.queue[0].end:
		l.build(s, l.queue[0])
	}
}

func (l *seals) swap(s *Shard) {
	done, err := s.index.Swap(l.swapping, s.slotOf, swapSlice)
	if err != nil {
		s.fail(err)
		return
	}
	if done {
		l.swapping = nil
		s.count.Sealed++
		s.retention.wake(s)
	}
	s.chores.again(s)
}

// slotOf maps a sealed segment's queue to its slot; a queue of a deleted topic
// has none.
func (s *Shard) slotOf(topic model.TopicID, num int32) (uint32, bool) {
	q := s.state.Queue(model.Queue{Shard: s.cfg.Shard, Topic: topic, Num: num})
	if q == nil {
		return 0, false
	}
	return q.Slot, true
}

// build writes a segment's index part from its log.
func (l *seals) build(s *Shard, span segmentSpan) {
	l.building = true
	log, shard := s.log, s.cfg.Shard
	s.apart(&s.files, func() func(*Shard) {
		sealed, err := sealSegment(log, shard, span)
		return func(s *Shard) { s.seals.built(s, span, sealed, err) }
	})
}

func (l *seals) built(s *Shard, span segmentSpan, sealed *index.Sealed, err error) {
	l.building = false
	if err != nil {
		// Its index stays in memory. Without room on the disk it is tried again
		// with the next segment.
		s.logger.Error("a segment's index could not be written; it stays in memory", "shard", s.cfg.Shard, "lsn", span.base, "err", err)
		l.failed = true // until the next segment is full
		return
	}
	l.queue = l.queue[1:]
	l.swapping = sealed
}

// sealSegment builds, stores and opens the part.
func sealSegment(log wal.Log, shard model.ShardID, span segmentSpan) (*index.Sealed, error) {
	b := index.NewBuilder(shard, span.base)
	err := walkFrames(log, span.base, span.end, func(h wal.Header, payload []byte) error {
		return b.AddFrame(h.LSN+wal.HeaderSize, payload, h.Count)
	})
	if err != nil {
		return nil, err
	}
	part, err := b.Part(span.end)
	if err != nil {
		return nil, err
	}
	parts := log.Parts()
	if err := parts.Put(indexName(span.base), part); err != nil {
		return nil, err
	}
	return openIndex(parts, indexName(span.base))
}

const indexSuffix = ".idx"

func indexName(base model.LSN) string { return fmt.Sprintf("%020d%s", base, indexSuffix) }

func openIndex(parts wal.Parts, name string) (*index.Sealed, error) {
	part, err := parts.Open(name)
	if err != nil {
		return nil, err
	}
	sealed, err := index.OpenSealed(part, part.Size())
	if err != nil {
		part.Close()
		return nil, err
	}
	return sealed, nil
}

func indexBase(name string) (model.LSN, bool) {
	digits, ok := strings.CutSuffix(name, indexSuffix)
	if !ok {
		return 0, false
	}
	base, err := strconv.ParseInt(digits, 10, 64)
	return model.LSN(base), err == nil
}
