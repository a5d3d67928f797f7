package index

import (
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"pgregory.net/rapid"
)

// TestIndexAgainstSlices: whatever is appended, over segments and gaps, is found
// by offset and by time as in a plain slice.
func TestIndexAgainstSlices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := New()
		const queues = 3
		var naive [queues][]Place
		var next [queues]model.Offset
		lsn, now, base := model.LSN(0), int64(1_000_000), model.LSN(0)
		x.Roll(0, now)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "op") {
			case 0:
				base = lsn
				x.Roll(base, now)
			case 1: // offsets jump, as at a gap: always with a new segment
				base = lsn
				x.Roll(base, now)
				for q := range next {
					next[q] += 100
				}
			default:
				q := rapid.IntRange(0, queues-1).Draw(t, "queue")
				for range rapid.SampledFrom([]int{1, 3, 1500}).Draw(t, "n") {
					now += rapid.Int64Range(0, 2).Draw(t, "ms")
					p := Place{Offset: next[q], LSN: lsn, Segment: base, Size: 100, Tag: int32(next[q]), Time: now}
					if err := x.Add(uint32(q), p.Offset, p.LSN, p.Size, p.Tag, p.Time); err != nil {
						t.Fatal(err)
					}
					naive[q] = append(naive[q], p)
					next[q]++
					lsn += 100
				}
			}
		}
		for q := range naive {
			checkQueue(t, x, uint32(q), naive[q])
		}
	})
}

func checkQueue(t *rapid.T, x *Index, slot uint32, want []Place) {
	i := 0
	x.Scan(slot, 0, 1<<62, func(p Place) bool {
		if i >= len(want) || p != want[i] {
			t.Fatalf("scan: entry %d is %+v", i, p)
		}
		i++
		return true
	})
	if i != len(want) {
		t.Fatalf("scan found %d of %d", i, len(want))
	}
	if len(want) == 0 {
		return
	}
	p := want[rapid.IntRange(0, len(want)-1).Draw(t, "probe")]
	if got, ok := x.Find(slot, p.Offset); !ok || got != p {
		t.Fatalf("Find(%d) = %+v, %v", p.Offset, got, ok)
	}
	for _, at := range []int64{p.Time - 1, p.Time, p.Time + 1} {
		got, ok := x.FindTime(slot, at)
		j := 0
		for j < len(want) && want[j].Time < at {
			j++
		}
		if ok != (j < len(want)) || ok && got != want[j] {
			t.Fatalf("FindTime(%d) = %+v, %v", at, got, ok)
		}
	}
}
