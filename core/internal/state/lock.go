package state

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// lockEntry is who has a queue of a group for itself; nobody, if owner is empty.
type lockEntry struct {
	id     model.CursorID
	owner  string
	number int // in State.lockOrder
	saved  uint32
}

// Lock returns the client that has a queue of a group for itself, empty if none has.
func (s *State) Lock(id model.CursorID) (owner string) {
	if l := s.locks[keyOf(id)]; l != nil {
		return l.owner
	}
	return ""
}

// EachLock shows the locks that somebody has, in the order in which they were
// first made.
func (s *State) EachLock(fn func(id model.CursorID, owner string)) {
	for i := range s.lockOrder.n {
		if l := *s.lockOrder.at(i); l != nil && l.owner != "" {
			fn(l.id, l.owner)
		}
	}
}

func (s *State) applyLock(r *record.Lock) error {
	queue := model.Queue{Shard: s.shard, Topic: r.Topic, Num: r.Queue}
	if s.Queue(queue) == nil || !s.HasGroup(r.Group) {
		return fmt.Errorf("lock of group id %d on unknown queue %d of topic id %d", r.Group, r.Queue, r.Topic)
	}
	id := model.CursorID{Group: r.Group, Queue: queue}
	l := s.locks[keyOf(id)]
	if l == nil {
		l = s.addLock(id)
	}
	s.saveLock(l)
	l.owner = r.Owner
	return nil
}

func (s *State) addLock(id model.CursorID) *lockEntry {
	l := &lockEntry{id: id, number: s.lockOrder.n}
	s.locks[keyOf(id)] = l
	s.lockOrder.add(l)
	return l
}

// dropLocks deletes the locks that match.
func (s *State) dropLocks(match func(model.CursorID) bool) {
	for i := range s.lockOrder.n {
		if l := *s.lockOrder.at(i); l != nil && match(l.id) {
			s.saveLock(l)
			delete(s.locks, keyOf(l.id))
			*s.lockOrder.at(i) = nil
		}
	}
}

func (s *State) saveLock(l *lockEntry) {
	if n := s.snapshot; n != nil && l.saved != n.gen && l.number < n.counts[phaseLocks] {
		l.saved = n.gen
		b := n.image.last()
		*b = appendLock(*b, l)
	}
}

func appendLock(b []byte, l *lockEntry) []byte {
	return appendEntry(b, tagLock, func(b []byte) []byte {
		b = binary.AppendUvarint(b, uint64(l.id.Group))
		b = binary.AppendUvarint(b, uint64(l.id.Queue.Topic))
		b = binary.AppendUvarint(b, uint64(l.id.Queue.Num))
		return append(b, l.owner...)
	})
}

// lock loads an entry.
func (l *loader) lock(content []byte) error {
	f := fields{b: content}
	id := model.CursorID{Group: model.GroupID(f.next(math.MaxUint32))}
	id.Queue = model.Queue{Shard: l.state.shard, Topic: model.TopicID(f.next(math.MaxUint32)), Num: int32(f.next(math.MaxInt32))}
	if f.bad || l.state.locks[keyOf(id)] != nil || l.state.Queue(id.Queue) == nil || !l.state.HasGroup(id.Group) {
		return errImage
	}
	l.state.addLock(id).owner = string(f.b)
	return nil
}

func compareLocks(x, y *lockEntry) int { return compareIDs(x.id, y.id) }
