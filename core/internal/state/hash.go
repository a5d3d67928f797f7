package state

import (
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// Hash returns a hash over the whole state. Two folds of one log have the same.
// It costs a walk over everything: for tests, tools and the comparison of copies.
func (s *State) Hash() uint64 {
	h := fnv.New64a()
	h.Write(s.image(nil))
	return h.Sum64()
}

// image writes the state in one form, whatever the order of its maps.
func (s *State) image(b []byte) []byte {
	b = record.Append(b, &s.server)
	for _, t := range s.topics {
		b = record.Append(b, &record.Topic{ID: t.ID, Config: t.Config})
		b = binary.AppendUvarint(b, uint64(t.Changed))
	}
	for _, q := range s.queues {
		b = q.image(b)
	}
	for _, g := range s.groups {
		b = record.Append(b, &record.Group{ID: g.ID, Config: g.Config})
		b = binary.AppendUvarint(b, uint64(g.Changed))
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.cursors), compareCursors) {
		c := s.cursors[id]
		b = binary.AppendUvarint(b, uint64(id.Group))
		b = binary.AppendUvarint(b, uint64(id.Queue.Topic))
		b = binary.AppendUvarint(b, uint64(id.Queue.Num))
		b = binary.AppendUvarint(b, uint64(c.Floor()))
		b = append(b, byte(0))
		if c.PendingReset() {
			b[len(b)-1] = 1
		}
	}
	return b
}

func (q *Queue) image(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(q.Topic.ID))
	b = binary.AppendUvarint(b, uint64(q.Num))
	b = binary.AppendUvarint(b, uint64(q.Next))
	b = binary.AppendUvarint(b, uint64(q.Min))
	b = binary.AppendUvarint(b, uint64(len(q.gaps)))
	for _, g := range q.gaps {
		b = binary.AppendUvarint(b, uint64(g.from))
		b = binary.AppendUvarint(b, uint64(g.to))
	}
	return b
}

func compareCursors(a, b model.CursorID) int {
	if a.Group != b.Group {
		return int(int64(a.Group) - int64(b.Group))
	}
	if a.Queue.Topic != b.Queue.Topic {
		return int(int64(a.Queue.Topic) - int64(b.Queue.Topic))
	}
	return int(a.Queue.Num - b.Queue.Num)
}
