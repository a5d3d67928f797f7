package shard

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

const (
	defaultReceive      = 32
	maxReceive          = 1024
	defaultReceiveBytes = 4 << 20
	// maxInvisible bounds a lease.
	maxInvisible = 24 * time.Hour
	// passEvery is how long, in ms, it is left out of the log that messages did not
	// match, and passBatch how many of them at most.
	passEvery = 1000
	passBatch = 1024
)

// receiveRequest is a Receive, from its call to its answer.
type receiveRequest struct {
	client *Client
	Receive
	done    func(*Records, error)
	outlet  *outlet
	attempt uint64 // hash of the AttemptID; 0: none

	// While it waits.
	waiting  bool
	until    int64 // by the monotonic clock; 0: not begun
	alarm    alarmID
	inClient int

	probing bool   // a reader looks for messages
	further bool   // a look has found nothing, and may go on where it ended
	ended   bool   // it is answered, or will be: what a reader still finds is not for it
	found   *probe // what it found
}

// Receive queues the call. See core.Client.
func (c *Client) Receive(r Receive, done func(*Records, error)) (cancel func()) {
	q := &receiveRequest{client: c, Receive: r, done: done}
	q.Max = clampDefault(r.Max, defaultReceive, maxReceive)
	q.MaxBytes = clampDefault(r.MaxBytes, defaultReceiveBytes, maxPullBytes)
	if r.AttemptID != "" {
		h := fnv.New64a()
		h.Write([]byte(r.AttemptID))
		q.attempt = max(h.Sum64(), 1)
	}
	c.add(q)
	if r.Wait <= 0 {
		return func() {}
	}
	return func() { c.cancelWait(q) }
}

func (r *receiveRequest) class() class     { return appends }
func (r *receiveRequest) refuse(err error) { r.done(nil, err) }
func (r *receiveRequest) setIndex(i int)   { r.inClient = i }

func (r *receiveRequest) fail(s *Shard, err error) {
	r.ended = true
	s.touch(r.client)
	r.done(nil, err)
}

// decide answers the call, or has it wait.
func (r *receiveRequest) decide(s *Shard) {
	g, t, err := s.checkReceive(r)
	if err != nil {
		r.fail(s, err)
		return
	}
	if g == nil {
		g = s.groupFor(r.Group)
	}
	r.outlet = s.outlet(g, t)
	switch {
	case r.hasGone():
		r.finish(s)
	case r.repeated(s) || r.serve(s):
	case r.probing: // the reader's answer decides
		if r.Wait > 0 {
			r.park(s)
		}
	case r.Wait > 0 && !s.stopping:
		r.park(s)
	default:
		r.finish(s)
	}
}

// hasGone tells, just before something is leased, whether nobody waits for the answer.
func (r *receiveRequest) hasGone() bool { return r.client.closed || r.Alive != nil && !r.Alive() }

// checkReceive says what is wrong with the call. g is nil if the group is to be made.
func (s *Shard) checkReceive(r *receiveRequest) (g *state.Group, t *state.Topic, err *model.Error) {
	t = s.state.TopicByID(r.Queue.Topic)
	switch {
	case t == nil || r.Queue.Shard != s.cfg.Shard:
		return nil, nil, model.Errorf(model.TopicNotFound, "no topic with id %d", r.Queue.Topic)
	case r.Queue.Num >= t.Config.Queues():
		return nil, nil, model.Errorf(model.InvalidQueue, "topic %s has no queue %d: it has %d", t.Config.Name, r.Queue.Num, t.Config.Queues())
	case t.Config.Perm&model.PermRead == 0:
		return nil, nil, model.Errorf(model.NoPermission, "topic %s does not allow reading", t.Config.Name)
	case r.Invisible < time.Millisecond || r.Invisible > maxInvisible:
		return nil, nil, model.Errorf(model.InvalidDelay, "a lease of %v; it is at least 1 ms and at most %v", r.Invisible, maxInvisible)
	}
	if err := s.mayUse(r.Group); err != nil {
		return nil, nil, err
	}
	g = s.state.Group(r.Group)
	if g != nil && g.Config.Disabled {
		return nil, nil, errDisabled(r.Group)
	}
	return g, t, nil
}

// repeated answers an ordered call that was made before under its attempt id, and
// whose messages are still out: they go out again, as they did then.
func (r *receiveRequest) repeated(s *Shard) bool {
	if r.attempt == 0 || !r.outlet.fifo() {
		return false
	}
	j := s.newHandout(r)
	var leases []cursor.Lease
	for _, q := range r.outlet.queues {
		c := s.state.Cursor(q.id)
		if c == nil || !r.wants(q) {
			continue
		}
		var popTime int64
		leases, popTime = c.Replay(leases[:0], r.attempt, s.popNow(), s.owners.alive)
		for _, l := range leases {
			slot, _ := c.Slot(l.Offset)
			j.add(s, q, l, popTime, slot.Deadline-popTime)
		}
	}
	return r.hand(s, j)
}

// hand answers the call with what was taken for it, once that is in the log. It
// reports whether there is anything.
func (r *receiveRequest) hand(s *Shard, j *handout) bool {
	if len(j.deliveries) == 0 {
		j.release()
		return false
	}
	r.ended = true
	s.when(atWritten, s.frameEnd(), j)
	return true
}

func (r *receiveRequest) wants(q *popQueue) bool {
	return r.Queue.Num < 0 || r.Queue.Num == q.id.Queue.Num
}

// maxLooks bounds how often a call goes on at once where it has found nothing so far.
const maxLooks = 16

// serve leases what there is to the call. It reports whether it is answered by that.
func (r *receiveRequest) serve(s *Shard) bool {
	for range maxLooks {
		r.further = false
		if r.serveOnce(s) {
			return true
		}
		if r.probing || !r.further {
			return false
		}
	}
	s.again(r.outlet) // whoever waits goes on in a later step
	return false
}

func (r *receiveRequest) serveOnce(s *Shard) bool {
	o := r.outlet
	j := s.newHandout(r)
	for n := len(o.ready); n > 0 && len(j.deliveries) < r.Max && j.size < r.MaxBytes; n-- {
		q := o.ready[0]
		o.ready = o.ready[1:]
		q.ready = false
		if !r.wants(q) || q.probing || s.lease(r, q, j) {
			q.mark()
		}
	}
	return r.hand(s, j)
}

// lease takes from one queue what the call has room for. It reports whether the
// queue may have more.
func (s *Shard) lease(r *receiveRequest, q *popQueue, j *handout) (more bool) {
	c := s.state.Cursor(q.id)
	if c == nil { // deleted with its group; the outlet goes too
		return false
	}
	p := q.begin(s, c, r.Max-len(j.deliveries))
	if len(p.Dead()) > 0 {
		s.bury(q, slices.Clone(p.Dead()))
		p = q.begin(s, c, r.Max-len(j.deliveries))
	}
	again := len(p.Leases()) // they were handed out before; those that follow were not
	s.places = s.places[:0]
	more = s.look(r, q, p)
	p.Rest()
	if len(p.Leases()) == 0 {
		s.pass(q, c, p)
		return more
	}
	popTime, invisible := s.popTimeFor(c, p.Leases()), r.Invisible.Milliseconds()
	rec := q.record(s)
	p.Record(rec, popTime, invisible, r.attempt)
	for i, l := range p.Leases() {
		if fresh := i - again; fresh >= 0 && fresh < len(s.places) {
			j.addAt(q, l, popTime, invisible, s.places[fresh])
		} else {
			j.add(s, q, l, popTime, invisible)
		}
	}
	s.emit(rec)
	if r.Renew {
		s.own(r.client, q, c, p.Leases())
	}
	q.watch(s)
	return more || c.Ready(s.popNow(), s.owners.alive)
}

// own has leases renew themselves for as long as the client is there.
func (s *Shard) own(client *Client, q *popQueue, c *cursor.Cursor, leases []cursor.Lease) {
	owner := s.owners.number(client)
	if owner == 0 {
		return
	}
	c.Own(leases, owner)
	if !slices.Contains(client.holds, q) {
		client.holds = append(client.holds, q)
	}
}

// popTimeFor returns the name of the next deliveries: now, but later than any name
// that one of the messages had before.
func (s *Shard) popTimeFor(c *cursor.Cursor, leases []cursor.Lease) int64 {
	at := s.popNow()
	for _, l := range leases {
		if l.Attempt == 1 {
			continue
		}
		if slot, ok := c.Slot(l.Offset); ok {
			at = max(at, slot.PopTime+1)
		}
	}
	return at
}

// pass records that a filter passed messages over: at once if they are many, else
// once in a while.
func (s *Shard) pass(q *popQueue, c *cursor.Cursor, p *cursor.Plan) {
	if p.Empty() {
		return
	}
	rec := q.record(s)
	p.Record(rec, s.popNow(), 0, 0)
	if !p.Lazy() || rec.ReadTo-c.ReadOffset() >= passBatch {
		s.emit(rec)
		return
	}
	q.passed = rec.ReadTo
	if !q.noting {
		q.noting = true
		s.alarms.set(s, s.now.Mono+passEvery, (*passNote)(q))
	}
}

// passNote is a queue in which messages were passed over.
type passNote popQueue

func (n *passNote) ring(s *Shard) {
	q := (*popQueue)(n)
	q.noting = false
	c := s.state.Cursor(q.id)
	if q.outlet.gone || c == nil || s.Err() != nil || q.passed <= c.ReadOffset() || c.Turns(q.outlet.fifo()) {
		return // the next call looks there again
	}
	s.emit(&record.Pop{
		Group: q.id.Group, Topic: q.id.Queue.Topic, Queue: q.id.Queue.Num,
		FIFO: q.outlet.fifo(), PopTime: s.popNow(), ReadTo: q.passed,
	})
}

// finish answers with nothing, once the log has where the group begins: messages that
// are sent after the answer are the group's.
func (r *receiveRequest) finish(s *Shard) {
	r.ended = true
	if s.frame.open && s.Err() == nil {
		s.when(atWritten, s.frameEnd(), then(func(s *Shard, err error) {
			if err != nil {
				r.fail(s, err)
				return
			}
			r.answerNothing(s)
		}))
		return
	}
	r.answerNothing(s)
}

func (r *receiveRequest) answerNothing(s *Shard) {
	records := s.newRecords()
	records.Status = PullNotFound
	s.touch(r.client)
	r.done(records, nil)
}

// park has the call wait.
func (r *receiveRequest) park(s *Shard) {
	r.waiting = true
	r.outlet.waiters = append(r.outlet.waiters, r)
	r.inClient = r.client.addWait(r)
	if r.until == 0 {
		r.until = s.now.Mono + r.Wait.Milliseconds()
	}
	r.alarm = s.alarms.set(s, r.until, r)
	s.count.Waiting++
}

// unpark ends that.
func (r *receiveRequest) unpark(s *Shard) {
	if !r.waiting {
		return
	}
	s.alarms.cancel(s, r.alarm)
	r.leaveLists(s)
}

func (r *receiveRequest) leaveLists(s *Shard) {
	r.waiting = false
	i := slices.Index(r.outlet.waiters, r)
	r.outlet.waiters = slices.Delete(r.outlet.waiters, i, i+1)
	r.client.dropWait(r.inClient)
	s.count.Waiting--
}

// ring is the end of the wait. What a reader is about to bring is not given up for
// it: else short waits on a slow disk would get nothing for ever.
func (r *receiveRequest) ring(s *Shard) {
	r.leaveLists(s)
	if !r.probing {
		r.finish(s)
	}
}

// endWait ends it before its time. A call that no longer waits is left alone.
func (r *receiveRequest) endWait(s *Shard) {
	if !r.waiting {
		return
	}
	s.alarms.cancel(s, r.alarm)
	r.leaveLists(s)
	r.finish(s)
}
