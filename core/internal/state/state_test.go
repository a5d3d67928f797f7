package state

import (
	"fmt"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
	"pgregory.net/rapid"
)

// life applies random records that follow from the state.
type life struct {
	*State
	end model.LSN
}

func (l *life) apply(t *rapid.T, e record.Entry) {
	l.end += 1000
	if err := l.Apply(e, l.end); err != nil {
		t.Fatal(err)
	}
}

func (l *life) step(t *rapid.T) {
	switch rapid.IntRange(0, 14).Draw(t, "op") {
	case 14:
		key := rapid.SampledFrom([]string{"k1", "k2"}).Draw(t, "key")
		l.apply(t, &record.Setting{Key: key, Value: rapid.SampledFrom([]string{"", "x", "yy"}).Draw(t, "value")})
	case 12:
		q := l.anyQueue(t)
		if g := l.Group(fmt.Sprint("g", rapid.IntRange(0, 2).Draw(t, "group"))); q != nil && g != nil {
			owner := rapid.SampledFrom([]string{"", "one", "two"}).Draw(t, "owner")
			l.apply(t, &record.Lock{Group: g.ID, Topic: q.Topic.ID, Queue: q.Num, Owner: owner})
		}
	case 0:
		name := fmt.Sprint("t", rapid.IntRange(0, 3).Draw(t, "topic"))
		id := l.NextTopicID()
		if old := l.Topic(name); old != nil {
			id = old.ID
		}
		n := rapid.Int32Range(1, 5).Draw(t, "queues")
		l.apply(t, &record.Topic{ID: id, Config: model.TopicConfig{Name: name, ReadQueues: n, WriteQueues: n, Perm: 6}})
	case 1:
		if topic := l.anyTopic(t); topic != nil && rapid.Bool().Draw(t, "delete") {
			l.apply(t, &record.TopicEnd{ID: topic.ID})
		}
	case 2:
		name := fmt.Sprint("g", rapid.IntRange(0, 2).Draw(t, "group"))
		if l.Group(name) == nil {
			l.apply(t, &record.Group{ID: l.NextGroupID(), Config: model.GroupConfig{Name: name}})
		} else if rapid.Bool().Draw(t, "delete") {
			l.apply(t, &record.GroupEnd{ID: l.Group(name).ID})
		}
	case 3:
		q := l.anyQueue(t)
		g := l.Group(fmt.Sprint("g", rapid.IntRange(0, 2).Draw(t, "group")))
		if q != nil && g != nil {
			l.apply(t, &record.Offset{
				Group: g.ID, Topic: q.Topic.ID, Queue: q.Num, Offset: q.Next,
				Op: record.OffsetOp(rapid.IntRange(0, 1).Draw(t, "kind")),
			})
		}
	case 4:
		if rapid.IntRange(0, 4).Draw(t, "gap") == 0 {
			l.apply(t, &record.Gap{From: l.end, Offsets: 1000})
		}
	case 5:
		if q := l.anyQueue(t); q != nil {
			min := q.Min + model.Offset(rapid.Int64Range(0, int64(q.Next-q.Min)).Draw(t, "min"))
			l.apply(t, &record.Trim{Before: l.end, Queues: []record.TrimQueue{{Topic: q.Topic.ID, Queue: q.Num, Min: min}}})
		}
	case 6, 7:
		l.delay(t)
	case 8, 9:
		l.transact(t)
	default:
		if q := l.anyQueue(t); q != nil {
			l.apply(t, message(q))
		}
	}
}

func message(q *Queue) *record.Data {
	m := record.Message{Topic: q.Topic.Config.Name, Body: []byte("b")}
	w := record.Wire(m.Append(nil))
	w.Place(q.Num, int64(q.Next), 0, 0)
	return &record.Data{Topic: q.Topic.ID, Queue: q.Num, Wire: w}
}

func (l *life) anyTopic(t *rapid.T) *Topic {
	return l.Topic(fmt.Sprint("t", rapid.IntRange(0, 3).Draw(t, "which")))
}

func (l *life) anyQueue(t *rapid.T) *Queue {
	topic := l.anyTopic(t)
	if topic == nil {
		return nil
	}
	return topic.Queues[rapid.IntRange(0, len(topic.Queues)-1).Draw(t, "queue")]
}

// TestSnapshotIsTheStateAtItsBeginning: whatever changes while it is taken, and
// in whatever slices, the image loads as the state was when it began; and goes
// on as that one did.
func TestSnapshotIsTheStateAtItsBeginning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &life{State: New(0)}
		l.apply(t, &record.Server{Cluster: "c", Broker: "b"})
		for range rapid.IntRange(0, 60).Draw(t, "before") {
			l.step(t)
		}
		want := l.Hash()
		snapshot := l.BeginSnapshot()
		for !snapshot.Slice(rapid.IntRange(1, 5).Draw(t, "slice")) {
			for range rapid.IntRange(0, 4).Draw(t, "meanwhile") {
				l.step(t)
			}
		}
		image := Join(snapshot.Image())
		loaded, err := Load(0, image)
		if err != nil {
			t.Fatal(err)
		}
		if got := loaded.Hash(); got != want {
			t.Fatalf("the snapshot is of another state: %x, want %x", got, want)
		}
		if loaded.QueueCount() != loaded.Slots() {
			t.Fatalf("%d queues in %d slots", loaded.QueueCount(), loaded.Slots())
		}
	})
}

func TestDeletedTopicsQueuesGoOn(t *testing.T) {
	s := New(0)
	apply := func(e record.Entry) {
		t.Helper()
		if err := s.Apply(e, 1); err != nil {
			t.Fatal(err)
		}
	}
	config := model.TopicConfig{Name: "t", ReadQueues: 2, WriteQueues: 2}
	apply(&record.Topic{ID: 1, Config: config})
	for range 3 {
		apply(message(s.Topic("t").Queues[1]))
	}
	apply(&record.TopicEnd{ID: 1})
	if s.Topic("t") != nil || s.QueueCount() != 0 {
		t.Fatal("the topic is still there")
	}
	config.ReadQueues, config.WriteQueues = 1, 1
	apply(&record.Topic{ID: 2, Config: config}) // smaller, then grown: the second queue's offset is not forgotten
	config.ReadQueues = 2
	apply(&record.Topic{ID: 2, Config: config})
	if q := s.Topic("t").Queues[1]; q.Next != 3 || q.Min != 3 {
		t.Fatalf("the queue begins at %d with %d next", q.Min, q.Next)
	}
}

func FuzzLoad(f *testing.F) {
	s := New(0)
	s.Apply(&record.Server{Cluster: "c", Broker: "b"}, 1)
	s.Apply(&record.Topic{ID: 1, Config: model.TopicConfig{Name: "t", ReadQueues: 2, WriteQueues: 2}}, 2)
	s.Apply(&record.Group{ID: 1, Config: model.GroupConfig{Name: "g"}}, 3)
	s.Apply(&record.Offset{Group: 1, Topic: 1, Queue: 1}, 4)
	s.Apply(&record.Gap{Offsets: 5}, 5)
	s.Apply(&record.Offset{Group: 1, Topic: 1, Queue: 0}, 6)
	s.Apply(&record.Pop{Group: 1, Topic: 1, PopTime: 100, Invisible: 9, ReadTo: 4, Leased: []record.PopMessage{{Offset: 1}, {Offset: 3}}}, 7)
	s.Apply(&record.Roll{}, 1000)
	s.Apply(delayed(s.Topic("t").Queues[0], 7, 2000), 2000)
	f.Add(s.image(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if loaded, err := Load(0, b); err == nil {
			if again, err := Load(0, loaded.image(nil)); err != nil || again.Hash() != loaded.Hash() {
				t.Fatalf("the image of a loaded state does not load: %v", err)
			}
		}
	})
}
