package shard

import (
	"fmt"
	"io"
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
	swapping *index.Sealed
}

// segmentSpan is a full segment.
type segmentSpan struct{ base, end model.LSN }

// ended notes that a segment is full.
func (l *seals) ended(base, end model.LSN) {
	l.queue = append(l.queue, segmentSpan{base, end})
}

// step does what a step of the loop does for seals.
func (l *seals) step(s *Shard) {
	switch {
	case s.Err() != nil || l.building:
	case l.swapping != nil:
		if s.index.Swap(l.swapping, s.slotOf, swapSlice) {
			l.swapping = nil
			s.count.Sealed++
			s.retention.wake(s)
		}
		s.inbox.poke()
	case len(l.queue) > 0 && s.durable >= l.queue[0].end:
		l.build(s, l.queue[0])
	}
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
		l.queue = append(l.queue[1:], span)
		if len(l.queue) == 1 {
			l.retryLater(s)
		}
		return
	}
	l.queue = l.queue[1:]
	l.swapping = sealed
}

// sealSegment builds, stores and opens the part.
func sealSegment(log wal.Log, shard model.ShardID, span segmentSpan) (*index.Sealed, error) {
	parts := log.Parts()
	r, w := io.Pipe()
	built := make(chan error, 1)
	go func() {
		err := index.Build(log.ReadAt, shard, span.base, span.end, w)
		w.CloseWithError(err)
		built <- err
	}()
	err := parts.Put(indexName(span.base), r)
	r.CloseWithError(err)
	if buildErr := <-built; err == nil {
		err = buildErr
	}
	if err != nil {
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
