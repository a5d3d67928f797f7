package txn

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/gantrymq/gantry/core/internal/model"
	"pgregory.net/rapid"
)

func TestOpenIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Open{}); n != 24 {
		t.Fatalf("a transaction takes %d bytes beside its message's 40: at most 64 together are allowed", n)
	}
}

// TestSetIsASortedList compares the set with a list that is sorted.
func TestSetIsASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Set
		var list []model.LSN
		rising := rapid.Bool().Draw(t, "rising")
		for i := range rapid.IntRange(1, 3000).Draw(t, "steps") {
			id := model.LSN(i + 1)
			if !rising {
				id = model.LSN(rapid.Int64Range(1, 1000).Draw(t, "id"))
			}
			n, there := slices.BinarySearch(list, id)
			if rapid.IntRange(0, 9).Draw(t, "op") < 6 {
				if s.Add(Open{ID: id, Checks: uint8(id)}) == there {
					t.Fatalf("added %d: %v", id, !there)
				}
				if !there {
					list = slices.Insert(list, n, id)
				}
				continue
			}
			if len(list) > 0 && rapid.Bool().Draw(t, "one that is there") {
				n = rapid.IntRange(0, len(list)-1).Draw(t, "which")
				id, there = list[n], true
			}
			if got := s.Get(id); (got != nil) != there || there && got.Checks != uint8(id) {
				t.Fatalf("%d is there: %v, found %v", id, there, got)
			}
			s.Remove(id)
			if there {
				list = slices.Delete(list, n, n+1)
			}
		}
		from := model.LSN(rapid.Int64Range(0, 3000).Draw(t, "from"))
		want, _ := slices.BinarySearch(list, from)
		got := []model.LSN{}
		s.Each(from, func(o *Open) bool { got = append(got, o.ID); return true })
		if !slices.Equal(got, list[want:]) || s.Len() != len(list) {
			t.Fatalf("%d transactions from %d on, want %d; %d in all, want %d", len(got), from, len(list)-want, s.Len(), len(list))
		}
	})
}

func TestSetGivesRoomBack(t *testing.T) {
	var s Set
	const n = 100_000
	for i := range model.LSN(n) {
		s.Add(Open{ID: i})
	}
	for i := range model.LSN(n) {
		if i%1000 != 0 {
			s.Remove(i)
		}
	}
	if len(s.pages) > 4 {
		t.Fatalf("%d pages for %d transactions", len(s.pages), s.n)
	}
}

func TestEndedForgetsTheOldest(t *testing.T) {
	var e Ended
	for i := range model.LSN(MaxEnded + 3) {
		e.Add(End{ID: i + 1, How: model.Commit})
	}
	for id, known := range map[model.LSN]bool{1: false, 3: false, 4: true, MaxEnded: true, MaxEnded + 3: true, MaxEnded + 4: false} {
		if _, ok := e.Get(id); ok != known {
			t.Errorf("the end of %d is known: %v", id, ok)
		}
	}
	first, n := model.LSN(0), 0
	e.Each(func(end *End) {
		if n++; n == 1 {
			first = end.ID
		}
	})
	if e.Forgotten != 3 || first != 4 || n != MaxEnded {
		t.Errorf("forgotten up to %d, first of %d is %d", e.Forgotten, n, first)
	}
}
