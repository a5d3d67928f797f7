package state

import (
	"fmt"
	"slices"

	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// State is all that a shard knows from its log. One goroutine owns it.
type State struct {
	shard   model.ShardID
	server  record.Server
	topics  []*Topic // by id - 1
	byName  map[string]*Topic
	queues  []*Queue // by slot
	groups  []*Group // by id - 1
	byGroup map[string]*Group
	cursors map[model.CursorID]*cursor.Cursor
}

// Topic is a topic and its queues.
type Topic struct {
	ID      model.TopicID
	Config  model.TopicConfig
	Queues  []*Queue
	Changed model.LSN // end of the record that last changed the settings
}

// Queue is one queue: what must outlive its messages.
type Queue struct {
	Topic *Topic
	Num   int32
	Slot  uint32       // dense number of the queue in its shard, for arrays beside the state
	Next  model.Offset // the next message's
	Min   model.Offset // the first message's; Next if there is none
	gaps  []gap
}

// gap is a range of offsets that no message has, for ever.
type gap struct{ from, to model.Offset }

// Group is a consumer group.
type Group struct {
	ID      model.GroupID
	Config  model.GroupConfig
	Changed model.LSN
}

// New returns the state of an empty log.
func New(shard model.ShardID) *State {
	return &State{
		shard:   shard,
		byName:  make(map[string]*Topic),
		byGroup: make(map[string]*Group),
		cursors: make(map[model.CursorID]*cursor.Cursor),
	}
}

// Server returns the names fixed when the log began; empty in an empty log.
func (s *State) Server() record.Server { return s.server }

// Topic returns the topic of that name, nil if there is none.
func (s *State) Topic(name string) *Topic { return s.byName[name] }

// TopicNamed is Topic for a name that lies in a buffer.
func (s *State) TopicNamed(name []byte) *Topic { return s.byName[string(name)] }

// TopicByID returns a topic, nil if there is none.
func (s *State) TopicByID(id model.TopicID) *Topic {
	if id == 0 || int(id) > len(s.topics) {
		return nil
	}
	return s.topics[id-1]
}

// Topics returns all topics in the order of their ids. The slice is the state's.
func (s *State) Topics() []*Topic { return s.topics }

// NextTopicID returns the id of the next topic to be made.
func (s *State) NextTopicID() model.TopicID { return model.TopicID(len(s.topics) + 1) }

// Queue returns a queue, nil if there is none.
func (s *State) Queue(q model.Queue) *Queue {
	t := s.TopicByID(q.Topic)
	if t == nil || q.Num < 0 || int(q.Num) >= len(t.Queues) || q.Shard != s.shard {
		return nil
	}
	return t.Queues[q.Num]
}

// Queues returns all queues in the order of their slots. The slice is the state's.
func (s *State) Queues() []*Queue { return s.queues }

// Group returns the group of that name, nil if there is none.
func (s *State) Group(name string) *Group { return s.byGroup[name] }

// Groups returns all groups in the order of their ids. The slice is the state's.
func (s *State) Groups() []*Group { return s.groups }

// NextGroupID returns the id of the next group to be made.
func (s *State) NextGroupID() model.GroupID { return model.GroupID(len(s.groups) + 1) }

// Cursor returns a group's cursor in a queue, nil if it has committed nothing.
func (s *State) Cursor(id model.CursorID) *cursor.Cursor { return s.cursors[id] }

// Cursors returns the number of cursors.
func (s *State) Cursors() int { return len(s.cursors) }

// GapAt returns the end of the recorded gap that offset lies in.
func (q *Queue) GapAt(offset model.Offset) (end model.Offset, ok bool) {
	for _, g := range q.gaps {
		if g.from <= offset && offset < g.to {
			return g.to, true
		}
	}
	return 0, false
}

// LastBefore returns the offset before the given one, passing over gaps.
func (q *Queue) LastBefore(offset model.Offset) model.Offset {
	offset--
	for _, g := range slices.Backward(q.gaps) {
		if g.from <= offset && offset < g.to {
			offset = g.from - 1
		}
	}
	return offset
}

// Apply folds in the record that ends at LSN end. An error means that the record
// does not follow from the state: the log is not the one that was decided.
func (s *State) Apply(e record.Entry, end model.LSN) error {
	switch r := e.(type) {
	case *record.Data:
		return s.applyData(r)
	case *record.Offset:
		return s.applyOffset(r)
	case *record.Topic:
		return s.applyTopic(r, end)
	case *record.Group:
		return s.applyGroup(r, end)
	case *record.Server:
		s.server = *r
	case *record.Gap:
		s.applyGap(r)
	case *record.Roll:
	default:
		return fmt.Errorf("record %T has no place in the state", e)
	}
	return nil
}
