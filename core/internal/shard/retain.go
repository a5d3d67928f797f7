package shard

import (
	"time"

	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

const (
	// retentionEvery is how often, in ms, the oldest segment is looked at.
	retentionEvery = 60_000
	// trimSlice is how many queues one TRIM record moves, and one step looks at.
	trimSlice = 500
)

// retention forgets segments, the oldest first, one at a time. A segment may go
// when every topic in it allows, and no start needs it any more. What is decided
// stands in TRIM records before anything is removed.
type retention struct {
	armed bool
	alarm alarmID
	busy  bool            // one is being looked at or removed
	parts []*index.Sealed // its index, and those of later segments that publish messages of it
	goes  bool            // nothing keeps it: its queues are being trimmed
	part  int             // which of the parts is looked at
	seen  int             // runs of messages in it that were judged, or trimmed
	some  []index.Extent  // those that are next
	read  bool            // they are there
	span  segmentSpan
	last  model.LSN // of the newest record that publishes a message of that segment
	round round     // of copies forward
	next  model.LSN // where the segment behind it begins: behind a gap that is not its end
	stays stays     // why the oldest segment stays, as of the last look
}

// stays is the reason why a segment stays, and which queue it is.
type stays struct {
	segment model.LSN
	reason  StayReason
	topic   string
	queue   int32
	group   string // that has not consumed it
}

// wake looks at the oldest segment soon: something may allow it to go.
func (r *retention) wake(s *Shard) { r.arm(s, 0) }

func (r *retention) arm(s *Shard, in int64) {
	if r.busy {
		return
	}
	if r.armed {
		s.alarms.cancel(s, r.alarm)
	}
	r.armed = true
	r.alarm = s.alarms.set(s, s.now.Mono+in, r)
}

// ring looks at the oldest segment.
func (r *retention) ring(s *Shard) {
	r.armed = false
	if s.Err() != nil || s.stopping || r.busy {
		return
	}
	oldest, next, two := s.oldestSegments()
	if oldest.Sealed == nil || !two {
		r.note(s, stays{})
		return // the next seal wakes us
	}
	if safe, ok := s.snapshots.safe(); !ok || next.Base > safe {
		if s.disk.low || s.mayBeOld(oldest) {
			s.snapshots.wanted = true
		}
		r.keep(s, stays{segment: oldest.Base, reason: StaysSnapshot})
		return
	}
	r.span, r.next = segmentSpan{oldest.Base, oldest.End}, next.Base
	r.last = s.state.LastPublish(oldest.Base, oldest.End)
	parts, ok := s.publishedFrom(oldest, r.last)
	if !ok {
		r.keep(s, stays{segment: oldest.Base, reason: StaysPublished})
		return
	}
	r.busy, r.goes, r.parts = true, false, parts
	r.begin()
	r.readOn(s)
}

// publishedFrom returns the indexes of a segment and of those behind it, up to the
// one that holds the last record that publishes a message of it. Only together may
// they be forgotten: then nothing that is kept lies in the segment. ok is false if
// one of them is not sealed yet.
func (s *Shard) publishedFrom(oldest index.SegmentInfo, last model.LSN) (parts []*index.Sealed, ok bool) {
	ok = true
	s.index.Each(func(x index.SegmentInfo) bool {
		if x.Base > oldest.Base && x.Base > last {
			return false
		}
		if ok = x.Sealed != nil; ok {
			parts = append(parts, x.Sealed)
		}
		return ok
	})
	return parts, ok
}

// begin goes to the first run.
func (r *retention) begin() { r.part, r.seen, r.some = 0, 0, r.some[:0] }

// on goes to the run behind those that were read. It reports whether there is one.
func (r *retention) on() bool {
	r.seen += len(r.some)
	r.some = r.some[:0]
	for r.part < len(r.parts) && r.seen >= r.parts[r.part].Runs() {
		r.part, r.seen = r.part+1, 0
	}
	return r.part < len(r.parts)
}

// readOn reads the next runs of messages: a slice at a time, for there may be
// millions, and the first one may keep the segment.
func (r *retention) readOn(s *Shard) {
	r.read = false
	if s.stopping {
		r.busy = false
		return
	}
	sealed, seen, some := r.parts[r.part], r.seen, r.some[:0]
	s.apart(&s.readers, func() func(*Shard) {
		err := sealed.Extents(seen, trimSlice, func(x index.Extent) bool { some = append(some, x); return true })
		return func(s *Shard) { s.retention.have(s, some, err) }
	})
}

// have takes what was read.
func (r *retention) have(s *Shard, some []index.Extent, err error) {
	if err != nil {
		s.logger.Error("a segment's index cannot be read: the segment stays", "shard", s.cfg.Shard, "lsn", r.span.base, "err", err)
		r.keep(s, stays{segment: r.span.base, reason: StaysUnreadable})
		return
	}
	r.some, r.read = some, true // for this step's housekeeping
}

// oldestSegments returns the first two segments that are kept; two is false if
// there is but one.
func (s *Shard) oldestSegments() (oldest, next index.SegmentInfo, two bool) {
	n := 0
	s.index.Each(func(x index.SegmentInfo) bool {
		if n++; n == 1 {
			oldest = x
		} else {
			next = x
		}
		return n < 2
	})
	return oldest, next, n == 2
}

// mayBeOld is a cheap guess whether a segment is worth a snapshot.
func (s *Shard) mayBeOld(seg index.SegmentInfo) bool {
	age := s.cfg.Retention.Age.Milliseconds()
	return age > 0 && s.now.Wall-seg.Last > age
}

// judge asks the queues that were read. The segment goes if none of all keeps it.
func (r *retention) judge(s *Shard) {
	if why := s.whyKeep(r.some); why.reason != "" {
		why.segment = r.span.base
		r.keep(s, why)
		return
	}
	if r.on() {
		r.readOn(s)
		return
	}
	r.read = false
	r.relocate(s)
}

// relocate has what waits of the segment copied forward. Then it goes.
func (r *retention) relocate(s *Shard) {
	n, bytes := s.state.DelayedIn(r.span.base, r.span.end)
	switch {
	case n == 0:
		r.forget(s)
	case !r.round.takes(s, r.span.base):
		r.keep(s, stays{segment: r.span.base, reason: StaysDelayed})
	case s.disk.low && bytes > s.disk.room/4:
		r.keep(s, stays{segment: r.span.base, reason: StaysDelayed})
	default:
		s.delays.mover.empty(s, r.span, func(s *Shard, empty bool) {
			if !empty {
				s.retention.keep(s, stays{segment: r.span.base, reason: StaysUnreadable})
				return
			}
			s.retention.forget(s)
		})
	}
}

// round is one pass over what waits in old segments: each message is copied forward
// once in it, and the next one begins a retention's age later. Without that a segment
// with nothing but copies would go at once, and they with it, for ever.
type round struct {
	began int64     // by the monotonic clock
	end   model.LSN // the copies of this round lie at it or above
}

// takes tells whether a segment is the round's, and begins one if it is time.
func (n *round) takes(s *Shard, base model.LSN) bool {
	if base < n.end {
		return true
	}
	age := orDefault(s.cfg.Retention.Age.Milliseconds(), (72 * time.Hour).Milliseconds())
	if n.end > 0 && s.now.Mono-n.began < age {
		return false
	}
	n.began, n.end = s.now.Mono, s.frameEnd()
	return true
}

// forget begins to trim the queues of a segment that goes, unless one of its
// messages was published meanwhile.
func (r *retention) forget(s *Shard) {
	if s.state.LastPublish(r.span.base, r.span.end) != r.last {
		r.busy, r.parts = false, nil
		r.wake(s)
		return
	}
	s.logger.Info("a segment is forgotten", "shard", s.cfg.Shard, "lsn", r.span.base, "end", r.span.end)
	r.note(s, stays{})
	r.goes = true
	r.begin()
	r.readOn(s)
}

func (r *retention) keep(s *Shard, why stays) {
	r.note(s, why)
	r.busy, r.read, r.parts = false, false, nil
	r.arm(s, retentionEvery)
}

// note notes why the oldest segment stays, and says so where an operator should act.
func (r *retention) note(s *Shard, why stays) {
	if why.reason == StaysUnconsumed && (r.stays.segment != why.segment || r.stays.group != why.group) {
		s.logger.Warn("the log's oldest segment stays: a group has not consumed messages that are past their retention",
			"shard", s.cfg.Shard, "lsn", why.segment, "topic", why.topic, "queue", why.queue, "group", why.group)
	}
	if why.reason != r.stays.reason {
		s.showKept(func(k *Kept) { k.Stays = why.reason })
	}
	r.stays = why
}

// whyKeep says which queue of a segment keeps it; the reason is empty if none does.
func (s *Shard) whyKeep(all []index.Extent) stays {
	var topic *model.TopicConfig
	var rule model.Retention
	for i := range all {
		x := &all[i]
		q := s.state.Queue(model.Queue{Shard: s.cfg.Shard, Topic: x.Topic, Num: x.Queue})
		if q == nil || x.End <= q.Min {
			continue
		}
		if topic != &q.Topic.Config {
			topic = &q.Topic.Config
			rule, _ = topic.Retention(s.cfg.Retention) // was validated when it was set
		}
		expired := rule.Age > 0 && s.now.Wall-x.LastTime > rule.Age.Milliseconds() ||
			rule.Bytes > 0 && bytesBehind(q, x) >= rule.Bytes
		if !expired {
			return stays{reason: StaysRetained, topic: topic.Name, queue: q.Num}
		}
		if !rule.Consumed {
			continue
		}
		if g, floor := s.state.Laggard(q); g != nil && floor < x.End {
			return stays{reason: StaysUnconsumed, topic: topic.Name, queue: q.Num, group: g.Config.Name}
		}
	}
	return stays{}
}

// bytesBehind estimates how much a queue has behind a run of messages, by their
// average size.
func bytesBehind(q *state.Queue, x *index.Extent) int64 {
	n := q.Next - x.End - q.Gaps().Within(x.End, q.Next)
	return int64(n) * (x.Bytes / int64(x.End-x.First))
}

// step judges the queues that were read, or moves their first offsets.
func (r *retention) step(s *Shard) {
	if s.index.Sweep(trimSlice) {
		s.chores.again(s)
	}
	switch {
	case !r.read:
	case r.goes:
		r.trim(s)
	default:
		r.judge(s)
	}
}

// trim moves the first offsets of queues of the segment that goes.
func (r *retention) trim(s *Shard) {
	trim := record.Trim{}
	for i := range r.some {
		x := &r.some[i]
		q := s.state.Queue(model.Queue{Shard: s.cfg.Shard, Topic: x.Topic, Num: x.Queue})
		if q != nil && x.End > q.Min {
			trim.Queues = append(trim.Queues, record.TrimQueue{Topic: x.Topic, Queue: x.Queue, Min: x.End})
		}
	}
	if r.on() {
		r.readOn(s)
	} else {
		trim.Before = r.next
		r.read, r.parts = false, nil
	}
	if len(trim.Queues) == 0 && trim.Before == 0 {
		return
	}
	s.when(atDurable, s.emit(&trim), then(func(s *Shard, err error) { s.retention.trimmed(s, &trim, err) }))
}

// trimmed shows clients what a record forgot, now that nothing brings it back,
// and after the last one removes the segment.
func (r *retention) trimmed(s *Shard, trim *record.Trim, err error) {
	if err != nil {
		return
	}
	for _, t := range trim.Queues {
		if q := s.state.Queue(model.Queue{Shard: s.cfg.Shard, Topic: t.Topic, Num: t.Queue}); q != nil {
			v := s.queueAt(q.Slot)
			v.first = max(v.first, t.Min)
		}
	}
	if trim.Before != 0 {
		r.remove(s)
	}
}

// remove removes the segment: nothing above points to it, and the log says so.
func (r *retention) remove(s *Shard) {
	span, next := r.span, r.next
	// The parts of the dropped segments are closed once no reader has them: their
	// files close themselves when nobody refers to them.
	s.index.Drop(next)
	if err := s.log.Trim(next); err != nil {
		s.logger.Error("a segment cannot be removed", "shard", s.cfg.Shard, "lsn", span.base, "err", err)
	}
	s.count.Forgotten++
	parts := s.log.Parts()
	s.apart(&s.files, func() func(*Shard) {
		err := parts.Delete(indexName(span.base))
		return func(s *Shard) {
			if err != nil {
				s.logger.Error("an index part cannot be removed", "shard", s.cfg.Shard, "lsn", span.base, "err", err)
			}
			s.retention.busy = false
			s.retention.wake(s) // the next one may be due too
		}
	})
}
