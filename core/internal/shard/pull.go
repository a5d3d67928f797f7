package shard

import (
	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

const (
	defaultPullMessages = 32
	maxPullMessages     = 1024
	defaultPullBytes    = 256 << 10
	maxPullBytes        = 8 << 20
	// maxScan bounds what one pull looks at without a match: about a ms of the loop.
	maxScan = 20_000
)

// pullRequest is a Pull, from its call to its answer.
type pullRequest struct {
	client *Client
	Pull
	done func(*Records, error)

	// While it waits.
	waiting  bool
	until    int64        // by the monotonic clock; 0: not begun
	scanned  model.Offset // nothing below matches
	alarm    alarmID
	slot     uint32
	inQueue  int // index among the queue's waiters
	inClient int // index among the client's waits
}

// Pull queues the call. See core.Client.
func (c *Client) Pull(p Pull, done func(*Records, error)) (cancel func()) {
	r := &pullRequest{client: c, Pull: p, done: done}
	r.MaxMessages = clampDefault(p.MaxMessages, defaultPullMessages, maxPullMessages)
	r.MaxBytes = clampDefault(p.MaxBytes, defaultPullBytes, maxPullBytes)
	c.add(r)
	if p.Wait <= 0 {
		return func() {}
	}
	return func() { c.cancelWait(r) }
}

func clampDefault(v, def, limit int) int {
	if v <= 0 {
		return def
	}
	return min(v, limit)
}

func (r *pullRequest) class() class     { return reads }
func (r *pullRequest) refuse(err error) { r.done(nil, err) }
func (r *pullRequest) fail(s *Shard, err error) {
	s.touch(r.client)
	r.done(nil, err)
}

// decide answers the pull, or has it wait.
func (r *pullRequest) decide(s *Shard) {
	q := s.state.Queue(r.Queue)
	switch {
	case q == nil && s.state.TopicByID(r.Queue.Topic) == nil:
		r.fail(s, model.Errorf(model.TopicNotFound, "no topic with id %d", r.Queue.Topic))
	case q == nil:
		r.fail(s, model.Errorf(model.InvalidQueue, "topic %s has no queue %d", s.state.TopicByID(r.Queue.Topic).Config.Name, r.Queue.Num))
	case q.Topic.Config.Perm&model.PermRead == 0:
		r.fail(s, model.Errorf(model.NoPermission, "topic %s does not allow reading", q.Topic.Config.Name))
	default:
		r.read(s, q)
	}
}

// read answers from the queue as it is now.
func (r *pullRequest) read(s *Shard, q *state.Queue) {
	visible := s.queueAt(q.Slot).visible
	if err := s.mayRead(r.Group); err != nil {
		r.fail(s, err)
		return
	}
	if target, pending := s.pendingReset(r, q); pending {
		r.finish(s, q, PullOffsetMoved, target)
		return
	}
	if end, ok := q.GapAt(r.Offset); ok && r.Offset < visible {
		r.finish(s, q, PullNoMatch, end)
		return
	}
	switch {
	case r.Offset < s.first(q):
		r.finish(s, q, PullOffsetMoved, s.first(q))
	case r.Offset > visible:
		r.finish(s, q, PullOffsetMoved, visible)
	case r.Offset < visible:
		r.collect(s, q, visible)
	case r.Wait > 0 && !r.client.closed && !s.stopping:
		s.wait(r, q)
	default:
		r.finish(s, q, PullNotFound, r.Offset)
	}
}

// pendingReset tells a group's pull of a reset, and that it was told.
func (s *Shard) pendingReset(r *pullRequest, q *state.Queue) (target model.Offset, pending bool) {
	g := s.state.Group(r.Group)
	if g == nil {
		return 0, false
	}
	c := s.state.Cursor(model.CursorID{Group: g.ID, Queue: r.Queue})
	if c == nil || !c.PendingReset() {
		return 0, false
	}
	target = c.Floor()
	s.emit(&record.Offset{Group: g.ID, Topic: q.Topic.ID, Queue: q.Num, Op: record.OffsetTaken, Offset: target})
	return target, true
}

// collect looks for messages below end, and has them copied. What lies in a
// sealed index is looked for by a reader.
func (r *pullRequest) collect(s *Shard, q *state.Queue, end model.Offset) {
	j := s.newReadJob(r)
	from := max(r.Offset, r.scanned)
	j.filter, j.next, j.min, j.max = r.filterFor(s, q), from, s.first(q), end
	if x, ok := s.index.Range(q.Slot, from); ok && x.Sealed != nil {
		s.readSealed(j, x)
		return
	}
	complete := s.index.Scan(q.Slot, from, end, j.take)
	if len(j.places) == 0 {
		if complete {
			j.next = end // the rest, if any, is a gap
		}
		r.finish(s, q, PullNoMatch, j.next)
		j.release()
		return
	}
	s.read(j)
}

// filterFor returns what the pull asks for, or its group's subscription.
func (r *pullRequest) filterFor(s *Shard, q *state.Queue) *filter.Filter {
	if r.Filter != nil {
		return r.Filter
	}
	return s.members.subscription(r.Group, q.Topic.Config.Name)
}

// finish answers without messages.
func (r *pullRequest) finish(s *Shard, q *state.Queue, status PullStatus, next model.Offset) {
	records := s.newRecords()
	records.Status, records.Next = status, next
	records.Min, records.Max = s.first(q), s.queueAt(q.Slot).visible
	s.touch(r.client)
	r.done(records, nil)
}

// wait parks a pull at the end of its queue.
func (s *Shard) wait(r *pullRequest, q *state.Queue) {
	v := s.queueAt(q.Slot)
	r.waiting, r.scanned, r.slot = true, max(r.scanned, r.Offset), q.Slot
	r.inQueue, r.inClient = len(v.waiters), r.client.addWait(r)
	v.waiters = append(v.waiters, r)
	if r.until == 0 {
		r.until = s.now.Mono + r.Wait.Milliseconds()
	}
	r.alarm = s.alarms.set(s, r.until, r)
	s.count.Waiting++
}

// goOn has a pull that was woken wait on, until its first deadline, if what woke it
// did not match after all. Only a look at their properties could tell.
func (r *pullRequest) goOn(s *Shard, next model.Offset) bool {
	q := s.state.Queue(r.Queue)
	if r.until <= s.now.Mono || r.client.closed || s.stopping || s.Err() != nil || q == nil || next < s.queueAt(q.Slot).visible {
		return false
	}
	r.scanned = next
	s.wait(r, q)
	return true
}

// unpark takes a pull out of its lists.
func (s *Shard) unpark(r *pullRequest) {
	r.waiting = false
	v := s.queueAt(r.slot)
	last := v.waiters[len(v.waiters)-1]
	v.waiters[r.inQueue], last.inQueue = last, r.inQueue
	v.waiters[len(v.waiters)-1] = nil
	v.waiters = v.waiters[:len(v.waiters)-1]

	r.client.dropWait(r.inClient)
	s.count.Waiting--
}

// ring is the end of a wait.
func (r *pullRequest) ring(s *Shard) {
	s.unpark(r)
	r.finishWait(s)
}

func (r *pullRequest) setIndex(i int) { r.inClient = i }

// endWait ends a wait before its time. A pull that no longer waits is left alone.
func (r *pullRequest) endWait(s *Shard) {
	if !r.waiting {
		return
	}
	s.alarms.cancel(s, r.alarm)
	s.unpark(r)
	r.finishWait(s)
}

func (r *pullRequest) finishWait(s *Shard) {
	q := s.state.Queue(r.Queue)
	if r.scanned > r.Offset {
		r.finish(s, q, PullNoMatch, r.scanned)
		return
	}
	r.finish(s, q, PullNotFound, r.Offset)
}

// wakeRipe decides the waiting pulls of queues that have new messages.
func (s *Shard) wakeRipe() {
	ripe := s.ripe
	s.ripe = nil
	for _, slot := range ripe {
		v := s.queueAt(slot)
		v.ripe = false
		for i := len(v.waiters) - 1; i >= 0; i-- { // who is answered makes way for one already seen
			s.wake(v.waiters[i])
		}
	}
	if s.ripe == nil {
		s.ripe = ripe[:0]
	}
}

// wake answers a waiting pull, unless none of the new messages can match: then
// it goes on waiting, with its first deadline.
func (s *Shard) wake(r *pullRequest) {
	q := s.state.Queue(r.Queue)
	visible := s.queueAt(r.slot).visible
	if f := r.filterFor(s, q); !f.All() {
		found := false
		s.index.Scan(r.slot, r.scanned, visible, func(p index.Place) bool {
			found = f.MayMatch(p.Tag)
			return !found
		})
		if !found {
			r.scanned = visible
			return
		}
	}
	s.alarms.cancel(s, r.alarm)
	s.unpark(r)
	r.read(s, q)
}
