package shard

import (
	"time"

	"github.com/gantrymq/gantry/core/internal/delay"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

const (
	// publishSlice is how many messages that are due a step publishes when nobody
	// asks for anything, publishBusy when somebody does, if that is not more:
	// what is overdue leaves at least half of the loop to what comes in.
	publishSlice = 256
	publishBusy  = 16
	// delayLook is how often, in ms, the clock is looked at while messages wait:
	// somebody may have set it.
	delayLook = 1000
	// delayRetry is when, in ms, a message that could not be published is looked at again.
	delayRetry = 10
	// maxReferAge bounds the age of what is published by reference. A reference keeps
	// its message's segment, so that age is how much longer that one stays.
	maxReferAge = time.Hour
)

// delays publishes delayed messages when they are due. They are part of the state;
// what is here is when to look, and what is on its way.
type delays struct {
	armed   bool
	alarm   alarmID
	alarmAt int64 // by the monotonic clock
	stale   bool  // the first of them may be another one than when the alarm was set
	mover   mover
	free    []*shown
	hurry   int // requests decided since the last step
}

// added notes that a message more waits.
func (d *delays) added() { d.stale = true }

// ring is the alarm. The step that follows does what is to be done.
func (d *delays) ring(*Shard) { d.armed, d.stale = false, true }

// step publishes what is due, as much of it as a step may.
func (d *delays) step(s *Shard) {
	if s.Err() != nil || s.holdUntil != 0 || s.stopping {
		return
	}
	d.mover.step(s)
	d.publish(s)
}

// publish publishes the messages that are due, in the order of their times.
func (d *delays) publish(s *Shard) {
	budget := publishSlice
	if d.hurry > 0 {
		budget = min(max(d.hurry, publishBusy), publishSlice)
	}
	d.hurry = 0
	var batch *shown
	for ; budget > 0; budget-- {
		m := s.nextDelayed()
		if m == nil || m.DeliverAt() > s.now.Wall || s.full() || s.disk.empty {
			break
		}
		if !d.mover.ready(s, m) {
			break
		}
		if batch == nil {
			batch = d.newShown()
		}
		s.publishOne(m, batch)
		d.stale = true
	}
	if batch != nil {
		batch.wait(s)
	}
	if m := s.nextDelayed(); budget == 0 && m != nil && m.DeliverAt() <= s.now.Wall {
		s.inbox.poke()
	}
}

// nextDelayed returns the message that is due first, nil if none waits for a time.
func (s *Shard) nextDelayed() *delay.Message {
	if m := s.state.Delayed().First(); m != nil && m.DeliverAt() != model.Prepared {
		return m
	}
	return nil
}

// publishOne puts a message into its queue.
func (s *Shard) publishOne(m *delay.Message, batch *shown) {
	q := s.state.Queue(model.Queue{Shard: s.cfg.Shard, Topic: m.Topic, Num: m.Queue()})
	late := s.now.Wall - m.DeliverAt()
	p := record.Publish{
		Topic: m.Topic, Queue: m.Queue(), TagHash: m.Tag, GroupHash: m.Group, DeliverAt: m.DeliverAt(),
		ID: m.ID(), At: m.At(), Size: m.Size(), Offset: q.Next,
	}
	s.reserve(record.MaxPublish) // the frame that it goes to has the store time
	p.StoreTime = s.storeTime
	end := s.emit(&p)
	s.count.Published++
	s.count.LateMs += late
	s.count.LateMaxMs = max(s.count.LateMaxMs, late)
	if late > 5 {
		s.count.Late++
	}
	s.publishLevel(q, end, batch)
}

// publishLevel notes what the message waits for before it is visible.
func (s *Shard) publishLevel(q *state.Queue, end model.LSN, batch *shown) {
	v := s.queueAt(q.Slot)
	topic := orDefault(q.Topic.Config.Durability, s.cfg.Flush)
	if topic == model.Synced || q.Topic.Changed > s.durable || v.syncTail > s.durable {
		v.syncTail = end
		batch.synced = append(batch.synced, shownQueue{q.Slot, q.Next})
	} else {
		batch.written = append(batch.written, shownQueue{q.Slot, q.Next})
	}
	batch.end = end
}

// shown is what a step has published, until it is visible.
type shown struct {
	written, synced []shownQueue
	end             model.LSN
	open            int
}

type shownQueue struct {
	slot uint32
	end  model.Offset
}

func (d *delays) newShown() *shown {
	if k := len(d.free); k > 0 {
		b := d.free[k-1]
		d.free = d.free[:k-1]
		return b
	}
	return new(shown)
}

// wait makes the messages visible once the log has come so far.
func (b *shown) wait(s *Shard) {
	b.open = 2
	s.when(atWritten, b.end, (*shownWritten)(b))
	if len(b.synced) > 0 {
		s.when(atDurable, b.end, (*shownSynced)(b))
	} else {
		b.done(s)
	}
}

type (
	shownWritten shown
	shownSynced  shown
)

func (b *shownWritten) complete(s *Shard, err error) {
	showQueues(s, b.written, err)
	(*shown)(b).done(s)
}

func (b *shownSynced) complete(s *Shard, err error) {
	showQueues(s, b.synced, err)
	(*shown)(b).done(s)
}

func showQueues(s *Shard, queues []shownQueue, err error) {
	if err != nil {
		return
	}
	for _, q := range queues {
		s.show(q.slot, q.end)
	}
}

func (b *shown) done(s *Shard) {
	if b.open--; b.open == 0 {
		b.written, b.synced = b.written[:0], b.synced[:0]
		s.delays.free = append(s.delays.free, b)
	}
}

// pause returns how long, in ms, there is nothing to do. A message that is due and
// could not be published waits for something else, which takes the next step.
func (d *delays) pause(s *Shard, first *delay.Message) int64 {
	switch ahead := first.DeliverAt() - s.now.Wall; {
	case ahead > 0:
		return ahead
	case s.disk.empty:
		return delayLook
	}
	return delayRetry
}

// arm sets the alarm for the first message. The wall clock may be set meanwhile,
// so it is looked at now and then.
func (d *delays) arm(s *Shard) {
	if !d.stale || s.stopping {
		return
	}
	d.stale = false
	first := s.nextDelayed()
	if first == nil {
		if d.armed {
			d.armed = false
			s.alarms.cancel(s, d.alarm)
		}
		return
	}
	at := s.now.Mono + min(d.pause(s, first), delayLook)
	if d.armed && d.alarmAt == at {
		return
	}
	if d.armed {
		s.alarms.cancel(s, d.alarm)
	}
	d.armed, d.alarmAt = true, at
	d.alarm = s.alarms.set(s, at, d)
}
