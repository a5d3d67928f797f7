package shard

import (
	"fmt"

	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
)

// recovery is one pass over the end of the log. The state is folded from the
// snapshot's LSN on; the index is built again from the first segment without a part.
type recovery struct {
	shard     *Shard
	decoder   record.Decoder
	foldFrom  model.LSN
	indexFrom model.LSN
	sealed    []*index.Sealed // not yet in the index: their queues may be made later in the log
	segment   model.LSN       // base of the segment that is read
	end       model.LSN       // of the last frame
}

// loadIndexes opens the index parts from start on, up to the first segment that
// has no usable one.
func (r *recovery) loadIndexes(start model.LSN) error {
	s := r.shard
	parts := s.log.Parts()
	names, err := parts.List("")
	if err != nil {
		return err
	}
	r.indexFrom = start
	for _, name := range names {
		base, ok := indexBase(name)
		if !ok || base < start {
			continue
		}
		sealed, err := openIndex(parts, name)
		if err == nil && (sealed.Base() != base || sealed.Shard() != s.cfg.Shard) {
			err = fmt.Errorf("it is that of shard %d from LSN %d on", sealed.Shard(), sealed.Base())
		}
		if err == nil && base != start && !sealed.Follows(r.indexFrom) {
			err = fmt.Errorf("the segment before it has none")
		}
		if err != nil {
			s.logger.Warn("a segment's index is built again", "shard", s.cfg.Shard, "part", name, "err", err)
			break
		}
		r.sealed = append(r.sealed, sealed)
		r.indexFrom = sealed.End()
	}
	return nil
}

// frame folds one frame.
func (r *recovery) frame(f wal.Frame) error {
	s := r.shard
	if r.end == 0 && f.LSN > 0 && r.foldFrom == 0 {
		return fmt.Errorf("the log begins at LSN %d, and there is no usable snapshot of what was before%s", f.LSN, s.snapshots.unusable())
	}
	if f.Flags&wal.FlagSegmentStart != 0 {
		if err := r.startSegment(f.LSN, f.StoreTime); err != nil {
			return err
		}
	}
	r.end, s.storeTime = f.End(), f.StoreTime
	lsn, rest := f.LSN+wal.HeaderSize, f.Payload
	for range f.Count {
		e, n, err := r.decoder.Decode(rest)
		if err == nil {
			err = r.fold(e, lsn, n)
		}
		if err != nil {
			return fmt.Errorf("record at LSN %d: %w", lsn, err)
		}
		lsn, rest = lsn+model.LSN(n), rest[n:]
	}
	if len(rest) != 0 {
		return fmt.Errorf("frame at LSN %d has %d bytes behind its %d records", f.LSN, len(rest), f.Count)
	}
	return nil
}

// startSegment puts the parts of the segments before into the index, and begins
// one in memory if this one has no part.
func (r *recovery) startSegment(base model.LSN, storeTime int64) error {
	if err := r.load(base); err != nil {
		return err
	}
	if base < r.indexFrom {
		return nil
	}
	if r.segment >= r.indexFrom && r.end > r.segment {
		r.shard.index.Ended(r.end)
		r.shard.seals.ended(r.segment, r.end)
	}
	r.segment = base
	r.shard.index.Roll(base, storeTime)
	return nil
}

// load puts the parts of segments that end at or below lsn into the index: all
// their queues are known now.
func (r *recovery) load(lsn model.LSN) error {
	for len(r.sealed) > 0 && r.sealed[0].End() <= lsn {
		if err := r.shard.index.Load(r.sealed[0], r.shard.slotOf); err != nil {
			return err
		}
		r.sealed = r.sealed[1:]
	}
	return nil
}

func (r *recovery) fold(e record.Entry, lsn model.LSN, size int) error {
	s := r.shard
	if end, ok := e.(*record.TopicEnd); ok {
		s.forgetTopic(end.ID)
	}
	if lsn >= r.foldFrom {
		if err := s.state.Apply(e, lsn+model.LSN(size)); err != nil {
			return err
		}
	}
	if lsn >= r.indexFrom {
		return s.enter(e, lsn, size)
	}
	return nil
}

// trim does again what the log says was trimmed: the last owner may have ended
// before it was done.
func (r *recovery) trim() error {
	s, start := r.shard, r.shard.state.LogStart()
	s.index.Drop(start)
	s.seals.forget(start)
	if err := s.log.Trim(start); err != nil {
		return err
	}
	parts := s.log.Parts()
	names, err := parts.List("")
	for _, name := range names {
		if base, ok := indexBase(name); ok && base < start && err == nil {
			err = parts.Delete(name)
		}
	}
	return err
}

// finish takes over where the log ends.
func (r *recovery) finish(found wal.Recovery) (err error) {
	s := r.shard
	if err := r.load(found.End); err != nil {
		return err
	}
	if err := r.trim(); err != nil {
		return err
	}
	if err := s.snapshots.tidy(s.log.Parts()); err != nil {
		return err
	}
	s.end, s.storeTime = found.End, max(s.storeTime, found.StoreTime)
	s.written, s.durable, err = s.log.Progress()
	return err
}
