package state

import (
	"slices"
	"testing"

	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
	"pgregory.net/rapid"
)

// logged is a life whose records are kept, as bytes.
type logged struct {
	life
	ends []model.LSN
	log  [][]byte
	plan cursor.Plan
	now  int64
}

func (l *logged) add(t *rapid.T, e record.Entry) {
	l.apply(t, e)
	l.log, l.ends = append(l.log, record.Append(nil, e)), append(l.ends, l.end)
}

// begin makes a topic with messages, and two groups with a cursor each, one of them ordered.
func (l *logged) begin(t *rapid.T) {
	l.add(t, &record.Server{Cluster: "c", Broker: "b"})
	l.add(t, &record.Topic{ID: 1, Config: model.TopicConfig{Name: "t", ReadQueues: 2, WriteQueues: 2}})
	l.add(t, &record.Group{ID: 1, Config: model.GroupConfig{Name: "plain"}})
	l.add(t, &record.Group{ID: 2, Config: model.GroupConfig{Name: "ordered"}})
	for _, id := range cursorIDs {
		l.add(t, &record.Offset{Group: id.Group, Topic: 1, Queue: id.Queue.Num})
	}
}

var cursorIDs = []model.CursorID{
	{Group: 1, Queue: model.Queue{Topic: 1}},
	{Group: 1, Queue: model.Queue{Topic: 1, Num: 1}},
	{Group: 2, Queue: model.Queue{Topic: 1}},
	{Group: 2, Queue: model.Queue{Topic: 1, Num: 1}},
}

func (l *logged) turn(t *rapid.T) {
	l.now += rapid.Int64Range(0, 20).Draw(t, "passes")
	id := rapid.SampledFrom(cursorIDs).Draw(t, "cursor")
	c := l.Cursor(id)
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0, 1, 2:
		l.add(t, message(l.Queue(id.Queue)))
	case 3, 4, 5:
		l.receive(t, id, c)
	case 6:
		if rapid.IntRange(0, 9).Draw(t, "how") == 0 {
			op := record.OffsetOp(rapid.IntRange(0, 1).Draw(t, "op"))
			to := rapid.Int64Range(0, int64(c.ReadOffset())).Draw(t, "to")
			l.add(t, &record.Offset{Group: id.Group, Topic: 1, Queue: id.Queue.Num, Op: op, Offset: model.Offset(to)})
		}
	default:
		l.settle(t, id, c)
	}
}

func (l *logged) receive(t *rapid.T, id model.CursorID, c *cursor.Cursor) {
	p := &l.plan
	p.Begin(c, cursor.Rules{Now: l.now, Max: rapid.IntRange(1, 4).Draw(t, "max"), FIFO: id.Group == 2})
	for look, ok := p.Next(); ok; look, ok = p.Next() {
		end, more := min(look.To, l.Queue(id.Queue).Next), true
		for o := look.From; o < end && more; o++ {
			if key := uint32(o%3) + 1; !look.OneKey || key == look.Key {
				more = p.Offer(o, key, o%7 != 0)
			}
		}
		if more {
			p.Passed(end)
		}
	}
	if p.Rest(); !p.Empty() {
		pop := record.Pop{Group: id.Group, Topic: 1, Queue: id.Queue.Num}
		l.now++
		p.Record(&pop, l.now, 10, rapid.Uint64Range(0, 2).Draw(t, "attempt"))
		l.add(t, &pop)
	}
}

func (l *logged) settle(t *rapid.T, id model.CursorID, c *cursor.Cursor) {
	var all []model.Offset
	c.Each(func(o model.Offset, s cursor.Slot) bool {
		if !s.Acked {
			all = append(all, o)
		}
		return true
	})
	if len(all) == 0 {
		return
	}
	l.now++
	op := record.AckOp(rapid.IntRange(0, 2).Draw(t, "op"))
	ack := record.Ack{Group: id.Group, Topic: 1, Queue: id.Queue.Num, Op: op, Offsets: []model.Offset{rapid.SampledFrom(all).Draw(t, "offset")}}
	if op == record.AckChange {
		ack.PopTime, ack.Invisible = l.now, rapid.Int64Range(0, 30).Draw(t, "after")
	}
	l.add(t, &ack)
}

// replay folds records in from their bytes.
func replay(t *rapid.T, s *State, log [][]byte, ends []model.LSN) {
	var d record.Decoder
	for i, b := range log {
		e, _, err := d.Decode(b)
		if err == nil {
			err = s.Apply(e, ends[i])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLeasesAreAFold: from nothing, and from a snapshot on, the records lead to the
// same state; the snapshot is as it was when it was begun.
func TestLeasesAreAFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &logged{life: life{State: New(0)}, now: 1_764_000_000_000}
		l.begin(t)
		for range rapid.IntRange(0, 150).Draw(t, "before") {
			l.turn(t)
		}
		at, want := len(l.log), l.Hash()
		snapshot := l.BeginSnapshot()
		for !snapshot.Slice(rapid.IntRange(1, 3).Draw(t, "slice")) {
			for range rapid.IntRange(0, 5).Draw(t, "meanwhile") {
				l.turn(t)
			}
		}
		for range rapid.IntRange(0, 60).Draw(t, "after") {
			l.turn(t)
		}
		loaded, err := Load(0, Join(snapshot.Image()))
		if err != nil {
			t.Fatal(err)
		}
		if got := loaded.Hash(); got != want {
			t.Fatal("the snapshot is of another state")
		}
		replay(t, loaded, l.log[at:], l.ends[at:])
		fresh := New(0)
		replay(t, fresh, l.log, l.ends)
		if a, b, c := l.Hash(), loaded.Hash(), fresh.Hash(); a != b || b != c {
			t.Fatalf("%x decided, %x from the snapshot on, %x from nothing", a, b, c)
		}
	})
}

func TestLeasesThatDoNotFollowAreErrors(t *testing.T) {
	s := New(0)
	for _, e := range []record.Entry{
		&record.Topic{ID: 1, Config: model.TopicConfig{Name: "t", ReadQueues: 2, WriteQueues: 2}},
		&record.Group{ID: 1, Config: model.GroupConfig{Name: "g"}},
		&record.Offset{Group: 1, Topic: 1},
	} {
		if err := s.Apply(e, 1); err != nil {
			t.Fatal(err)
		}
	}
	for name, e := range map[string]record.Entry{
		"unknown group":         &record.Pop{Group: 2, Topic: 1, PopTime: 1},
		"unknown topic":         &record.Pop{Group: 1, Topic: 2, PopTime: 1},
		"unknown queue":         &record.Ack{Group: 1, Topic: 1, Queue: 9, Offsets: []model.Offset{0}},
		"no cursor":             &record.Pop{Group: 1, Topic: 1, Queue: 1, PopTime: 1},
		"beyond the last one":   &record.Pop{Group: 1, Topic: 1, PopTime: 1, ReadTo: 1},
		"settled and not given": &record.Ack{Group: 1, Topic: 1, Offsets: []model.Offset{0}},
	} {
		if s.Apply(e, 2) == nil {
			t.Errorf("%s: it is folded in", name)
		}
	}
}

func TestEachCursorInTheOrderOfTheirMaking(t *testing.T) {
	s := New(0)
	s.Apply(&record.Topic{ID: 1, Config: model.TopicConfig{Name: "t", ReadQueues: 4, WriteQueues: 4}}, 1)
	s.Apply(&record.Group{ID: 1, Config: model.GroupConfig{Name: "g"}}, 1)
	for _, queue := range []int32{2, 0, 3} {
		s.Apply(&record.Offset{Group: 1, Topic: 1, Queue: queue}, 1)
	}
	var got []int32
	s.EachCursor(func(id model.CursorID, c *cursor.Cursor) { got = append(got, id.Queue.Num) })
	if !slices.Equal(got, []int32{2, 0, 3}) {
		t.Fatalf("%v", got)
	}
}
