package state

import (
	"fmt"
	"slices"
	"sort"

	"github.com/gantrymq/gantry/core/internal/delay"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// mark is what is known of the messages stored between the beginning of one
// segment and the next: how many of them wait, and which record was the last to
// publish one of them. A log from before there were marks has all of its own
// under the first one, at 0.
type mark struct {
	at      model.LSN // of the segment's first record
	last    model.LSN // of the newest Publish; 0 if there is none
	pending int
	bytes   int64 // of their records
}

// Delayed returns the messages that wait: for their time or, behind those
// (model.Prepared), for the end of their transaction. The set is the state's.
func (s *State) Delayed() *delay.Set { return &s.delayed }

// DelayedIn returns how many messages wait of those that lie in the segment from
// one LSN to another, and their bytes. It may count some of the segments before.
func (s *State) DelayedIn(from, to model.LSN) (n int, bytes int64) {
	s.eachMark(from, to, func(m *mark) { n, bytes = n+m.pending, bytes+m.bytes })
	return n, bytes
}

// LastPublish returns the LSN of the newest record that published a message lying
// in the segment from one LSN to another, or in one before; 0 if there is none.
func (s *State) LastPublish(from, to model.LSN) (last model.LSN) {
	s.eachMark(from, to, func(m *mark) { last = max(last, m.last) })
	return last
}

// eachMark passes the marks of the segment from one LSN to another to fn, and the
// one at 0 if it covers it.
func (s *State) eachMark(from, to model.LSN, fn func(*mark)) {
	for i := range s.marks {
		m := &s.marks[i]
		covers := m.at == 0 && (i+1 == len(s.marks) || s.marks[i+1].at > from)
		if covers || from <= m.at && m.at < to {
			fn(m)
		}
	}
}

// markOf returns the mark of a message that lies at an LSN.
func (s *State) markOf(at model.LSN) *mark {
	i := sort.Search(len(s.marks), func(i int) bool { return s.marks[i].at > at })
	return &s.marks[max(i-1, 0)]
}

// addMark notes that a segment's first record lies at an LSN.
func (s *State) addMark(at model.LSN) {
	if at > s.marks[len(s.marks)-1].at {
		s.marks = append(s.marks, mark{at: at})
	}
}

// dropMarks forgets the segments before where the log begins.
func (s *State) dropMarks() {
	n := 0
	for n+1 < len(s.marks) && s.marks[n+1].at <= s.logStart && s.marks[n].pending == 0 {
		n++
	}
	s.marks = slices.Delete(s.marks, 0, n)
}

func (s *State) applyDelayed(r *record.Data, at model.LSN, size int) error {
	q := s.Queue(model.Queue{Shard: s.shard, Topic: r.Topic, Num: r.Queue})
	if q == nil {
		return fmt.Errorf("delayed message for unknown queue %d of topic id %d", r.Queue, r.Topic)
	}
	if r.DeliverAt > delay.MaxDeliverAt && r.DeliverAt != model.Prepared {
		return fmt.Errorf("message delayed until %d", r.DeliverAt)
	}
	m := delay.New(delay.Place{DeliverAt: r.DeliverAt, Queue: r.Queue, ID: at, At: at, Size: size})
	m.Topic, m.Group, m.Tag = r.Topic, r.GroupHash, r.TagHash
	m.Key = delay.KeyHash(record.Property(r.Wire.Properties(), record.PropUniqueKey))
	if model.Address(r.Wire.PhysicalOffset()).LSN() != at || !s.delayed.Add(m) {
		return fmt.Errorf("delayed message with the address %d", r.Wire.PhysicalOffset())
	}
	if r.DeliverAt == model.Prepared && !s.open.Add(prepared(r, at)) {
		return fmt.Errorf("transaction %d twice", at)
	}
	s.lies(&m)
	return nil
}

// lies notes where a message waits, left that it waits there no more.
func (s *State) lies(m *delay.Message) {
	s.newest = max(s.newest, m.At())
	k := s.markOf(m.At())
	k.pending, k.bytes = k.pending+1, k.bytes+int64(m.Size())
}

func (s *State) left(m *delay.Message) {
	k := s.markOf(m.At())
	k.pending, k.bytes = k.pending-1, k.bytes-int64(m.Size())
}

// waiting returns a message that must wait.
func (s *State) waiting(deliverAt int64, id model.LSN) (*delay.Message, error) {
	m := s.delayed.Get(delay.Key{DeliverAt: deliverAt, ID: id})
	if m == nil {
		return nil, fmt.Errorf("message %d does not wait until %d", id, deliverAt)
	}
	return m, nil
}

func (s *State) applyRelocate(r *record.Relocate, at model.LSN, size int) error {
	m, err := s.waiting(r.DeliverAt, model.Address(r.Wire.PhysicalOffset()).LSN())
	if err != nil {
		return err
	}
	s.saveDelayed(m)
	s.left(m)
	m.Move(at, size)
	s.lies(m)
	return nil
}

func (s *State) applyPublish(r *record.Publish, at model.LSN) error {
	m, err := s.waiting(r.DeliverAt, r.ID)
	if err != nil {
		return err
	}
	q := s.Queue(model.Queue{Shard: s.shard, Topic: r.Topic, Num: r.Queue})
	if q == nil || m.Topic != r.Topic || m.Queue() != r.Queue || m.At() != r.At || m.Size() != r.Size {
		return fmt.Errorf("message %d is not published as it was stored", r.ID)
	}
	if r.Offset != q.Next {
		return fmt.Errorf("message %d is published at offset %d of queue %s/%d, where %d is next", r.ID, r.Offset, q.Topic.Config.Name, q.Num, q.Next)
	}
	if r.DeliverAt == model.Prepared {
		s.endTransaction(m, model.Commit)
	} else {
		s.endDelay(m)
	}
	s.markOf(r.At).last = at
	s.saveQueue(q)
	q.Next++
	return nil
}

func (s *State) applyTimer(r *record.Timer) error {
	m, err := s.waiting(r.DeliverAt, r.ID)
	switch {
	case err != nil:
		return err
	case r.DeliverAt == model.Prepared:
		return fmt.Errorf("transaction %d is taken back as if it were delayed", r.ID)
	}
	s.endDelay(m)
	return nil
}

// endDelay takes a message out of those that wait.
func (s *State) endDelay(m *delay.Message) {
	s.saveDelayed(m)
	s.left(m)
	if m.DeliverAt() == model.Prepared {
		s.open.Remove(m.ID())
	}
	s.delayed.Remove(m.Order())
}

// dropDelayed forgets what waits for a topic that is deleted.
func (s *State) dropDelayed(topic model.TopicID) {
	var gone []delay.Key
	s.delayed.Each(delay.Key{}, func(m *delay.Message) bool {
		if m.Topic == topic {
			gone = append(gone, m.Order())
		}
		return true
	})
	for _, k := range gone {
		s.endDelay(s.delayed.Get(k))
	}
}
