package index

import (
	"runtime"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
)

// TestMemoryPerQueue holds what a queue costs: most of a million queues have
// nothing, or a message or two, in the newest segment.
func TestMemoryPerQueue(t *testing.T) {
	n := uint32(1_000_000)
	if testing.Short() {
		n = 100_000
	}
	x := New()
	x.Roll(0, 0)
	before := heap()
	if err := x.Add(n-1, 0, 0, 100, 0, 0); err != nil { // all slots before it are idle
		t.Fatal(err)
	}
	idle := perQueue(x, before, n)
	for slot := range n - 1 {
		if err := x.Add(slot, 7, model.LSN(100*(slot+1)), 100, 0, int64(slot)); err != nil {
			t.Fatal(err)
		}
	}
	one := perQueue(x, before, n)

	x.Roll(model.LSN(100*n), int64(n))
	s := fakePart(x.segments[0], n)
	slots := func(topic model.TopicID, _ int32) (uint32, bool) { return uint32(topic), true }
	for done := false; !done; {
		var err error
		if done, err = x.Swap(s, slots, 1000); err != nil {
			t.Fatal(err)
		}
	}
	sealed := perQueue(x, before, n)
	x.Drop(model.LSN(100 * n))
	for x.Sweep(1000) {
	}
	x.lists = arena[extent]{} // free for later lists, not for the heap
	t.Logf("bytes per queue: idle %.1f, with one message %.1f, with it sealed %.1f", idle, one, sealed)
	if idle > 12 || one > 8+32+16+4 || sealed > 8+32+4 {
		t.Error("more than planned")
	}
	if x.extents != 0 {
		t.Errorf("%d extents are left", x.extents)
	}
}

// fakePart is a part with a directory like what the segment has in memory.
func fakePart(seg *segment, n uint32) *Sealed {
	s := &Sealed{header: header{base: seg.base, end: seg.end}}
	for slot := range n {
		first := model.Offset(7)
		if slot == n-1 {
			first = 0
		}
		s.directory = append(s.directory, row{topic: model.TopicID(slot), first: first, n: 1, at: slot})
	}
	return s
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func perQueue(x *Index, before uint64, n uint32) float64 {
	grown := float64(int64(heap()) - int64(before))
	runtime.KeepAlive(x)
	return grown / float64(n)
}

// TestPartIsSmall: index and keys take at most 15 % of the bodies, for bodies of
// 300 bytes and one key beside the unique one.
func TestPartIsSmall(t *testing.T) {
	const messages = 20_000
	g := newGenerator(300)
	b := NewBuilder(testShard, 0)
	for b.Messages() < messages {
		f := g.frame(32)
		if err := b.AddFrame(f.lsn, f.payload, f.count); err != nil {
			t.Fatal(err)
		}
	}
	size := float64(len(partOf(t, b, g.end)))
	share := size / float64(b.Messages()*300)
	t.Logf("%.2f %% of the bodies, %.1f bytes a message", 100*share, size/float64(b.Messages()))
	if share > 0.15 {
		t.Error("more than 15 %")
	}
}
