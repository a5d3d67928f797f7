package state

import (
	"fmt"
	"maps"

	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

func (s *State) applyData(r *record.Data) error {
	q := s.Queue(model.Queue{Shard: s.shard, Topic: r.Topic, Num: r.Queue})
	if q == nil {
		return fmt.Errorf("message for unknown queue %d of topic id %d", r.Queue, r.Topic)
	}
	if got := model.Offset(r.Wire.QueueOffset()); got != q.Next {
		return fmt.Errorf("message at offset %d of queue %s/%d, where %d is next", got, q.Topic.Config.Name, q.Num, q.Next)
	}
	q.Next++
	return nil
}

func (s *State) applyOffset(r *record.Offset) error {
	queue := model.Queue{Shard: s.shard, Topic: r.Topic, Num: r.Queue}
	if s.Queue(queue) == nil || r.Group == 0 || int(r.Group) > len(s.groups) {
		return fmt.Errorf("offset of group id %d in unknown queue %d of topic id %d", r.Group, r.Queue, r.Topic)
	}
	id := model.CursorID{Group: r.Group, Queue: queue}
	c := s.cursors[id]
	if c == nil {
		c = &cursor.Cursor{}
		s.cursors[id] = c
	}
	c.Apply(r)
	return nil
}

func (s *State) applyTopic(r *record.Topic, end model.LSN) error {
	t := s.TopicByID(r.ID)
	switch {
	case t == nil && r.ID == s.NextTopicID() && s.byName[r.Config.Name] == nil:
		t = &Topic{ID: r.ID}
		s.topics = append(s.topics, t)
		s.byName[r.Config.Name] = t
	case t == nil || t.Config.Name != r.Config.Name:
		return fmt.Errorf("topic %s has id %d, which is not its own and not the next", r.Config.Name, r.ID)
	}
	t.Config, t.Changed = r.Config, end
	t.Config.Attributes = maps.Clone(r.Config.Attributes)
	s.growQueues(t, int(r.Config.Queues()))
	return nil
}

// growQueues makes the queues that a topic lacks. It never takes any away: a
// topic that shrinks keeps the offsets of its queues, should it grow again.
func (s *State) growQueues(t *Topic, n int) {
	if n <= len(t.Queues) {
		return
	}
	made := make([]Queue, n-len(t.Queues))
	for i := range made {
		q := &made[i]
		q.Topic, q.Num, q.Slot = t, int32(len(t.Queues)), uint32(len(s.queues))
		t.Queues = append(t.Queues, q)
		s.queues = append(s.queues, q)
	}
}

func (s *State) applyGroup(r *record.Group, end model.LSN) error {
	g := s.byGroup[r.Config.Name]
	switch {
	case g == nil && r.ID == s.NextGroupID():
		g = &Group{ID: r.ID}
		s.groups = append(s.groups, g)
		s.byGroup[r.Config.Name] = g
	case g == nil || g.ID != r.ID:
		return fmt.Errorf("group %s has id %d, which is not its own and not the next", r.Config.Name, r.ID)
	}
	g.Config, g.Changed = r.Config, end
	return nil
}

func (s *State) applyGap(r *record.Gap) {
	if r.Offsets == 0 {
		return
	}
	for _, q := range s.queues {
		q.gaps = append(q.gaps, gap{from: q.Next, to: q.Next + r.Offsets})
		q.Next += r.Offsets
	}
}
