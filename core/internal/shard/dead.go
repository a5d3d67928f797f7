package shard

import (
	"slices"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

// buryEvery is how long, in ms, a burial waits that could not be done.
const buryEvery = 1000

// maxDying is how many messages of a queue are on their way to the dead letters at once.
const maxDying = 32

// A message that is out of attempts is copied to the group's dead letters and done
// with, in one frame. Its bytes may be cold: then a reader fetches them, and the
// delivery is looked at again.

// buryDead buries what is due and out of attempts.
func (s *Shard) buryDead(q *popQueue) {
	p := q.begin(s, s.state.Cursor(q.id), defaultReceive)
	s.bury(q, slices.Clone(p.Dead()))
}

func (s *Shard) bury(q *popQueue, dead []cursor.Lease) {
	begun := 0
	for _, l := range dead {
		if q.dying[l.Offset] {
			continue
		}
		if max(begun, len(q.dying)) >= maxDying {
			return // the last of them goes on
		}
		begun++
		slot, ok := s.state.Cursor(q.id).Slot(l.Offset)
		if !ok {
			continue
		}
		s.buryOne(q, l, slot.PopTime, func(s *Shard, err error) {
			if err != nil && s.Err() == nil && !q.retrying && model.CodeOf(err) != model.InvalidReceipt {
				s.logger.Warn("a message stays, although it is out of attempts", "group", q.outlet.group.Config.Name, "topic", q.outlet.topic.Config.Name,
					"queue", q.id.Queue.Num, "offset", l.Offset, "err", err)
				q.retrying = true // one alarm for all that fail
				s.alarms.set(s, s.now.Mono+buryEvery, (*buryAgain)(q))
			}
			if err == nil && len(q.dying) == 0 {
				s.buryRest(q)
			}
		})
	}
}

// buryAgain is a queue with a burial that failed.
type buryAgain popQueue

func (b *buryAgain) ring(s *Shard) {
	b.retrying = false
	s.buryRest((*popQueue)(b))
}

// buryRest goes on where a burial has ended, in what became of the queue since.
func (s *Shard) buryRest(q *popQueue) {
	if !q.outlet.gone && s.Err() == nil && s.state.Cursor(q.id) != nil {
		s.buryDead(q)
	}
}

// buryOne buries the delivery of that name. done is told when the log has it.
func (s *Shard) buryOne(q *popQueue, l cursor.Lease, popTime int64, done func(*Shard, error)) {
	if q.dying == nil {
		q.dying = make(map[model.Offset]bool)
	}
	q.dying[l.Offset] = true
	j := s.anyHandout()
	j.add(s, q, l, popTime, 0)
	finish := func(s *Shard, w record.Wire) {
		delete(q.dying, l.Offset)
		err := s.buryRead(q, j, w, l, popTime, done)
		j.release()
		if err != nil {
			done(s, err)
		}
	}
	if len(j.sealed) == 0 && j.findHot(s) == 1 {
		finish(s, j.only())
		return
	}
	s.readCold(q.outlet.group.Config.Name, nil, func() (int64, func(*Shard)) {
		j.findSealed()
		w := j.only()
		return j.coldRead, func(s *Shard) { finish(s, w) }
	})
}

// only returns the one message of a handout that answers no call. Where there is
// none any more it is nil; j.err says why if it cannot be read.
func (j *handout) only() (w record.Wire) {
	if j.err == nil && j.places[0].Size > 0 {
		w, j.err = j.message(0)
	}
	return w
}

// buryRead moves a message whose bytes are at hand.
func (s *Shard) buryRead(q *popQueue, j *handout, w record.Wire, l cursor.Lease, popTime int64, done func(*Shard, error)) error {
	c := s.state.Cursor(q.id)
	switch {
	case s.Err() != nil:
		return s.unavailable()
	case q.outlet.gone || c == nil:
		return model.Errorf(model.InvalidReceipt, "the topic or the group was deleted")
	case s.disk.low || !s.disk.fits(2*j.places[0].Size):
		return errDiskFull
	}
	slot, ok := c.Slot(l.Offset)
	if !ok || slot.PopTime != popTime {
		return model.Errorf(model.InvalidReceipt, "the delivery of offset %d is over", l.Offset)
	}
	switch {
	case j.err != nil:
		return unreadable(s, j.err)
	case w == nil: // retention has taken it
		s.emit(&record.Ack{
			Group: q.id.Group, Topic: q.id.Queue.Topic, Queue: q.id.Queue.Num,
			Op: record.AckDead, Offsets: []model.Offset{l.Offset},
		})
		s.settled(q.id)
		s.when(atWritten, s.frameEnd(), then(done))
	default:
		s.moveDead(q, w, l, done)
	}
	return nil
}

// moveDead appends the copy and the end of the message as one.
func (s *Shard) moveDead(q *popQueue, w record.Wire, l cursor.Lease, done func(*Shard, error)) {
	t := s.deadLetters(q.outlet.group)
	copied, ok := record.Copy(nil, w, t.Config.Name, l.Attempt-1, []record.PropertyValue{
		{Key: record.PropDeadTopic, Value: string(w.Topic())},
		{Key: record.PropDeadMessageID, Value: string(record.Property(w.Properties(), record.PropUniqueKey))},
	})
	if !ok { // no room for the origin: the message itself matters more
		copied, _ = record.Copy(copied[:0], w, t.Config.Name, l.Attempt-1, nil)
	}
	to := t.Queues[0]
	m := &encoded{slot: to.Slot, tagHash: filter.TagHash(record.Property(copied.Properties(), record.PropTags))}
	ack := &record.Ack{
		Group: q.id.Group, Topic: q.id.Queue.Topic, Queue: q.id.Queue.Num,
		Op: record.AckDead, Offsets: []model.Offset{l.Offset},
	}
	d := &s.frame.data
	*d = record.Data{Topic: t.ID, Queue: to.Num, TagHash: m.tagHash, Wire: copied}
	size := record.Size(d) + record.Size(ack)
	s.reserve(size)
	s.frame.reserved = size
	s.emitData(to, m, copied)
	s.emit(ack)
	s.count.Dead++
	s.settled(q.id)
	s.showWhenDone(to, t, done)
}

// showWhenDone makes a message that was just emitted visible, and tells done.
func (s *Shard) showWhenDone(to *state.Queue, t *state.Topic, done func(*Shard, error)) {
	var at storedAt
	end, next := s.frameEnd(), to.Next
	s.levels(t, to, model.DurabilityDefault, &at)
	if at.visible == atDurable {
		s.queueAt(to.Slot).syncTail = end
	}
	s.when(at.visible, end, then(func(s *Shard, err error) {
		if err == nil {
			s.show(to.Slot, next)
		}
		done(s, err)
	}))
}

// deadLetters returns the topic of a group's dead letters, and makes it if need be.
func (s *Shard) deadLetters(g *state.Group) *state.Topic {
	name := model.DeadLetterPrefix + g.Config.Name
	if t := s.state.Topic(name); t != nil {
		return t
	}
	return s.putTopic(s.state.NextTopicID(), model.TopicConfig{
		Name: name, ReadQueues: 1, WriteQueues: 1, Perm: model.PermRead | model.PermWrite,
		Attributes: map[string]string{model.AttrKind: "MIXED"},
	})
}
