package state

import (
	"fmt"
	"maps"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// Apply folds in the record that ends at LSN end. An error means that the record
// does not follow from the state: the log is not the one that was decided.
func (s *State) Apply(e record.Entry, end model.LSN) error {
	switch r := e.(type) {
	case *record.Data:
		if size := record.Size(r); r.DeliverAt != 0 {
			return s.applyDelayed(r, end-model.LSN(size), size)
		}
		return s.applyData(r)
	case *record.Publish:
		return s.applyPublish(r, end-model.LSN(record.Size(r)))
	case *record.Timer:
		return s.applyTimer(r)
	case *record.Relocate:
		size := record.Size(r)
		return s.applyRelocate(r, end-model.LSN(size), size)
	case *record.Txn:
		return s.applyTxn(r)
	case *record.Pop:
		return s.applyPop(r)
	case *record.Ack:
		return s.applyAck(r)
	case *record.Offset:
		return s.applyOffset(r)
	case *record.Topic:
		return s.applyTopic(r, end)
	case *record.TopicEnd:
		return s.applyTopicEnd(r)
	case *record.Group:
		return s.applyGroup(r, end)
	case *record.GroupEnd:
		return s.applyGroupEnd(r)
	case *record.Server:
		s.server = *r
	case *record.Gap:
		s.addMark(end - model.LSN(record.Size(r)))
		s.applyGap(r)
	case *record.Trim:
		return s.applyTrim(r)
	case *record.Lock:
		return s.applyLock(r)
	case *record.Setting:
		s.applySetting(r)
	case *record.Roll:
		s.addMark(end - model.LSN(record.Size(r)))
	default:
		return fmt.Errorf("record %T has no place in the state", e)
	}
	return nil
}

func (s *State) applyData(r *record.Data) error {
	q := s.Queue(model.Queue{Shard: s.shard, Topic: r.Topic, Num: r.Queue})
	if q == nil {
		return fmt.Errorf("message for unknown queue %d of topic id %d", r.Queue, r.Topic)
	}
	if got := model.Offset(r.Wire.QueueOffset()); got != q.Next {
		return fmt.Errorf("message at offset %d of queue %s/%d, where %d is next", got, q.Topic.Config.Name, q.Num, q.Next)
	}
	s.saveQueue(q)
	q.Next++
	return nil
}

func (s *State) applyOffset(r *record.Offset) error {
	queue := model.Queue{Shard: s.shard, Topic: r.Topic, Num: r.Queue}
	if s.Queue(queue) == nil || s.GroupByID(r.Group) == nil {
		return fmt.Errorf("offset of group id %d in unknown queue %d of topic id %d", r.Group, r.Queue, r.Topic)
	}
	id := model.CursorID{Group: r.Group, Queue: queue}
	c := s.cursors[keyOf(id)]
	if c == nil {
		c = s.addCursor(id)
	}
	s.saveCursor(c)
	c.cursor.Apply(r)
	return nil
}

func (s *State) applyPop(r *record.Pop) error {
	c, err := s.leasing(r.Group, r.Topic, r.Queue)
	if err != nil {
		return err
	}
	if q := s.Queue(c.id.Queue); r.ReadTo > q.Next {
		return fmt.Errorf("messages of queue %s/%d taken up to %d, where %d is next", q.Topic.Config.Name, q.Num, r.ReadTo, q.Next)
	}
	s.saveCursor(c)
	s.popTime = max(s.popTime, r.PopTime)
	return c.cursor.ApplyPop(r, &s.memory)
}

func (s *State) applyAck(r *record.Ack) error {
	c, err := s.leasing(r.Group, r.Topic, r.Queue)
	if err != nil {
		return err
	}
	s.saveCursor(c)
	s.popTime = max(s.popTime, r.PopTime)
	return c.cursor.ApplyAck(r)
}

// leasing finds the cursor whose messages are leased or settled. It was made
// before, by a commit.
func (s *State) leasing(group model.GroupID, topic model.TopicID, queue int32) (*cursorEntry, error) {
	c := s.cursors[cursorKey{group, topic, queue}]
	if c == nil {
		return nil, fmt.Errorf("leases of group id %d in queue %d of topic id %d, where it has no cursor", group, queue, topic)
	}
	return c, nil
}

func (s *State) addCursor(id model.CursorID) *cursorEntry {
	c := &cursorEntry{id: id, number: s.order.n}
	s.cursors[keyOf(id)] = c
	s.order.add(c)
	return c
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
	s.saveTopic(t)
	t.Config, t.Changed = r.Config, end
	t.Config.Attributes = maps.Clone(r.Config.Attributes)
	s.growQueues(t, int(r.Config.Queues()))
	return nil
}

// growQueues makes the queues that a topic lacks. It never takes any away: a
// topic that shrinks keeps the offsets of its queues, should it grow again. A
// queue of a deleted topic of the same name hands its next offset on.
func (s *State) growQueues(t *Topic, n int) {
	if n <= len(t.Queues) {
		return
	}
	grave := s.graves[t.Config.Name]
	made := make([]Queue, n-len(t.Queues))
	for i := range made {
		q := &made[i]
		q.Topic, q.Num, q.Slot = t, int32(len(t.Queues)), uint32(s.queues.n)
		if int(q.Num) < len(grave) {
			q.Next, q.Min = grave[q.Num], grave[q.Num]
		}
		t.Queues = append(t.Queues, q)
		s.queues.add(q)
		s.live++
	}
}

// applyTopicEnd deletes a topic: its queues, every group's offsets in them. What
// stays is its name with the queues' next offsets.
func (s *State) applyTopicEnd(r *record.TopicEnd) error {
	t := s.TopicByID(r.ID)
	if t == nil {
		return fmt.Errorf("end of unknown topic id %d", r.ID)
	}
	s.saveTopic(t)
	s.dropDelayed(t.ID)
	s.saveGrave(t.Config.Name)
	grave := append([]model.Offset(nil), s.graves[t.Config.Name]...)
	for i, q := range t.Queues {
		s.saveQueue(q)
		if i < len(grave) {
			grave[i] = q.Next
		} else {
			grave = append(grave, q.Next)
		}
		*s.queues.at(int(q.Slot)) = nil
		s.live--
	}
	s.bury(t.Config.Name, grave)
	ofTopic := func(id model.CursorID) bool { return id.Queue.Topic == t.ID }
	s.dropCursors(ofTopic)
	s.dropLocks(ofTopic)
	delete(s.byName, t.Config.Name)
	s.topics[t.ID-1] = nil
	return nil
}

// dropCursors deletes the cursors that match.
func (s *State) dropCursors(match func(model.CursorID) bool) {
	for i := range s.order.n {
		if c := *s.order.at(i); c != nil && match(c.id) {
			s.saveCursor(c)
			delete(s.cursors, keyOf(c.id))
			*s.order.at(i) = nil
		}
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
	s.saveGroup(g)
	g.Config, g.Changed = r.Config, end
	return nil
}

func (s *State) applyGroupEnd(r *record.GroupEnd) error {
	g := s.GroupByID(r.ID)
	if g == nil {
		return fmt.Errorf("end of unknown group id %d", r.ID)
	}
	s.saveGroup(g)
	ofGroup := func(id model.CursorID) bool { return id.Group == g.ID }
	s.dropCursors(ofGroup)
	s.dropLocks(ofGroup)
	delete(s.byGroup, g.Config.Name)
	s.groups[g.ID-1] = nil
	return nil
}

func (s *State) applyGap(r *record.Gap) {
	s.popTime, s.popAhead = max(s.popTime, r.PopTime), max(s.popAhead, r.PopAhead)
	if r.Offsets == 0 {
		return
	}
	for i := range s.queues.n {
		if q := *s.queues.at(i); q != nil {
			s.saveQueue(q)
			q.gaps = append(q.gaps, gap{from: q.Next, to: q.Next + r.Offsets})
			q.Next += r.Offsets
		}
	}
	for name, grave := range s.graves { // the order of the names changes nothing
		s.saveGrave(name)
		moved := make([]model.Offset, len(grave))
		for i := range grave {
			moved[i] = grave[i] + r.Offsets
		}
		s.graves[name] = moved
	}
}

func (s *State) applyTrim(r *record.Trim) error {
	for _, c := range r.Queues {
		q := s.Queue(model.Queue{Shard: s.shard, Topic: c.Topic, Num: c.Queue})
		if q == nil {
			return fmt.Errorf("trim of unknown queue %d of topic id %d", c.Queue, c.Topic)
		}
		if c.Min < q.Min || c.Min > q.Next {
			return fmt.Errorf("trim to %d of queue %s/%d, which has %d to %d", c.Min, q.Topic.Config.Name, c.Queue, q.Min, q.Next)
		}
		s.saveQueue(q)
		q.Min = c.Min
		for len(q.gaps) > 0 && q.gaps[0].to <= q.Min {
			q.gaps = q.gaps[1:]
		}
	}
	s.logStart = max(s.logStart, r.Before)
	s.dropMarks()
	return nil
}
