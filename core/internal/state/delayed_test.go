package state

import (
	"testing"

	"github.com/gantrymq/gantry/core/internal/delay"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
	"pgregory.net/rapid"
)

// delayed returns a delayed message whose record will end at an LSN.
func delayed(q *Queue, deliverAt int64, end model.LSN) *record.Data {
	d := message(q)
	d.DeliverAt = deliverAt
	d.Wire.Place(q.Num, 0, int64(end)-int64(record.Size(d)), 0)
	return d
}

// delay does something to the messages that wait.
func (l *life) delay(t *rapid.T) {
	which := delay.Key{DeliverAt: rapid.Int64Range(1, 50).Draw(t, "from")}
	var m *delay.Message
	l.delayed.Each(which, func(found *delay.Message) bool { m = found; return false })
	if m != nil && m.DeliverAt() == model.Prepared {
		m = nil
	}
	op := rapid.IntRange(0, 5).Draw(t, "delay op")
	if m == nil || op < 3 {
		if q := l.anyQueue(t); q != nil {
			l.apply(t, delayed(q, rapid.Int64Range(1, 50).Draw(t, "deliver at"), l.end+1000))
		}
		return
	}
	q := l.TopicByID(m.Topic).Queues[m.Queue()]
	switch op {
	case 3:
		l.apply(t, &record.Publish{
			Topic: m.Topic, Queue: m.Queue(), TagHash: m.Tag, Offset: q.Next, StoreTime: m.DeliverAt() + 7, DeliverAt: m.DeliverAt(),
			ID: m.ID(), At: m.At(), Size: m.Size(),
		})
	case 4:
		l.apply(t, &record.Timer{DeliverAt: m.DeliverAt(), ID: m.ID()})
	case 5:
		d := message(q)
		d.DeliverAt = m.DeliverAt()
		d.Wire.Place(q.Num, 0, int64(m.ID()), 0)
		l.apply(t, &record.Relocate{Data: *d})
	}
}

func TestDelayedMessagesOfASegmentAreCounted(t *testing.T) {
	s := New(0)
	end := model.LSN(0)
	apply := func(e record.Entry) model.LSN {
		t.Helper()
		end += 1000
		if err := s.Apply(e, end); err != nil {
			t.Fatal(err)
		}
		return end - model.LSN(record.Size(e))
	}
	apply(&record.Roll{})
	apply(&record.Topic{ID: 1, Config: model.TopicConfig{Name: "t", ReadQueues: 1, WriteQueues: 1}})
	q := s.Topic("t").Queues[0]
	first := apply(delayed(q, 5, end+1000))
	second := apply(delayed(q, 6, end+1000))
	apply(&record.Roll{})
	boundary := end - 500
	check := func(before, behind int) {
		t.Helper()
		a, aBytes := s.DelayedIn(1, boundary)
		b, bBytes := s.DelayedIn(boundary, end+1)
		if a != before || b != behind || (aBytes > 0) != (a > 0) || (bBytes > 0) != (b > 0) {
			t.Fatalf("%d and %d messages wait, want %d and %d", a, b, before, behind)
		}
	}
	check(2, 0)
	copied := delayed(q, 6, 0)
	copied.Wire.Place(0, 0, int64(second), 0)
	moved := apply(&record.Relocate{Data: *copied})
	check(1, 1)
	published := apply(&record.Publish{Topic: 1, Offset: 0, StoreTime: 6, DeliverAt: 5, ID: first, At: first, Size: s.delayed.First().Size()})
	check(0, 1)
	if got := s.LastPublish(1, boundary); got != published {
		t.Fatalf("the last to publish from the first segment is at %d, want %d", got, published)
	}
	if got := s.LastPublish(boundary, end); got != 0 {
		t.Fatalf("nothing was published from the second segment, and yet at %d", got)
	}
	if m := s.delayed.First(); m.At() != moved || m.ID() != second {
		t.Fatalf("the message %d lies at %d, want %d", m.ID(), m.At(), moved)
	}
	apply(&record.TopicEnd{ID: 1})
	check(0, 0)
}

func TestApplyRefusesWhatDoesNotWait(t *testing.T) {
	s := New(0)
	s.Apply(&record.Topic{ID: 1, Config: model.TopicConfig{Name: "t", ReadQueues: 1, WriteQueues: 1}}, 1000)
	if err := s.Apply(delayed(s.Topic("t").Queues[0], 5, 2000), 2000); err != nil {
		t.Fatal(err)
	}
	m := *s.delayed.First()
	publish := record.Publish{Topic: 1, StoreTime: 6, DeliverAt: 5, ID: m.ID(), At: m.At(), Size: m.Size()}
	for name, e := range map[string]record.Entry{
		"another time":     &record.Timer{DeliverAt: 6, ID: m.ID()},
		"another message":  &record.Timer{DeliverAt: 5, ID: m.ID() + 1},
		"another place":    func() *record.Publish { p := publish; p.At++; return &p }(),
		"another offset":   func() *record.Publish { p := publish; p.Offset++; return &p }(),
		"an unknown topic": func() *record.Publish { p := publish; p.Topic++; return &p }(),
	} {
		before := s.Hash()
		if err := s.Apply(e, 3000); err == nil || s.Hash() != before {
			t.Errorf("%s: %v, and the state has changed: %v", name, err, s.Hash() != before)
		}
	}
	if err := s.Apply(&publish, 3000); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(&publish, 4000); err == nil {
		t.Fatal("a message was published twice")
	}
}
