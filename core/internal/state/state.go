package state

import (
	"slices"

	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/delay"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/txn"
	"github.com/gantrymq/gantry/core/record"
)

// State is all that a shard knows from its log. One goroutine owns it.
type State struct {
	shard     model.ShardID
	server    record.Server
	logStart  model.LSN // the log is trimmed below
	popTime   int64     // the latest name of a delivery
	popAhead  int64     // how far the clock of leases is ahead of the wall clock
	topics    []*Topic  // by id - 1; nil where it was deleted
	byName    map[string]*Topic
	graves    map[string][]model.Offset // name of a deleted topic -> its queues' next offsets
	buried    []string                  // the names in graves, in the order of their first burial
	queues    paged[*Queue]             // by slot; nil where the topic was deleted
	live      int                       // queues that are not nil
	groups    []*Group                  // by id - 1; nil where it was deleted
	byGroup   map[string]*Group
	cursors   map[cursorKey]*cursorEntry
	order     paged[*cursorEntry] // cursors by their number; nil where one was deleted
	memory    cursor.Memory       // what cursors share
	locks     map[cursorKey]*lockEntry
	lockOrder paged[*lockEntry] // by their number; nil where one was deleted
	settings  map[string]string
	delayed   delay.Set // messages that wait for their time, or for the end of their transaction
	open      txn.Set   // the transactions of the latter
	ended     txn.Ended
	marks     []mark    // at least one
	newest    model.LSN // highest At of a delayed message so far

	snapshot   *Snapshot // being taken; nil if none is
	generation uint32    // of the newest snapshot
}

// Topic is a topic and its queues.
type Topic struct {
	ID      model.TopicID
	Config  model.TopicConfig
	Queues  []*Queue
	Changed model.LSN // end of the record that last changed the settings

	saved uint32 // the snapshot that has it
}

// Queue is one queue: what must outlive its messages.
type Queue struct {
	Topic *Topic
	Num   int32
	Slot  uint32       // dense number of the queue in its shard, for arrays beside the state
	Next  model.Offset // the next message's
	Min   model.Offset // the first message's; Next if there is none
	gaps  []gap
	saved uint32
}

// gap is a range of offsets that no message has, for ever.
type gap struct{ from, to model.Offset }

// Group is a consumer group.
type Group struct {
	ID      model.GroupID
	Config  model.GroupConfig
	Changed model.LSN

	saved uint32
}

// cursorEntry is a cursor with its name.
type cursorEntry struct {
	id     model.CursorID
	cursor cursor.Cursor
	number int // in State.order
	saved  uint32
}

// cursorKey is a CursorID of this shard: without padding, so that it is hashed at once.
type cursorKey struct {
	group model.GroupID
	topic model.TopicID
	queue int32
}

func keyOf(id model.CursorID) cursorKey { return cursorKey{id.Group, id.Queue.Topic, id.Queue.Num} }

// New returns the state of an empty log.
func New(shard model.ShardID) *State {
	return &State{
		shard:    shard,
		byName:   make(map[string]*Topic),
		graves:   make(map[string][]model.Offset),
		byGroup:  make(map[string]*Group),
		cursors:  make(map[cursorKey]*cursorEntry),
		marks:    make([]mark, 1),
		locks:    make(map[cursorKey]*lockEntry),
		settings: make(map[string]string),
	}
}

// Server returns the names fixed when the log began; empty in an empty log.
func (s *State) Server() record.Server { return s.server }

// LogStart returns where the log begins: what lies below is trimmed.
func (s *State) LogStart() model.LSN { return s.logStart }

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

// Topics returns all topics in the order of their ids; nil stands where one was
// deleted. The slice is the state's.
func (s *State) Topics() []*Topic { return s.topics }

// TopicCount returns how many topics there are.
func (s *State) TopicCount() int { return len(s.byName) }

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

// QueueAt returns the queue of a slot, nil if its topic was deleted.
func (s *State) QueueAt(slot uint32) *Queue { return *s.queues.at(int(slot)) }

// Slots returns how many slots have been given to queues.
func (s *State) Slots() int { return s.queues.n }

// QueueCount returns how many queues there are.
func (s *State) QueueCount() int { return s.live }

// Group returns the group of that name, nil if there is none.
func (s *State) Group(name string) *Group { return s.byGroup[name] }

// Groups returns all groups in the order of their ids; nil stands where one was
// deleted. The slice is the state's.
func (s *State) Groups() []*Group { return s.groups }

// PopTime returns the latest name that a delivery was ever given, in ms.
func (s *State) PopTime() int64 { return s.popTime }

// PopAhead returns how far, in ms, the clock of leases is ahead of the wall clock: the
// further, the more power cuts there were.
func (s *State) PopAhead() int64 { return s.popAhead }

// GroupByID returns a group, nil if there is none.
func (s *State) GroupByID(id model.GroupID) *Group {
	if !s.HasGroup(id) {
		return nil
	}
	return s.groups[id-1]
}

// HasGroup tells whether there is a group with that id.
func (s *State) HasGroup(id model.GroupID) bool {
	return id > 0 && int(id) <= len(s.groups) && s.groups[id-1] != nil
}

// GroupCount returns how many groups there are.
func (s *State) GroupCount() int { return len(s.byGroup) }

// NextGroupID returns the id of the next group to be made.
func (s *State) NextGroupID() model.GroupID { return model.GroupID(len(s.groups) + 1) }

// Cursor returns a group's cursor in a queue, nil if it has committed nothing.
func (s *State) Cursor(id model.CursorID) *cursor.Cursor {
	if c := s.cursors[keyOf(id)]; c != nil {
		return &c.cursor
	}
	return nil
}

// EachCursor calls fn with every cursor, in the order in which they were made.
func (s *State) EachCursor(fn func(model.CursorID, *cursor.Cursor)) {
	for i := range s.order.n {
		if c := *s.order.at(i); c != nil {
			fn(c.id, &c.cursor)
		}
	}
}

// CursorCount returns the number of cursors.
func (s *State) CursorCount() int { return len(s.cursors) }

// Cursors passes the cursors numbered from next on to fn, so many numbers of them:
// for walks in slices. It returns where to go on, and whether there is more.
func (s *State) Cursors(next, slice int, fn func(model.CursorID, *cursor.Cursor)) (int, bool) {
	end := min(next+slice, s.order.n)
	for ; next < end; next++ {
		if c := *s.order.at(next); c != nil {
			fn(c.id, &c.cursor)
		}
	}
	return next, end < s.order.n
}

// Laggard returns the group that has consumed the least of a queue, and up to where
// it has; nil if no group has a cursor there. It looks at every group.
func (s *State) Laggard(q *Queue) (last *Group, floor model.Offset) {
	for _, g := range s.groups {
		if g == nil {
			continue
		}
		c := s.cursors[cursorKey{g.ID, q.Topic.ID, q.Num}]
		if c != nil && (last == nil || c.cursor.Floor() < floor) {
			last, floor = g, c.cursor.Floor()
		}
	}
	return last, floor
}

// Gaps are ranges of offsets that no message has, for ever. The slice is not changed.
type Gaps []gap

// Gaps returns the queue's gaps.
func (q *Queue) Gaps() Gaps { return q.gaps }

// Within returns how many of the offsets in [from, to) no message has.
func (g Gaps) Within(from, to model.Offset) (n model.Offset) {
	for _, gap := range g {
		n += max(min(gap.to, to)-max(gap.from, from), 0)
	}
	return n
}

// LastBefore returns the offset before the given one, passing over gaps.
func (g Gaps) LastBefore(offset model.Offset) model.Offset {
	offset--
	for _, gap := range slices.Backward(g) {
		if gap.from <= offset && offset < gap.to {
			offset = gap.from - 1
		}
	}
	return offset
}

// GapAt returns the end of the recorded gap that offset lies in.
func (q *Queue) GapAt(offset model.Offset) (end model.Offset, ok bool) {
	for _, g := range q.gaps {
		if g.from <= offset && offset < g.to {
			return g.to, true
		}
	}
	return 0, false
}
