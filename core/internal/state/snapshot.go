package state

import "github.com/gantrymq/gantry/core/internal/model"

// Snapshot is the image of the state at one moment, taken a slice at a time while
// the state moves on: an entry that is about to change before its turn is saved first.
type Snapshot struct {
	state  *State
	gen    uint32 // entries that carry it are in the image
	counts [phases]int
	phase  int
	next   int // of the phase
	graves map[string]bool
	delaying
	image pieces
}

// The phases of a snapshot: one kind of entry after the other.
const (
	phaseTopics = iota
	phaseQueues
	phaseGroups
	phaseCursors
	phaseGraves
	phaseLocks
	phases
)

// BeginSnapshot begins the image of the state as it is now. One at a time.
func (s *State) BeginSnapshot() *Snapshot {
	s.generation++
	n := &Snapshot{state: s, gen: s.generation, graves: make(map[string]bool)}
	n.counts = [phases]int{len(s.topics), s.queues.n, len(s.groups), s.order.n, len(s.buried), s.lockOrder.n}
	n.delaying.end = s.newest + 1
	b := n.image.last()
	*b = s.appendEnded(s.appendSettings(s.appendMarks(s.appendServer(*b))))
	s.snapshot = n
	return n
}

// Slice saves up to limit entries more. It reports whether the image is complete;
// then the state no longer minds it.
func (n *Snapshot) Slice(limit int) (done bool) {
	for ; limit > 0 && n.phase < phases; limit-- {
		if n.next == n.counts[n.phase] {
			n.phase, n.next = n.phase+1, 0
			continue
		}
		n.save(n.phase, n.next)
		n.next++
	}
	if n.phase < phases || n.delaying.slice(n, limit) == limit {
		return false
	}
	n.state.snapshot = nil
	return true
}

// Abandon ends a snapshot that nobody wants any more.
func (n *Snapshot) Abandon() { n.state.snapshot = nil }

// Image returns what has been saved, in pieces: all of it once Slice has said done.
func (n *Snapshot) Image() [][]byte { return n.image }

// save saves an entry by its place, unless it was deleted, and so saved, before.
func (n *Snapshot) save(phase, i int) {
	s := n.state
	switch phase {
	case phaseTopics:
		if t := s.topics[i]; t != nil {
			s.saveTopic(t)
		}
	case phaseQueues:
		if q := *s.queues.at(i); q != nil {
			s.saveQueue(q)
		}
	case phaseGroups:
		if g := s.groups[i]; g != nil {
			s.saveGroup(g)
		}
	case phaseCursors:
		if c := *s.order.at(i); c != nil {
			s.saveCursor(c)
		}
	case phaseGraves:
		s.saveGrave(s.buried[i])
	case phaseLocks:
		if l := *s.lockOrder.at(i); l != nil {
			s.saveLock(l)
		}
	}
}

// The save methods put an entry into the snapshot that is being taken, if there
// is one, the entry was there when it began, and it is not yet in it. Every
// change of an entry calls its own first.

func (s *State) saveTopic(t *Topic) {
	if n := s.snapshot; n != nil && t.saved != n.gen && int(t.ID) <= n.counts[phaseTopics] {
		t.saved = n.gen
		b := n.image.last()
		*b = appendTopic(*b, t)
	}
}

func (s *State) saveQueue(q *Queue) {
	if n := s.snapshot; n != nil && q.saved != n.gen && int(q.Slot) < n.counts[phaseQueues] {
		q.saved = n.gen
		b := n.image.last()
		*b = appendQueue(*b, q)
	}
}

func (s *State) saveGroup(g *Group) {
	if n := s.snapshot; n != nil && g.saved != n.gen && int(g.ID) <= n.counts[phaseGroups] {
		g.saved = n.gen
		b := n.image.last()
		*b = appendGroup(*b, g)
	}
}

func (s *State) saveCursor(c *cursorEntry) {
	if n := s.snapshot; n != nil && c.saved != n.gen && c.number < n.counts[phaseCursors] {
		c.saved = n.gen
		b := n.image.last()
		*b = appendCursor(*b, c)
	}
}

// saveGrave is told of a name before the name's first grave too: that one was
// not there when the snapshot began.
func (s *State) saveGrave(name string) {
	grave, ok := s.graves[name]
	if n := s.snapshot; n != nil && !n.graves[name] {
		n.graves[name] = true
		if ok {
			b := n.image.last()
			*b = appendGrave(*b, name, grave)
		}
	}
}

// bury keeps a deleted topic's next offsets under its name.
func (s *State) bury(name string, next []model.Offset) {
	if _, known := s.graves[name]; !known {
		s.buried = append(s.buried, name)
	}
	s.graves[name] = next
}
