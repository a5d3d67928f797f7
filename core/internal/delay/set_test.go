package delay

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/gantrymq/gantry/core/internal/model"
	"pgregory.net/rapid"
)

func TestMessageKeepsItsFields(t *testing.T) {
	if n := unsafe.Sizeof(Message{}); n != 40 {
		t.Fatalf("a message takes %d bytes", n)
	}
	if n := unsafe.Sizeof(chunk{}); n > 4096 {
		t.Fatalf("a chunk takes %d bytes", n)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := Place{
			DeliverAt: rapid.Int64Range(0, MaxDeliverAt).Draw(t, "deliver at"),
			Queue:     rapid.Int32Range(0, model.MaxQueues-1).Draw(t, "queue"),
			ID:        model.LSN(rapid.Int64Range(0, 1<<53-1).Draw(t, "id")),
			At:        model.LSN(rapid.Int64Range(0, 1<<53-1).Draw(t, "at")),
			Size:      rapid.IntRange(0, 1<<26-1).Draw(t, "size"),
		}
		m := New(p)
		if got := (Place{m.DeliverAt(), m.Queue(), m.ID(), m.At(), m.Size()}); got != p {
			t.Fatalf("%+v, want %+v", got, p)
		}
		p.At, p.Size = p.At/2, p.Size/3
		m.Move(p.At, p.Size)
		if got := (Place{m.DeliverAt(), m.Queue(), m.ID(), m.At(), m.Size()}); got != p {
			t.Fatalf("moved: %+v, want %+v", got, p)
		}
	})
}

func at(deliverAt, id int64) Message { return New(Place{DeliverAt: deliverAt, ID: model.LSN(id)}) }

// TestSetIsASortedList compares the set with a list that is sorted.
func TestSetIsASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Set
		var list []Key
		spread := rapid.SampledFrom([]int64{3, 1000, 1 << 40}).Draw(t, "spread")
		rising := rapid.Bool().Draw(t, "rising")
		for i := range rapid.IntRange(1, 3000).Draw(t, "steps") {
			switch op := rapid.IntRange(0, 9).Draw(t, "op"); {
			case op < 6:
				k := Key{rapid.Int64Range(1, spread).Draw(t, "at"), model.LSN(i)}
				if rising {
					k.DeliverAt = int64(i)
				}
				if !s.Add(at(k.DeliverAt, int64(k.ID))) {
					t.Fatal("not added")
				}
				n, _ := slices.BinarySearchFunc(list, k, Key.Compare)
				list = slices.Insert(list, n, k)
			case len(list) == 0:
			case op < 8:
				s.Remove(list[0])
				list = list[1:]
			default:
				n := rapid.IntRange(0, len(list)-1).Draw(t, "which")
				if s.Get(list[n]) == nil || s.Add(at(list[n].DeliverAt, int64(list[n].ID))) {
					t.Fatal("it is there, and is not found")
				}
				s.Remove(list[n])
				if s.Get(list[n]) != nil {
					t.Fatal("it is still there")
				}
				list = slices.Delete(list, n, n+1)
			}
			if s.Len() != len(list) || s.First() == nil != (len(list) == 0) || len(list) > 0 && s.First().Order() != list[0] {
				t.Fatalf("%d messages, want %d", s.Len(), len(list))
			}
		}
		from := Key{rapid.Int64Range(0, spread).Draw(t, "from"), 0}
		want, _ := slices.BinarySearchFunc(list, from, Key.Compare)
		got := []Key{}
		s.Each(from, func(m *Message) bool { got = append(got, m.Order()); return true })
		if !slices.Equal(got, list[want:]) {
			t.Fatalf("%d messages from %v on, want %d", len(got), from, len(list)-want)
		}
	})
}

// TestSetIsDense: what waits for random times takes little more than its 40 bytes.
func TestSetIsDense(t *testing.T) {
	var s Set
	random := rand.New(rand.NewPCG(1, 2))
	const n = 200_000
	for i := range n {
		s.Add(at(random.Int64N(1<<40), int64(i)))
	}
	perMessage := float64(len(s.rooms)) * float64(unsafe.Sizeof(chunk{})+unsafe.Sizeof(room{})) / n
	if perMessage > 54 {
		t.Fatalf("%.1f bytes a message", perMessage)
	}
	for s.n > 100 {
		s.Remove(s.First().Order())
	}
	if len(s.rooms) > 3 {
		t.Fatalf("%d rooms for %d messages", len(s.rooms), s.n)
	}
}

func BenchmarkAddAndRemoveOfAMillion(b *testing.B) {
	var s Set
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 1_000_000 {
		s.Add(at(random.Int64N(1<<40), int64(i)))
	}
	id := int64(1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		s.Remove(s.First().Order())
		s.Add(at(random.Int64N(1<<40), id))
		id++
	}
}
