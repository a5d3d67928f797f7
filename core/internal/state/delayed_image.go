package state

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/gantrymq/gantry/core/internal/delay"
	"github.com/gantrymq/gantry/core/internal/model"
)

func (s *State) appendDelayed(b []byte, m *delay.Message) []byte {
	return appendEntry(b, tagDelayed, func(b []byte) []byte {
		b = binary.AppendUvarint(b, uint64(m.DeliverAt()))
		b = binary.AppendUvarint(b, uint64(m.ID()))
		b = binary.AppendUvarint(b, uint64(m.At()-m.ID()))
		b = binary.AppendUvarint(b, uint64(m.Size()))
		b = binary.AppendUvarint(b, uint64(m.Topic))
		b = binary.AppendUvarint(b, uint64(m.Queue()))
		b = binary.AppendUvarint(b, uint64(m.Group))
		b = binary.AppendUvarint(b, uint64(uint32(m.Tag)))
		b = binary.AppendUvarint(b, uint64(m.Key))
		if m.DeliverAt() == model.Prepared {
			b = s.appendOpen(b, m.ID())
		}
		return b
	})
}

// appendMarks appends the marks but for how many messages wait: they are counted.
func (s *State) appendMarks(b []byte) []byte {
	return appendEntry(b, tagMarks, func(b []byte) []byte {
		for i := range s.marks {
			b = binary.AppendUvarint(b, uint64(s.marks[i].at))
			b = binary.AppendUvarint(b, uint64(s.marks[i].last))
		}
		return b
	})
}

func (s *State) allDelayed(b []byte) []byte {
	s.delayed.Each(delay.Key{}, func(m *delay.Message) bool {
		b = s.appendDelayed(b, m)
		return true
	})
	return b
}

// delaying is the part of a snapshot that takes the delayed messages, in their
// order. What was stored before the snapshot's LSN and has changed since lies
// behind it, or is gone: it was saved then.
type delaying struct {
	end   model.LSN // no message that there was when the snapshot began lies at it or behind
	after delay.Key // all below it are saved, and these, which have changed in their place:
	kept  map[model.LSN]bool
}

// slice saves up to limit messages. It reports how many.
func (d *delaying) slice(n *Snapshot, limit int) (saved int) {
	n.state.delayed.Each(d.after, func(m *delay.Message) bool {
		if saved == limit {
			return false
		}
		d.after = delay.Key{DeliverAt: m.DeliverAt(), ID: m.ID() + 1}
		if m.ID() < d.end && m.At() < d.end && !d.kept[m.ID()] {
			b := n.image.last()
			*b = n.state.appendDelayed(*b, m)
		}
		saved++
		return true
	})
	return saved
}

// saveKept saves a message of which only the transaction is about to change: the
// snapshot will come by it.
func (s *State) saveKept(m *delay.Message) {
	s.saveDelayed(m)
	if n := s.snapshot; n != nil {
		if n.kept == nil {
			n.kept = make(map[model.LSN]bool)
		}
		n.kept[m.ID()] = true
	}
}

// saveDelayed saves a message that is about to change.
func (s *State) saveDelayed(m *delay.Message) {
	n := s.snapshot
	if n == nil || n.kept[m.ID()] || m.ID() >= n.delaying.end || m.At() >= n.delaying.end || m.Order().Compare(n.delaying.after) < 0 {
		return
	}
	b := n.image.last()
	*b = s.appendDelayed(*b, m)
}

func (l *loader) delayed(content []byte) error {
	f := fields{b: content}
	p := delay.Place{DeliverAt: int64(f.next(uint64(model.Prepared))), ID: model.LSN(f.next(1<<53 - 1))}
	p.At = p.ID + model.LSN(f.next(uint64(1<<53-1-p.ID)))
	p.Size = int(f.next(1<<26 - 1))
	topic := model.TopicID(f.next(math.MaxUint32))
	p.Queue = int32(f.next(model.MaxQueues - 1))
	m := delay.New(p)
	m.Topic, m.Group, m.Tag, m.Key = topic, uint32(f.next(math.MaxUint32)), int32(uint32(f.next(math.MaxUint32))), uint32(f.next(math.MaxUint32))
	if p.DeliverAt == model.Prepared && !l.open(&f, p.ID) {
		return fmt.Errorf("%w: transaction %d twice", errImage, p.ID)
	}
	if err := f.end(); err != nil {
		return err
	}
	s := l.state
	if s.Queue(model.Queue{Shard: s.shard, Topic: topic, Num: p.Queue}) == nil || !s.delayed.Add(m) {
		return fmt.Errorf("%w: delayed message %d twice or for no queue", errImage, p.ID)
	}
	s.lies(&m)
	return nil
}

func (l *loader) marks(content []byte) error {
	f := fields{b: content}
	s := l.state
	s.marks = nil
	for len(f.b) > 0 && !f.bad {
		m := mark{at: model.LSN(f.next(math.MaxInt64)), last: model.LSN(f.next(math.MaxInt64))}
		if k := len(s.marks); k > 0 && s.marks[k-1].at >= m.at {
			return errImage
		}
		s.marks = append(s.marks, m)
	}
	if len(s.marks) == 0 {
		return errImage
	}
	return f.end()
}
