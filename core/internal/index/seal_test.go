package index

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

func noKeys(int) []string { return []string{"u"} }

// TestBuilderRefuses: a part is made only of frames that can be those of the segment.
func TestBuilderRefuses(t *testing.T) {
	payload := func(records ...record.Entry) (b []byte) {
		for _, e := range records {
			b = record.Append(b, e)
		}
		return b
	}
	data := func(lsn model.LSN, offset model.Offset, now int64) record.Entry {
		return testData(1, 0, offset, lsn, now, 10, []string{"u"})
	}
	good := payload(data(148, 5, 1000))
	torn := bytes.Clone(good)
	torn[20] ^= 1
	next := 148 + model.LSN(len(good))
	for name, c := range map[string]struct {
		lsn     model.LSN
		payload []byte
		count   uint32
	}{
		"damaged":                 {next, torn, 1},
		"fewer records":           {next, payload(data(next, 6, 1000)), 2},
		"more records":            {next, payload(data(next, 6, 1000)), 0},
		"another address":         {next, payload(data(next+1, 6, 1000)), 1},
		"offset again":            {next, payload(data(next, 5, 1000)), 1},
		"time goes back":          {next, payload(data(next, 6, 999)), 1},
		"time does not fit":       {next, payload(data(next, 6, 1000+1<<32)), 1},
		"place does not fit":      {148 + 1<<32, payload(data(148+1<<32, 6, 1000)), 1},
		"frame in the one before": {next - 1, payload(data(next-1, 6, 1000)), 1},
	} {
		b := NewBuilder(testShard, 100)
		if err := b.AddFrame(148, good, 1); err != nil {
			t.Fatal(err)
		}
		if err := b.AddFrame(c.lsn, c.payload, c.count); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	b := NewBuilder(testShard, 100)
	if err := b.AddFrame(148, good, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Part(next - 1); err == nil {
		t.Error("an end within a frame: no error")
	}
}

type brokenPipe struct{}

func (brokenPipe) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

// TestIndexRefusesAForeignPart: parts that are not of this log or not in order.
func TestIndexRefusesAForeignPart(t *testing.T) {
	l := newTestLog()
	other := newTestLog()
	for i := range 3 {
		l.send(1, 0, 10, 10, 1, noKeys)
		other.send(1, 0, 10-i, 10, 1, noKeys)
		l.roll(0)
		other.end = l.segments[i].end
		other.roll(0)
	}
	parts := make([]*Sealed, 3)
	for i := range parts {
		parts[i] = openPart(t, l.segments[i].build(t))
	}
	fresh := func() *Index {
		x := New()
		l.replay(t, x, 0, l.end)
		return x
	}
	x := New()
	if err := x.Load(parts[1], slotOf); err != nil {
		t.Fatal(err)
	}
	if err := x.Load(openPart(t, l.segments[0].build(t)), slotOf); err == nil {
		t.Error("Load goes back")
	}
	if err := fresh().Load(parts[2], slotOf); err == nil {
		t.Error("Load behind messages in memory")
	}
	if _, err := fresh().Swap(openPart(t, other.segments[1].build(t)), slotOf, 100); err == nil {
		t.Error("Swap of another log's part")
	}
	last := partOf(t, NewBuilder(testShard, l.last().base), l.end)
	if _, err := fresh().Swap(openPart(t, last), slotOf, 100); err == nil {
		t.Error("Swap of the newest segment")
	}
	x = fresh()
	swapAll(t, x, openPart(t, l.segments[0].build(t)))
	if _, err := x.Swap(openPart(t, l.segments[0].build(t)), slotOf, 100); err == nil {
		t.Error("Swap twice")
	}
	fewer := partOf(t, NewBuilder(testShard, l.segments[1].base), l.segments[1].end)
	if _, err := x.Swap(openPart(t, fewer), slotOf, 100); err == nil {
		t.Error("Swap of a part that lacks messages")
	}
	if err := x.Add(0, 1000, l.last().base-1, 1, 0, l.now); err == nil {
		t.Error("Add below the newest segment")
	}
}

func swapAll(t *testing.T, x *Index, s *Sealed) {
	t.Helper()
	for range 1000 {
		if done, err := x.Swap(s, slotOf, 1); err != nil {
			t.Fatal(err)
		} else if done {
			return
		}
	}
	t.Fatal("Swap does not end")
}

// TestScanStopsAtSealedMessages: those are for a reader.
func TestScanStopsAtSealedMessages(t *testing.T) {
	l := newTestLog()
	for range 3 {
		l.send(1, 0, 10, 10, 1, noKeys)
		l.roll(0)
	}
	l.send(1, 0, 10, 10, 1, noKeys)
	x := New()
	l.replay(t, x, 0, l.end)
	slot, _ := slotOf(1, 0)
	want := l.messages[slot]
	scan := func(from, to model.Offset) (n int) {
		x.Scan(slot, from, to, func(p Place) bool {
			if p != want[int(from)+n].Place {
				t.Fatalf("Scan from %d: %+v", from, p)
			}
			n++
			return true
		})
		return n
	}
	if n := scan(5, 33); n != 28 {
		t.Errorf("%d messages in memory, want 28", n)
	}
	if p, ok := x.FindTime(slot, want[13].Time); !ok || p != want[13].Place {
		t.Errorf("FindTime in memory: %+v, %v", p, ok)
	}
	swapAll(t, x, openPart(t, l.segments[1].build(t)))
	if n := scan(5, 33); n != 5 {
		t.Errorf("%d messages before the sealed ones, want 5", n)
	}
	if n := scan(20, 33); n != 13 {
		t.Errorf("%d messages behind the sealed ones, want 13", n)
	}
	if _, ok := x.Find(slot, 15); ok {
		t.Error("Find reads a part")
	}
	if _, ok := x.FindTime(slot, want[13].Time); ok {
		t.Error("FindTime reads a part")
	}
	if p, ok := x.Find(slot, 25); !ok || p != want[25].Place {
		t.Errorf("Find in memory: %+v, %v", p, ok)
	}
	if base, at := x.SegmentStart(); base != l.last().base || at != l.last().began {
		t.Errorf("SegmentStart: %d, %d", base, at)
	}
	st := x.Stats()
	if st.Segments != 4 || st.Sealed != 1 || st.Extents != 4 || st.Bytes <= 0 {
		t.Errorf("Stats: %+v", st)
	}
}

// TestReadersAtOnce: one part, many readers, while the index forgets it.
func TestReadersAtOnce(t *testing.T) {
	l, seg := smallSegment()
	x := New()
	l.replay(t, x, 0, l.end)
	s := openPart(t, seg.build(t))
	swapAll(t, x, s)
	slot, _ := slotOf(1, 1)
	run, ok := x.Range(slot, 0)
	if !ok || run.Sealed != s {
		t.Fatal("not sealed")
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 200 {
				n := 0
				if err := run.Read(run.First, run.End, func(Place) bool { n++; return true }); err != nil || n != int(run.End-run.First) {
					t.Errorf("%d messages, %v", n, err)
				}
				if _, _, err := s.Record(model.LSN(i)); err != nil {
					t.Error(err)
				}
				if err := s.Keys(HashKey("topic1", fmt.Sprint("u", i)), func(model.LSN) bool { return true }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	x.Drop(l.end)
	for x.Sweep(1) {
	}
	wg.Wait()
	if _, ok := x.Range(slot, 0); ok {
		t.Error("dropped messages are found")
	}
}

// TestReadErrorsAreTold: an error of the file is no damage.
func TestReadErrorsAreTold(t *testing.T) {
	_, seg := smallSegment()
	part := seg.build(t)
	if _, err := OpenSealed(brokenPipe{}, int64(len(part))); !errors.Is(err, io.ErrClosedPipe) || errors.Is(err, ErrDamaged) {
		t.Errorf("open: %v", err)
	}
	s := openPart(t, part)
	s.blocks.r = brokenPipe{}
	e := s.extentOf(&s.directory[0])
	if _, ok, err := s.Record(seg.frames[1].lsn); ok || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("record: %v, %v", ok, err)
	}
	if err := s.Keys(1, func(model.LSN) bool { return true }); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("keys: %v", err)
	}
	if err := e.Read(e.First, e.End, func(Place) bool { return true }); !errors.Is(err, io.ErrClosedPipe) || errors.Is(err, ErrDamaged) {
		t.Errorf("read: %v", err)
	}
}
