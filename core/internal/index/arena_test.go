package index

import (
	"testing"

	"pgregory.net/rapid"
)

// TestArena: arrays keep their items while others grow, shrink, come and go, and
// no two share any.
func TestArena(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		type array struct {
			name  uint32
			items []int
		}
		var a arena[int]
		var all []*array
		value := 0
		fill := func(x *array, n int) {
			for len(x.items) < n {
				value++
				x.items = append(x.items, value)
				a.array(x.name, len(x.items))[len(x.items)-1] = value
			}
			x.items = x.items[:n]
		}
		size := rapid.SampledFrom([]int{1, 2, 3, 7, 8, 9, 100, 4095, 4096, 4097, 9000})
		for range rapid.IntRange(1, 200).Draw(r, "steps") {
			i := rapid.IntRange(0, len(all)).Draw(r, "which")
			switch {
			case i == len(all):
				n := size.Draw(r, "n")
				x := &array{name: a.take(class(n))}
				fill(x, n)
				all = append(all, x)
			case rapid.IntRange(0, 3).Draw(r, "give") == 0:
				a.give(all[i].name, class(len(all[i].items)))
				all[i] = all[len(all)-1]
				all = all[:len(all)-1]
			default:
				x, n := all[i], size.Draw(r, "n")
				x.name = a.resize(x.name, len(x.items), n)
				fill(x, n)
			}
		}
		for _, x := range all {
			for k, v := range a.array(x.name, len(x.items)) {
				if v != x.items[k] {
					r.Fatalf("array %d of %d: item %d is %d, want %d", x.name, len(x.items), k, v, x.items[k])
				}
			}
		}
	})
}

// TestChunksArePopped: a list that goes up and down across its chunks.
func TestChunksArePopped(t *testing.T) {
	var c chunks[int]
	want := 0
	for _, n := range []int{chunkSize + 1, -2, 3, -chunkSize, 2*chunkSize + 5, -3 * chunkSize, 1} {
		for ; n > 0; n-- {
			c.add(want)
			want++
		}
		for ; n < 0; n++ {
			v, ok := c.pop()
			if ok != (want > 0) || ok && v != want-1 {
				t.Fatalf("pop: %d, %v, want %d", v, ok, want-1)
			}
			want = max(want-1, 0)
		}
		if c.len() != want || want > 0 && *c.at(uint32(want - 1)) != want-1 {
			t.Fatalf("%d items, want %d", c.len(), want)
		}
	}
}
