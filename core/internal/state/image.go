package state

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// An image is the state in bytes: entries, each   tag u8 | length uvarint | content.
// A snapshot has them in the order in which they were saved, the hash in one
// fixed order.
const (
	tagServer byte = 1 + iota
	tagTopic
	tagQueue
	tagGroup
	tagCursor
	tagGrave
	tagLock
	tagSetting

	tagDelayed byte = 16
	tagMarks   byte = 17
	tagEnded   byte = 18
)

// Hash returns a hash over the whole state. Two folds of one log have the same.
// It costs a walk over everything: for tests, tools and the comparison of copies.
func (s *State) Hash() uint64 {
	h := fnv.New64a()
	h.Write(s.image(nil))
	return h.Sum64()
}

// image appends the state in the fixed order.
func (s *State) image(b []byte) []byte {
	b = s.appendServer(b)
	for _, t := range s.topics {
		if t != nil {
			b = appendTopic(b, t)
		}
	}
	for _, t := range s.topics {
		if t != nil {
			for _, q := range t.Queues {
				b = appendQueue(b, q)
			}
		}
	}
	for _, g := range s.groups {
		if g != nil {
			b = appendGroup(b, g)
		}
	}
	for _, c := range slices.SortedFunc(maps.Values(s.cursors), compareCursors) {
		b = appendCursor(b, c)
	}
	b = s.appendSettings(b)
	for _, l := range slices.SortedFunc(maps.Values(s.locks), compareLocks) {
		b = appendLock(b, l)
	}
	for _, name := range slices.Sorted(maps.Keys(s.graves)) {
		b = appendGrave(b, name, s.graves[name])
	}
	return s.allDelayed(s.appendEnded(s.appendMarks(b)))
}

// appendEntry frames the content that add appends.
func appendEntry(b []byte, tag byte, add func([]byte) []byte) []byte {
	const lengthRoom = 3 // a uvarint of up to 2 MiB, padded: the content is written in place
	start := len(b) + 1 + lengthRoom
	b = add(append(b, tag, 0, 0, 0))
	n := len(b) - start
	if n < 1<<(7*lengthRoom) {
		b[start-3], b[start-2], b[start-1] = byte(n)|0x80, byte(n>>7)|0x80, byte(n>>14)
		return b
	}
	content := slices.Clone(b[start:])
	b = binary.AppendUvarint(b[:start-lengthRoom], uint64(n))
	return append(b, content...)
}

func (s *State) appendServer(b []byte) []byte {
	return appendEntry(b, tagServer, func(b []byte) []byte {
		b = record.Append(b, &s.server)
		b = binary.AppendUvarint(b, uint64(s.logStart))
		b = binary.AppendUvarint(b, uint64(len(s.topics)))
		b = binary.AppendUvarint(b, uint64(len(s.groups)))
		b = binary.AppendUvarint(b, uint64(s.popTime))
		return binary.AppendUvarint(b, uint64(s.popAhead))
	})
}

func appendTopic(b []byte, t *Topic) []byte {
	return appendEntry(b, tagTopic, func(b []byte) []byte {
		b = binary.AppendUvarint(b, uint64(t.Changed))
		b = binary.AppendUvarint(b, uint64(len(t.Queues)))
		return record.Append(b, &record.Topic{ID: t.ID, Config: t.Config})
	})
}

func appendQueue(b []byte, q *Queue) []byte {
	return appendEntry(b, tagQueue, func(b []byte) []byte {
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
	})
}

func appendGroup(b []byte, g *Group) []byte {
	return appendEntry(b, tagGroup, func(b []byte) []byte {
		b = binary.AppendUvarint(b, uint64(g.Changed))
		return record.Append(b, &record.Group{ID: g.ID, Config: g.Config})
	})
}

func appendCursor(b []byte, c *cursorEntry) []byte {
	return appendEntry(b, tagCursor, func(b []byte) []byte {
		b = binary.AppendUvarint(b, uint64(c.id.Group))
		b = binary.AppendUvarint(b, uint64(c.id.Queue.Topic))
		b = binary.AppendUvarint(b, uint64(c.id.Queue.Num))
		return c.cursor.AppendImage(b)
	})
}

func appendGrave(b []byte, name string, next []model.Offset) []byte {
	return appendEntry(b, tagGrave, func(b []byte) []byte {
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		for _, offset := range next {
			b = binary.AppendUvarint(b, uint64(offset))
		}
		return b
	})
}

func compareCursors(x, y *cursorEntry) int { return compareIDs(x.id, y.id) }

func compareIDs(x, y model.CursorID) int {
	a, b := keyOf(x), keyOf(y)
	return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.topic, b.topic), cmp.Compare(a.queue, b.queue))
}
