package shard

import (
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

// deleteTopic deletes a topic. What waits at its queues is told so.
func (s *Shard) deleteTopic(name string) error {
	t := s.state.Topic(name)
	switch {
	case t == nil:
		return model.Errorf(model.TopicNotFound, "there is no topic %s", name)
	case t.Config.System:
		return model.Errorf(model.Forbidden, "topic %s is the server's own", name)
	}
	for _, q := range t.Queues {
		s.endQueue(q)
	}
	s.endOutlets(t.ID, 0, model.Errorf(model.TopicNotFound, "topic %s was deleted", name))
	s.forgetTopic(t.ID)
	end := s.emit(&record.TopicEnd{ID: t.ID})
	s.when(atDurable, end, then(func(s *Shard, err error) {
		if err == nil && s.state.Topic(name) == nil {
			s.topics.Delete(name)
		}
		s.retention.wake(s) // its messages need not be kept
	}))
	return nil
}

func (s *Shard) endQueue(q *state.Queue) {
	gone := model.Errorf(model.TopicNotFound, "topic %s was deleted", q.Topic.Config.Name)
	for v := s.queueAt(q.Slot); len(v.waiters) > 0; {
		r := v.waiters[len(v.waiters)-1]
		s.alarms.cancel(s, r.alarm)
		s.unpark(r)
		r.fail(s, gone)
	}
}

// forgetTopic takes the messages of a topic out of the index, before the topic
// itself goes.
func (s *Shard) forgetTopic(id model.TopicID) {
	t := s.state.TopicByID(id)
	if t == nil {
		return
	}
	for _, q := range t.Queues {
		s.index.Forget(q.Slot)
	}
}
