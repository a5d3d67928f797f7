package shard

import (
	"slices"
	"time"

	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// settleRequest is a Settle.
type settleRequest struct {
	client  *Client
	entries []Settlement
	done    func([]Settled)

	results []Settled
	dying   int // deliveries that are being moved to the dead letters

	oneEntry  [1]Settlement // most calls have one
	oneResult [1]Settled
}

// Settle queues the call. See core.Client.
func (c *Client) Settle(s []Settlement, done func([]Settled)) {
	r := &settleRequest{client: c, done: done}
	r.entries = append(r.oneEntry[:0], s...)
	c.add(r)
}

// answers makes room for the results.
func (r *settleRequest) answers() {
	if r.results = r.oneResult[:]; len(r.entries) != 1 {
		r.results = make([]Settled, len(r.entries))
	}
}

func (r *settleRequest) class() class { return appends }

func (r *settleRequest) refuse(err error) {
	r.answers()
	for i := range r.results {
		r.results[i] = Settled{Receipt: r.entries[i].Receipt, Err: err}
	}
	r.done(r.results)
}

// decide settles each delivery by itself. Acks of one cursor that follow each other
// are one record.
func (r *settleRequest) decide(s *Shard) {
	r.answers()
	level, acks := s.settleLevel(), s.acks[:0]
	for i := range r.entries {
		e, result := &r.entries[i], &r.results[i]
		result.Receipt = e.Receipt
		if q := s.state.Queue(e.Receipt.Cursor.Queue); q != nil && q.Topic.Config.Durability == model.Synced {
			level = atDurable
		}
		if e.Do == Ack {
			ok, err := s.mayAck(&e.Receipt)
			if result.Err = err; ok {
				acks = append(acks, e.Receipt.Offset)
			}
			if next := i + 1; next == len(r.entries) || r.entries[next].Do != Ack || r.entries[next].Receipt.Cursor != e.Receipt.Cursor {
				s.ack(e.Receipt.Cursor, acks)
				acks = acks[:0]
			}
			continue
		}
		r.settle(s, e, result)
	}
	s.acks = acks[:0]
	r.dying++ // until the log is there
	s.when(level, s.frameEnd(), r)
}

// settleLevel returns what an ack waits for: as a send does.
func (s *Shard) settleLevel() level {
	if s.cfg.Flush == model.Synced {
		return atDurable
	}
	return atWritten
}

// settle does what is no ack.
func (r *settleRequest) settle(s *Shard, e *Settlement, result *Settled) {
	c, err := s.current(&e.Receipt)
	if err != nil {
		result.Err = err
		return
	}
	switch {
	case e.Do == Change && (e.After < 0 || e.After > maxInvisible):
		result.Err = model.Errorf(model.InvalidDelay, "a delivery put off by %v; at most %v is allowed", e.After, maxInvisible)
	case e.Do == Change:
		result.Receipt = s.change(c, &e.Receipt, e.After)
	case e.Do == Dead:
		r.kill(s, c, &e.Receipt, result)
	default:
		result.Err = model.Errorf(model.Unsupported, "settlement %d is not supported", e.Do)
	}
}

// kill moves a delivery to the dead letters.
func (r *settleRequest) kill(s *Shard, c *cursor.Cursor, receipt *Receipt, result *Settled) {
	slot, _ := c.Slot(receipt.Offset)
	q := s.popQueue(receipt.Cursor)
	r.dying++
	s.buryOne(q, cursor.Lease{Offset: receipt.Offset, Key: slot.Key, Attempt: receipt.Attempt, FirstPop: slot.FirstPop}, receipt.PopTime, func(s *Shard, err error) {
		result.Err = err
		r.complete(s, nil)
	})
}

// complete answers once all is in the log.
func (r *settleRequest) complete(s *Shard, err error) {
	if err != nil {
		for i := range r.results {
			if r.results[i].Err == nil {
				r.results[i].Err = err
			}
		}
	}
	if r.dying--; r.dying > 0 {
		return
	}
	s.touch(r.client)
	r.done(r.results)
}

// current returns the cursor of a receipt whose delivery goes on.
func (s *Shard) current(r *Receipt) (*cursor.Cursor, *model.Error) {
	c := s.state.Cursor(r.Cursor)
	if c == nil || s.state.Queue(r.Cursor.Queue) == nil {
		return nil, model.Errorf(model.InvalidReceipt, "the receipt is of a group or a topic that is gone")
	}
	if c.Check(r.Offset, r.PopTime, s.popNow(), s.owners.alive) != cursor.Current {
		return nil, errStale(r)
	}
	return c, nil
}

func errStale(r *Receipt) *model.Error {
	return model.Errorf(model.InvalidReceipt, "the delivery of offset %d is over: settled, expired, or made again", r.Offset)
}

// mayAck tells whether an ack ends its delivery. One of what is done with already
// changes nothing, and is no error before the receipt's own end.
func (s *Shard) mayAck(r *Receipt) (bool, error) {
	c := s.state.Cursor(r.Cursor)
	if c == nil || s.state.Queue(r.Cursor.Queue) == nil {
		return false, model.Errorf(model.InvalidReceipt, "the receipt is of a group or a topic that is gone")
	}
	switch now := s.popNow(); c.Check(r.Offset, r.PopTime, now, s.owners.alive) {
	case cursor.Current:
		return true, nil
	case cursor.Done:
		if now < r.PopTime+r.Invisible {
			return false, nil
		}
	}
	s.count.StaleAcks++
	return false, errStale(r)
}

// ack records that deliveries of one cursor are done with.
func (s *Shard) ack(id model.CursorID, offsets []model.Offset) {
	if len(offsets) == 0 {
		return
	}
	slices.Sort(offsets)
	for some := range slices.Chunk(slices.Compact(offsets), record.MaxMessages) {
		s.ackRecord = record.Ack{
			Group: id.Group, Topic: id.Queue.Topic, Queue: id.Queue.Num,
			Op: record.AckDone, Offsets: some,
		}
		s.emit(&s.ackRecord)
	}
	s.count.Acked += int64(len(offsets))
	s.settled(id)
}

// change records that a delivery comes again later, by a new name.
func (s *Shard) change(c *cursor.Cursor, r *Receipt, after time.Duration) Receipt {
	next := *r
	next.PopTime, next.Invisible = max(s.popNow(), r.PopTime+1), after.Milliseconds()
	id := r.Cursor
	s.emit(&record.Ack{
		Group: id.Group, Topic: id.Queue.Topic, Queue: id.Queue.Num,
		Op: record.AckChange, Offsets: []model.Offset{r.Offset}, PopTime: next.PopTime, Invisible: next.Invisible,
	})
	s.settled(id)
	return next
}

// giveBack records that deliveries come again at once.
func (s *Shard) giveBack(q *popQueue, offsets []model.Offset) {
	at := s.popNow()
	c := s.state.Cursor(q.id)
	for _, o := range offsets {
		if slot, ok := c.Slot(o); ok {
			at = max(at, slot.PopTime+1)
		}
	}
	for some := range slices.Chunk(offsets, record.MaxMessages) {
		s.emit(&record.Ack{
			Group: q.id.Group, Topic: q.id.Queue.Topic, Queue: q.id.Queue.Num,
			Op: record.AckChange, Offsets: some, PopTime: at,
		})
	}
	s.settled(q.id)
}

// release gives a delivery back that never reached its client.
func (s *Shard) release(r Receipt) {
	if s.Err() != nil {
		return
	}
	if c, err := s.current(&r); err == nil {
		s.change(c, &r, 0)
	}
}

// settled sees to what a settlement makes possible: a later message of its message
// group, or the same one again.
func (s *Shard) settled(id model.CursorID) {
	q := s.popQueue(id)
	c := s.state.Cursor(id)
	if q.outlet.fifo() || c.Ready(s.popNow(), s.owners.alive) {
		q.mark()
		q.outlet.stir(s)
	}
	q.watch(s)
}

// popQueue returns the queue of a cursor that is there, as its outlet sees it.
func (s *Shard) popQueue(id model.CursorID) *popQueue {
	o := s.outlet(s.state.GroupByID(id.Group), s.state.TopicByID(id.Queue.Topic))
	return o.queues[id.Queue.Num]
}
