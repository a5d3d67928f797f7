package shard

import (
	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

// outlet is where the messages of one topic are handed to one group: which queues
// may have something, and who waits for it. It is in no record; the progress itself
// is in the cursors.
type outlet struct {
	group  *state.Group
	topic  *state.Topic
	queues []*popQueue // by number

	ready   []*popQueue // may have something, the one whose turn it is first
	waiters []*receiveRequest
	ripe    bool // listed to be served
	gone    bool // its topic or group was deleted
}

// popQueue is a queue as an outlet sees it.
type popQueue struct {
	outlet *outlet
	queue  *state.Queue
	id     model.CursorID

	ready   bool
	probing bool // a reader looks for its messages
	dying   map[model.Offset]bool
	// retrying: a burial has failed, and the alarm for the next try is set.
	retrying bool

	alarm   alarmID // for the first lease that ends
	alarmAt int64   // by the pop clock; 0: not set

	passed model.Offset // what a filter passed over up to here is not in the log yet
	noting bool         // the alarm for that is set
}

type outletKey struct {
	group model.GroupID
	topic model.TopicID
}

// outlets are all of them.
type outlets struct {
	by    map[outletKey]*outlet
	of    map[model.TopicID][]*outlet // in the order they were made
	ripe  []*outlet
	clock int64 // what the pop clock is ahead of the monotonic one
}

// popNow is the clock of leases: ms since 1970 when the shard began, going on with the
// monotonic clock. So no step of the wall clock ends a lease, or makes one last.
func (s *Shard) popNow() int64 { return s.now.Mono + s.outlets.clock }

// popMargin is more, in ms, than what a power cut takes of the log.
const popMargin = 2000

// startPopClock sets the clock of leases ahead of every lease there was. A power cut
// has taken some that nobody knows of: with each one the clock is a little more ahead of
// the wall clock, which the gap's record keeps, and so never shows again what it has
// shown, though the wall clock may have stepped back as far.
func (s *Shard) startPopClock(cut bool) {
	least, ahead := max(s.state.PopTime()+1, s.storeTime), s.state.PopAhead()
	if cut {
		least, ahead = least+popMargin, ahead+popMargin
	}
	s.outlets.clock = max(least, s.now.Wall+ahead) - s.now.Mono
}

// outlet returns the outlet of a group in a topic, and makes it if need be.
func (s *Shard) outlet(g *state.Group, t *state.Topic) *outlet {
	key := outletKey{g.ID, t.ID}
	o := s.outlets.by[key]
	if o == nil {
		o = &outlet{group: g, topic: t}
		if s.outlets.by == nil {
			s.outlets.by, s.outlets.of = make(map[outletKey]*outlet), make(map[model.TopicID][]*outlet)
		}
		s.outlets.by[key] = o
		s.outlets.of[t.ID] = append(s.outlets.of[t.ID], o)
	}
	o.grow(s)
	return o
}

// grow takes in the queues that the topic has and the outlet has not.
func (o *outlet) grow(s *Shard) {
	if len(o.queues) == len(o.topic.Queues) {
		return
	}
	s.startCursors(o.group, o.topic)
	for _, q := range o.topic.Queues[len(o.queues):] {
		p := &popQueue{outlet: o, queue: q, id: s.cursorID(o.group, q)}
		o.queues = append(o.queues, p)
		p.mark()
		p.watch(s)
	}
}

func (s *Shard) cursorID(g *state.Group, q *state.Queue) model.CursorID {
	return model.CursorID{Group: g.ID, Queue: model.Queue{Shard: s.cfg.Shard, Topic: q.Topic.ID, Num: q.Num}}
}

// startCursors settles where a group begins in the queues of a topic that it has
// no progress in: where its settings say, or at the first message of a queue that the
// topic was given later.
func (s *Shard) startCursors(g *state.Group, t *state.Topic) {
	fromFirst := g.Config.From == model.FromEarliest
	for _, q := range t.Queues {
		if s.state.Cursor(s.cursorID(g, q)) != nil {
			fromFirst = true
			break
		}
	}
	for _, q := range t.Queues {
		if s.state.Cursor(s.cursorID(g, q)) != nil {
			continue
		}
		at := q.Next
		if fromFirst {
			at = q.Min
		}
		s.emit(&record.Offset{Group: g.ID, Topic: t.ID, Queue: q.Num, Op: record.OffsetCommit, Offset: at})
	}
}

// rules are what the queue's cursor decides by.
func (q *popQueue) rules(s *Shard, limit int) cursor.Rules {
	return cursor.Rules{
		Now: s.popNow(), Max: limit, FIFO: q.outlet.fifo(), Min: s.first(q.queue),
		MaxAttempts: q.outlet.group.Config.Attempts(), Alive: s.owners.alive,
	}
}

// begin begins a plan for the queue's cursor, once the cursor is what the group's
// and the topic's settings ask for.
func (q *popQueue) begin(s *Shard, c *cursor.Cursor, limit int) *cursor.Plan {
	if fifo := q.outlet.fifo(); c.Turns(fifo) {
		rec := q.record(s)
		c.Turn(rec, fifo, s.popNow())
		q.passed = 0 // it may go back behind that
		s.emit(rec)
	}
	if c.PendingReset() { // whoever receives begins where it says
		s.emit(&record.Offset{Group: q.id.Group, Topic: q.id.Queue.Topic, Queue: q.id.Queue.Num, Op: record.OffsetTaken, Offset: c.Floor()})
	}
	if first := s.first(q.queue); c.Outrun(first, s.popNow(), s.owners.alive) {
		s.emit(&record.Offset{Group: q.id.Group, Topic: q.id.Queue.Topic, Queue: q.id.Queue.Num, Op: record.OffsetCommit, Offset: first})
	}
	s.plan.Begin(c, q.rules(s, limit))
	return &s.plan
}

// record returns an empty record of leases in the queue, to be emitted before the
// next one is asked for.
func (q *popQueue) record(s *Shard) *record.Pop {
	rec := &s.pop
	*rec = record.Pop{
		Group: q.id.Group, Topic: q.id.Queue.Topic, Queue: q.id.Queue.Num,
		Leased: rec.Leased[:0], Parked: rec.Parked[:0],
	}
	return rec
}

// fifo tells whether the group gets the topic's messages in order.
func (o *outlet) fifo() bool {
	switch o.group.Config.Order {
	case model.OrderFIFO:
		return true
	case model.OrderNone:
		return false
	}
	return o.topic.Config.Kind() == model.KindFIFO
}

// mark notes that a queue may have something.
func (q *popQueue) mark() {
	if !q.ready {
		q.ready = true
		q.outlet.ready = append(q.outlet.ready, q)
	}
}

// moved notes that the group's offset in a queue was set from outside.
func (o *outlet) moved(s *Shard, num int32) {
	q := o.queues[num]
	q.passed = 0
	q.mark()
	q.watch(s)
	o.stir(s)
}

// stir has the outlet's waiters served in this step.
func (o *outlet) stir(s *Shard) {
	if !o.ripe && !o.gone {
		o.ripe = true
		s.outlets.ripe = append(s.outlets.ripe, o)
	}
}

// stirTopic tells the outlets of a topic that a queue has new messages.
func (s *Shard) stirTopic(q *state.Queue) {
	for _, o := range s.outlets.of[q.Topic.ID] {
		if int(q.Num) < len(o.queues) {
			o.queues[q.Num].mark()
			if len(o.waiters) > 0 {
				o.stir(s)
			}
		}
	}
}

// watch sets the alarm for the first lease of the queue that ends.
func (q *popQueue) watch(s *Shard) {
	c := s.state.Cursor(q.id)
	if c == nil {
		return
	}
	at, ok := c.NextLater()
	if !ok || q.alarmAt != 0 && q.alarmAt <= at {
		return
	}
	if q.alarmAt != 0 {
		s.alarms.cancel(s, q.alarm)
	}
	q.alarmAt = at
	q.alarm = s.alarms.set(s, at-s.outlets.clock, q)
}

// ring is the end of a lease: the message is handed out again, or buried.
func (q *popQueue) ring(s *Shard) {
	q.alarmAt = 0
	if s.Err() != nil || q.outlet.gone {
		return
	}
	c := s.state.Cursor(q.id)
	if c.Ready(s.popNow(), s.owners.alive) {
		s.buryDead(q)
		q.mark()
		q.outlet.stir(s)
	}
	q.watch(s)
}

// wakeOutlets serves who waits at outlets that have something now.
func (s *Shard) wakeOutlets() {
	ripe := s.outlets.ripe
	s.outlets.ripe = nil
	for _, o := range ripe {
		o.ripe = false
		o.serve(s)
	}
	if s.outlets.ripe == nil {
		s.outlets.ripe = ripe[:0]
	}
}

// serve hands what there is to the waiters, the longest-waiting first. One who has
// gone gets nothing, and what woke him goes to the next.
func (o *outlet) serve(s *Shard) {
	if len(o.waiters) == 0 {
		return
	}
	if s.Err() != nil || s.full() || s.disk.empty || s.disk.short(s) {
		s.again(o)
		return
	}
	for i := 0; i < len(o.waiters) && len(o.ready) > 0; {
		r := o.waiters[i]
		switch {
		case r.probing:
			i++
		case r.hasGone():
			r.endWait(s)
		case r.serve(s):
			r.unpark(s)
		default:
			i++
		}
	}
}

// again serves an outlet in a later step, when the log has caught up.
func (s *Shard) again(o *outlet) {
	if s.Err() != nil || o.ripe {
		return
	}
	o.ripe = true // until then
	wait := int64(1)
	if s.disk.empty {
		wait = diskRetry
	}
	s.alarms.set(s, s.now.Mono+wait, (*retryOutlet)(o))
}

// retryOutlet is an outlet that could not be served because the log was behind.
type retryOutlet outlet

func (o *retryOutlet) ring(s *Shard) {
	o.ripe = false
	(*outlet)(o).stir(s)
}

// endReceives ends all that waits: the shard stops.
func (s *Shard) endReceives() {
	for _, t := range s.state.Topics() {
		if t == nil {
			continue
		}
		for _, o := range s.outlets.of[t.ID] {
			for len(o.waiters) > 0 {
				o.waiters[0].endWait(s)
			}
		}
	}
}

// regroup has a group's outlets follow its settings: what was held back by an order
// that it no longer has may be delivered, and one that is disabled gets nothing, those
// who wait already included.
func (s *Shard) regroup(g *state.Group) {
	for _, t := range s.state.Topics() {
		if t == nil {
			continue
		}
		if o := s.outlets.by[outletKey{g.ID, t.ID}]; o != nil {
			o.follow(s)
		}
	}
}

func (o *outlet) follow(s *Shard) {
	for o.group.Config.Disabled && len(o.waiters) > 0 {
		r := o.waiters[0]
		r.unpark(s)
		r.ended = true
		r.fail(s, errDisabled(r.Group))
	}
	for _, q := range o.queues {
		q.mark()
	}
	if len(o.waiters) > 0 {
		o.stir(s)
	}
}

func errDisabled(group string) *model.Error {
	return model.Errorf(model.NoPermission, "group %s is disabled", group)
}

// endOutlets ends the outlets that match: their topic or group goes.
func (s *Shard) endOutlets(topic model.TopicID, group model.GroupID, reason error) {
	all := s.outlets.of[topic]
	if group != 0 {
		all = nil
		for _, t := range s.state.Topics() {
			if t == nil {
				continue
			}
			if o := s.outlets.by[outletKey{group, t.ID}]; o != nil {
				all = append(all, o)
			}
		}
	}
	for _, o := range append([]*outlet(nil), all...) {
		o.end(s, reason)
	}
}

func (o *outlet) end(s *Shard, reason error) {
	o.gone = true
	for len(o.waiters) > 0 {
		r := o.waiters[0]
		r.unpark(s)
		r.fail(s, reason)
	}
	for _, q := range o.queues {
		if q.alarmAt != 0 {
			s.alarms.cancel(s, q.alarm)
			q.alarmAt = 0
		}
	}
	delete(s.outlets.by, outletKey{o.group.ID, o.topic.ID})
	of := s.outlets.of[o.topic.ID]
	for i := range of {
		if of[i] == o {
			s.outlets.of[o.topic.ID] = append(of[:i:i], of[i+1:]...)
			break
		}
	}
}

// findOutlets makes the outlets that have leases, after a start: a lease that ends
// is seen although nobody asks.
func (s *Shard) findOutlets() {
	s.state.EachCursor(func(id model.CursorID, c *cursor.Cursor) {
		if _, due := c.NextDue(); !due {
			return
		}
		g, t := s.state.GroupByID(id.Group), s.state.TopicByID(id.Queue.Topic)
		if g != nil && t != nil {
			s.outlet(g, t)
		}
	})
}
