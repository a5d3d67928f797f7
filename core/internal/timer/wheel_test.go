package timer

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestWheelAgainstSortedList: whatever is added, cancelled and advanced, timers
// fire once, in order, never early and in the very Advance that reaches them.
func TestWheelAgainstSortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := rapid.Int64Range(0, 1<<41).Draw(t, "start")
		w := New(now)
		type pending struct {
			deadline int64
			ref      uint64
			id       ID
		}
		var model []pending
		ref := uint64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0, 1:
				span := int64(1) << rapid.IntRange(0, 36).Draw(t, "span")
				deadline := now + rapid.Int64Range(-2, span).Draw(t, "in")
				ref++
				model = append(model, pending{deadline, ref, w.Add(deadline, ref)})
			case 2:
				if len(model) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(model)-1).Draw(t, "victim")
				w.Cancel(model[i].id)
				model = slices.Delete(model, i, i+1)
			case 3:
				if at, ok := w.Next(); ok != (len(model) > 0) {
					t.Fatalf("Next ok = %v with %d pending", ok, len(model))
				} else if ok {
					for _, p := range model {
						if at > max(p.deadline, now+1) {
							t.Fatalf("Next %d is after deadline %d", at, p.deadline)
						}
					}
				}
				now += rapid.Int64Range(1, int64(1)<<rapid.IntRange(0, 36).Draw(t, "by")).Draw(t, "ms")
				last := int64(0)
				w.Advance(now, func(ref uint64) {
					i := slices.IndexFunc(model, func(p pending) bool { return p.ref == ref })
					if i < 0 {
						t.Fatalf("timer %d fired, which is not pending", ref)
					}
					d := model[i].deadline
					if d > now {
						t.Fatalf("deadline %d fired at %d", d, now)
					}
					if w.now < last {
						t.Fatalf("fired out of order")
					}
					last = w.now
					if w.now < d {
						t.Fatalf("deadline %d fired in tick %d", d, w.now)
					}
					model = slices.Delete(model, i, i+1)
				})
				for _, p := range model {
					if p.deadline <= now {
						t.Fatalf("deadline %d has not fired by %d", p.deadline, now)
					}
				}
			}
			if w.Len() != len(model) {
				t.Fatalf("%d pending, want %d", w.Len(), len(model))
			}
		}
	})
}

func TestFireMayCancelOthersOfItsSlot(t *testing.T) {
	w := New(0)
	var ids []ID
	for ref := range uint64(3) {
		ids = append(ids, w.Add(5, ref))
	}
	var fired []uint64
	w.Advance(10, func(ref uint64) {
		fired = append(fired, ref)
		if ref == 0 {
			w.Cancel(ids[1])
			w.Add(5, 9) // already due: the next ms
		}
	})
	if !slices.Equal(fired, []uint64{0, 2, 9}) {
		t.Fatalf("fired %v", fired)
	}
}

// TestLastMillisecondOfASlot: a timer that is due at the very end of its slot
// leaves it all the same.
func TestLastMillisecondOfASlot(t *testing.T) {
	for _, deadline := range []int64{511, 767, 1<<16 - 1, 1<<17 - 1, 1<<24 + 1<<16 - 1, 1<<25 - 1, 1<<32 + 1<<24 - 1, 1<<33 - 1} {
		w := New(0)
		w.Add(deadline, 1)
		fired := int64(0)
		w.Advance(deadline+1000, func(uint64) { fired = w.now })
		if fired != deadline {
			t.Errorf("deadline %d fired at %d", deadline, fired)
		}
	}
}

func BenchmarkAddCancel(b *testing.B) {
	w := New(0)
	for b.Loop() {
		w.Cancel(w.Add(20_000, 1))
	}
}
