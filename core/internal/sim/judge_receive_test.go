package sim

import (
	"fmt"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// receiving notes what a call may do that has no answer yet.
func (o *oracle) receiving(r *receiveCall) {
	g := r.share.group
	r.share.version++
	r.share.flying++
	for _, k := range r.share.cursors { // who receives is told a reset by what he gets
		k.reset = min(k.reset, maybe)
	}
	if !slices.ContainsFunc(g.filters, func(tags []string) bool { return slices.Equal(tags, r.tags) && (tags == nil) == (r.tags == nil) }) {
		g.filters = append(g.filters, r.tags)
	}
}

// receiveUnknown: the server died before the answer.
func (o *oracle) receiveUnknown(r *receiveCall) {
	if r.attempt != nil {
		r.attempt.open, r.attempt.dirty = false, true
	}
	r.share.flying--
	r.share.ghost(o.w)
}

// received judges the answer to a receive.
func (o *oracle) received(c *call, r *shard.Records, err error) {
	w, p := o.w, c.receive
	p.share.version++
	p.share.flying--
	if p.attempt != nil {
		p.attempt.open = false
	}
	if err != nil {
		o.receiveFailed(c, err)
		return
	}
	w.note("received", uint64(r.Count))
	if p.life != p.share.group.life {
		return // its group was deleted, or may have been
	}
	o.started(c)
	if r.Count == 0 {
		o.receivedNothing(c)
		return
	}
	sometimes("pop.received")
	w.check(!p.refused, "D3", "%v: its caller has gone, and gets %d messages", c, r.Count)
	w.check(r.Count <= p.max, "pop", "%v: %d messages, at most %d were asked for", c, r.Count, p.max)
	w.check(p.share.group.mayBeEnabled(c.at), "pop", "%v: the group is disabled, and gets messages", c)
	all, err := receive(r.Bytes())
	given := r.Delivered()
	w.check(err == nil && len(all) == r.Count && len(given) == r.Count, "pop", "%d messages, %d deliveries, %d announced: %v", len(all), len(given), r.Count, err)
	o.readClock(c, given)
	var holds []*hold
	for i := range all {
		holds = append(holds, o.delivered(c, &given[i], &all[i]))
	}
	o.checkAttempt(c, holds, given)
	o.pops.drained = append(o.pops.drained[:0], holds...)
}

func (o *oracle) receiveFailed(c *call, err error) {
	w, p := o.w, c.receive
	code, _ := w.refusal(err)
	w.note("receive failed", uint64(code))
	switch {
	case p.deleted && (code == model.TopicNotFound || code == model.GroupNotFound):
		sometimes("pop.deleted")
	case code == model.NoPermission:
		w.check(p.share.group.mayBeDisabled(c.at), "V1", "%v fails: %v", c, err)
		sometimes("pop.disabled")
	default:
		w.check(w.excused(code) || code == model.Internal && w.io && !w.quiet, "V1", "%v fails: %v", c, err)
		p.share.ghost(w)
	}
}

// started: the group has its place in every queue of the topic now.
func (o *oracle) started(c *call) {
	w, s := o.w, c.receive.share
	all := s.group.fromFirst()
	for _, k := range s.sorted() {
		all = all || k.begun == yes && k.begunAt < c.at
	}
	for num := range o.queuesOf(s.topic) {
		if k := s.cursor(o, num); k.begun != yes {
			k.begin(w, all)
		}
	}
}

// begin: the group has its place in the queue. all tells that it is at the first
// message; else what was handed in until now may lie before it.
func (k *popCursor) begin(w *world, all bool) {
	k.begun, k.begunEnd, k.begunAt = yes, w.end(), w.now
	if k.owed = w.nextID; all {
		k.owed = 0
	}
}

// fromFirst tells whether the group begins at the first message of a queue.
func (g *popGroup) fromFirst() bool {
	return !slices.ContainsFunc(g.configs, func(c popConfig) bool { return c.From != model.FromEarliest })
}

// rejects tells whether no call of the group has ever asked for messages like this.
func (k *popCursor) rejects(m *message) bool {
	return !slices.ContainsFunc(k.share.group.filters, func(tags []string) bool { return matches(tags, m.tag) })
}

// owes tells whether a message that was never seen delivered must be.
func (k *popCursor) owes(m *message) bool {
	g := k.share.group
	least, _ := g.attemptsSince(0)
	return k.begun == yes && m.id > k.owed && m.offset >= max(k.from, k.unsure) && k.ghosts < int(least) && !g.doubt && !g.rejects(m)
}

func matches(tags []string, tag string) bool {
	return tags == nil || tag != "" && slices.Contains(tags, tag)
}

// mayBeDead tells whether a message may have gone to the dead letters because it was
// out of attempts.
func (h *hold) mayBeDead(w *world) bool {
	least, _ := h.cursor.share.group.attemptsSince(h.seen)
	over := h.freedBy <= w.now || h.owner == nil && w.mayExpire(&h.last, w.now)
	if over && h.attempt+h.unseen() >= least {
		h.owesLetter = !h.dying && h.done == no && !h.blur && h.pending == 0 && w.expired(&h.last, w.now) || h.owesLetter
		h.dying, h.done = true, max(h.done, maybe)
	}
	return h.dying
}

// mayBePassed tells whether a call that asks for others may have been offered the
// message again, and so have passed it over for the group.
func (h *hold) mayBePassed(w *world) bool {
	over := h.freedBy <= w.now || h.owner == nil && w.mayExpire(&h.last, w.now)
	if over && h.cursor.share.group.rejects(h.m) {
		h.done = max(h.done, maybe)
		return true
	}
	return false
}

// rejects tells whether a call of the group has asked for others than this.
func (g *popGroup) rejects(m *message) bool {
	return slices.ContainsFunc(g.filters, func(tags []string) bool { return !matches(tags, m.tag) })
}

// can tells whether a message can be delivered at a moment, for certain.
func (k *popCursor) can(w *world, m *message, at int64) bool {
	if m == nil || m.lost || m.expired || w.mayForget(m) || k.begun != yes || m.offset < k.from {
		return false
	}
	h := k.holds[m.offset]
	switch {
	case h == nil || h.first == 0 && !h.blur:
		if !k.owes(m) || k.ghosts > 0 {
			return false
		}
	case h.done != no || h.blur || h.pending > 0 || h.owner != nil || h.slack() > 0 || h.mayBeDead(w) || h.mayBePassed(w):
		return false
	case h.freedBy > at && !w.expired(&h.last, at):
		return false
	}
	return k.first(w, m, at)
}

// mayForget tells whether retention may have taken a message, and nobody has noticed.
func (w *world) mayForget(m *message) bool {
	age := w.retention.Age.Milliseconds()
	return w.retention.Bytes > 0 || age > 0 && w.latestWall()-m.stored > age
}

// first tells whether a message is the one of its message group that comes next, and
// none of those behind it is held, if that may matter.
func (k *popCursor) first(w *world, m *message, at int64) bool {
	if _, may := k.share.ordered(0); !may {
		return true
	}
	is := true
	k.before(m, func(p *message, b *hold) bool {
		is = b != nil && b.done == yes || b == nil && k.rejects(p)
		return is
	})
	for _, b := range k.holds {
		if b.done == yes || b.m == m {
			continue
		}
		held := b.blur || b.first != 0 && b.freedBy > at && (b.owner != nil || !w.expired(&b.last, at))
		is = is && !b.loose && !(held && b.m.key == m.key)
	}
	return is
}

// deliverable returns a message that a call must be given, nil if there may be none.
func (o *oracle) deliverable(r *receiveCall, at int64) (found *message) {
	for _, k := range r.share.sorted() {
		if !r.looksAt(k.queue.id.num) {
			continue
		}
		k.advance()
		k.queue.each(k.low, r.mustSee[k.queue.id.num], func(m *message) bool {
			if r.wants(m.tag) && k.can(o.w, m, at) {
				found = m
			}
			return found == nil
		})
	}
	return found
}

// advance moves the place below which all is done with.
func (k *popCursor) advance() {
	q := k.queue
	for k.low = max(k.low, q.min, k.from); ; {
		m := q.at[k.low]
		switch {
		case m == nil:
			end := q.gapAt(k.low)
			if end == k.low {
				return
			}
			k.low = end
		case m.lost || m.expired || k.holds[k.low] != nil && k.holds[k.low].done == yes:
			k.low++
		default:
			return
		}
	}
}

// popBound is how long, in ms, a message that can be delivered waits at most while
// somebody waits for it.
func (w *world) popBound() int64 {
	return 100 + int64(len(w.calls)+3)*(w.readMax+w.stepMax+2)
}

// popOverdue judges the receives that wait. V1, D3: what can be delivered is, in time.
func (o *oracle) popOverdue() {
	w := o.w
	if w.now < o.pops.nextCheck {
		return
	}
	o.pops.nextCheck = w.now + 7
	for _, c := range w.calls {
		if r := c.receive; r != nil && c.waits && r.decided && r.gone == never && !c.ended && !r.deleted {
			r.share.checkIdle(o, c)
		}
	}
}

func (s *share) checkIdle(o *oracle, c *call) {
	w, r := o.w, c.receive
	busy := w.proc.shard.Stats()
	if w.proc.failedAt != 0 || w.proc.stopping || w.isFull() || busy.Stalled > 0 || int64(busy.Written-busy.Durable) > 3<<20 || s.group.mayBeDisabled(0) {
		s.restless = max(s.restless, w.now+w.popBound())
	}
	if s.restless > w.now {
		return
	}
	for _, k := range s.sorted() {
		if !r.looksAt(k.queue.id.num) {
			continue
		}
		k.advance()
		looked := 0
		k.queue.each(k.low, o.visibleEnd(k.queue), func(m *message) bool {
			if r.wants(m.tag) {
				looked++
				k.checkWait(w, c, m)
			}
			return looked < 50
		})
	}
}

// tell says what is known of a message.
func (k *popCursor) tell(m *message) string {
	about := fmt.Sprintf("begun %d from %d owed after %d, %d ghosts", k.begun, k.from, k.owed, k.ghosts)
	if h := k.holds[m.offset]; h != nil {
		about += fmt.Sprintf("; attempt %d (%d unseen) as %d for %d, first %d, done %d, blur %v, pending %d, freed by %d, dying %v, key %q",
			h.attempt, h.slack(), h.last.PopTime, h.last.Invisible, h.first, h.done, h.blur, h.pending, h.freedBy, h.dying, m.key)
	}
	return about
}

// readClock learns what the clock of leases shows. Only first deliveries bear its
// time for certain.
func (o *oracle) readClock(c *call, given []shard.Delivery) {
	w := o.w
	first := true
	for i := range given {
		first = first && given[i].Receipt.Attempt == 1
	}
	if !first || c.receive.again {
		return
	}
	k := &w.proc.clock
	for i := range given {
		at := given[i].Receipt.PopTime
		k.lo, k.hi = max(k.lo, at-w.now), min(k.hi, at-c.at)
	}
	w.check(k.lo <= k.hi, "D3", "the clock of leases jumps: it is %d to %d ms ahead", k.lo, k.hi)
}

// delivered judges one message of an answer.
func (o *oracle) delivered(c *call, d *shard.Delivery, got *received) *hold {
	w, p := o.w, c.receive
	s, at := p.share, &d.Receipt
	w.check(at.Cursor.Queue.Topic == s.topic.id && p.looksAt(at.Cursor.Queue.Num) && at.Cursor.Queue.Num == got.queue && int64(at.Offset) == got.offset,
		"pop", "a message of %+v/%d with the receipt %+v", got.queue, got.offset, *at)
	o.pops.learnID(s.group, at.Cursor.Group)
	m := o.checkMessage(got, queueID{s.topic.name, got.queue})
	w.check(got.reconsume == at.Attempt-1, "D4", "message %d is delivered the %d. time, and says %d", m.id, at.Attempt, got.reconsume)
	w.check(p.wants(m.tag), "D8", "message %d with tag %q passes the filter %v", m.id, m.tag, p.tags)
	k := s.cursor(o, got.queue)
	h := k.hold(m)
	if p.attempt != nil && slices.Contains(h.names, at.PopTime) {
		o.replayed(c, h, at)
		return h
	}
	w.note("delivered", uint64(m.id), uint64(at.Cursor.Group), uint64(at.Cursor.Queue.Topic), uint64(got.queue), uint64(m.offset), uint64(at.Attempt), uint64(at.PopTime), uint64(at.Invisible))
	if at.PopTime < h.last.PopTime && h.seen >= c.at { // made before one whose answer came earlier
		o.w.check(!slices.Contains(h.names, at.PopTime), "D10", "message %d is delivered twice as %d", m.id, at.PopTime)
		h.names = append(h.names, at.PopTime)
		sometimes("pop.overtaken")
		return h
	}
	o.checkName(h, at)
	o.checkDelivery(c, h, d)
	o.checkOrder(c, h, at.PopTime)
	h.deliver(w, c, d)
	return h
}

// learnID: a group has one id in its life, that no other has had.
func (p *pops) learnID(g *popGroup, id model.GroupID) {
	if g.id == 0 {
		p.w.check(!p.ids[id] || g.doubt, "L15", "group %s is back with id %d", g.name, id)
		g.id, g.idEnd, p.ids[id] = id, p.w.end(), true
	}
	p.w.check(g.id == id, "L2", "group %s had id %d and has %d", g.name, g.id, id)
}

// checkName: D10, no two deliveries of a message ever have the same name, and later
// ones have later names, but for those that a power cut took before the wall clock
// stepped back.
func (o *oracle) checkName(h *hold, at *shard.Receipt) {
	for _, name := range h.names {
		o.w.check(name < at.PopTime || o.w.clock && name != at.PopTime, "D10", "message %d is delivered as %d, and was as %d", h.m.id, at.PopTime, name)
	}
}

// checkDelivery judges that a message comes now.
func (o *oracle) checkDelivery(c *call, h *hold, d *shard.Delivery) {
	w, at := o.w, &d.Receipt
	w.check(h.done != yes, "D2", "message %d at offset %d of %v is delivered to %s, and is done with", h.m.id, h.m.offset, h.m.queue, h.cursor.share.group.name)
	w.check(h.m.offset >= h.cursor.from, "D9", "message %d at offset %d of %v is delivered, %s has committed %d", h.m.id, h.m.offset, h.m.queue, h.cursor.share.group.name, h.cursor.from)
	_, most := h.cursor.share.group.attemptsSince(c.at)
	w.check(at.Attempt >= 1 && at.Attempt <= most, "D4", "message %d is delivered the %d. time, and at most %d are allowed", h.m.id, at.Attempt, most)
	w.check(at.Invisible == c.receive.lease, "pop", "message %d is leased for %d ms, not %d", h.m.id, at.Invisible, c.receive.lease)
	w.check(at.Attempt > 1 || d.FirstPop == at.PopTime, "pop", "message %d is delivered first at %d, and says %d", h.m.id, at.PopTime, d.FirstPop)
	if h.blur {
		return
	}
	w.check(at.Attempt > h.attempt && at.Attempt <= h.attempt+1+h.unseen(), "D4", "message %d is delivered the %d. time, after %d (%d unseen)", h.m.id, at.Attempt, h.attempt, h.unseen())
	if h.attempt == 0 {
		return
	}
	w.check(d.FirstPop == h.first || h.unseen() > 0, "pop", "message %d was delivered first at %d, now it says %d", h.m.id, h.first, d.FirstPop)
	if h.pending > 0 || h.freedBy != never {
		return
	}
	w.check(h.owner == nil, "D3", "message %d is delivered again, and client %v renews its lease", h.m.id, h.owner)
	end := deadlineOf(&h.last)
	w.check(at.PopTime >= end && w.proc.clock.perhaps(w.now) >= end, "D3", "message %d is delivered again at %d, its lease ends at %d (clock %d)", h.m.id, at.PopTime, end, w.proc.clock.perhaps(w.now))
	if h.last.Invisible > 0 {
		sometimes("pop.expired_redelivered")
	}
}

// deliver notes a delivery.
func (h *hold) deliver(w *world, c *call, d *shard.Delivery) {
	s := h.cursor.share
	if h.behind {
		sometimes("pop.provisional_undone")
	}
	if h.attempt == 0 && h.first == 0 {
		must, _ := s.ordered(c.at)
		h.loose = !must
	}
	h.done, h.behind, h.blur = no, false, false
	h.attempt, h.ghosts = d.Receipt.Attempt, h.cursor.ghosts
	h.last, h.first, h.seen = d.Receipt, d.FirstPop, w.now
	h.owner, h.freedBy = nil, never
	h.names = append(h.names, d.Receipt.PopTime)
	h.changed, h.dying, h.owesLetter, h.touched = w.end(), false, false, false
	h.changes()
	if c.receive.renew {
		if h.owner = c.receive.conn; c.client.conn != c.receive.conn {
			h.owner, h.freedBy = nil, w.now+w.stepMax+1
		}
	}
	_, may := s.ordered(c.at)
	if h.attempt > 1 && may {
		h.recall(w, c)
	}
	if f, ok := w.frameOf(h.m.lsn); ok && f.lsn < w.sealedBelow() {
		sometimes("pop.sealed")
	}
}

// receivedNothing judges that there was nothing.
func (o *oracle) receivedNothing(c *call) {
	w, p := o.w, c.receive
	if c.ended {
		p.share.ghost(w) // what it had been given comes again
		return
	}
	if p.refused {
		sometimes("pop.passed_over")
		return
	}
	early := c.waits && w.now < c.at+p.wait && !w.proc.stopping
	w.check(!early, "V1", "%v ends %d ms before its time", c, c.at+p.wait-w.now)
	if c.waits {
		sometimes("pop.timed_out")
	}
	if w.proc.stopping || !p.alone || p.version+2 != p.share.version || w.proc.failedAt != 0 {
		return // others may have got it meanwhile
	}
	if h := o.deliverable(p, c.at); h != nil && w.now >= p.share.restless && c.at >= p.share.restless {
		w.fail("D1", "%v gets nothing, and message %d at offset %d of %v is there for it: %v", c, h.id, h.offset, h.queue, p.share.cursor(o, h.queue.num).tell(h))
	}
}

// sealedBelow returns where the newest segment begins.
func (w *world) sealedBelow() int64 { return w.proc.log.rolled }

// checkWait judges one message that a receive may wait for.
func (k *popCursor) checkWait(w *world, c *call, m *message) {
	if !k.can(w, m, w.now) {
		delete(k.okSince, m.offset)
		return
	}
	since, known := k.okSince[m.offset]
	if !known {
		k.okSince[m.offset], since = w.now, w.now
	}
	since = max(since, c.receive.decidedAt, k.share.restless)
	w.check(w.now-since <= w.popBound(), "V1", "%v still waits, and message %d at offset %d of %v can be delivered for %d ms",
		c, m.id, m.offset, m.queue, w.now-since)
}
