package cursor

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// heap returns the bytes that are reachable.
func reachable() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// batch leases n messages from the read offset on.
func batch(tb testing.TB, c *Cursor, m *Memory, r *record.Pop, n int, keys uint32) {
	from := c.ReadOffset()
	r.Leased = r.Leased[:0]
	for i := range model.Offset(n) {
		key := uint32(0)
		if keys > 0 {
			key = uint32(from+i)%keys + 1
		}
		r.Leased = append(r.Leased, record.PopMessage{Offset: from + i, Key: key})
	}
	r.PopTime++
	r.Invisible, r.ReadTo, r.FIFO = 30_000, from+model.Offset(n), keys > 0
	if err := c.ApplyPop(r, m); err != nil {
		tb.Fatal(err)
	}
}

// TestStuckMessage holds what a cursor costs whose oldest message is stuck while
// ten million later ones are acknowledged; and with every thousandth of those
// stuck too.
func TestStuckMessage(t *testing.T) {
	n := 10_000_000
	if testing.Short() {
		n = 1_000_000
	}
	for _, tc := range []struct {
		name  string
		every int // one more is stuck
	}{{"one", 0}, {"each thousandth", 1000}} {
		t.Run(tc.name, func(t *testing.T) {
			var c Cursor
			var m Memory
			pop := record.Pop{PopTime: 1_764_000_000_000}
			ack := record.Ack{}
			start := reachable()
			batch(t, &c, &m, &pop, 1, 0)
			stuck, i := 1, 0
			for c.ReadOffset() < model.Offset(n) {
				batch(t, &c, &m, &pop, 32, 0)
				ack.Offsets = ack.Offsets[:0]
				for _, l := range pop.Leased {
					if tc.every > 0 && i%tc.every == 0 {
						stuck++
					} else {
						ack.Offsets = append(ack.Offsets, l.Offset)
					}
					i++
				}
				if err := c.ApplyAck(&ack); err != nil {
					t.Fatal(err)
				}
			}
			grown := reachable() - start
			image := c.AppendImage(nil)
			t.Logf("%d of %d stuck: %d bytes in memory, %d in the image", stuck, n, grown, len(image))
			if grown > 10<<20 || len(image) > 10<<20 {
				t.Fatal("more than 10 MB")
			}
			loaded, err := DecodeImage(image, &m)
			if err != nil {
				t.Fatal(err)
			}
			if loaded.InFlight() != stuck || loaded.Floor() != 0 {
				t.Fatalf("%d in flight from %d on, want %d", loaded.InFlight(), loaded.Floor(), stuck)
			}
			var p Plan
			p.Begin(&loaded, Rules{Now: 1 << 50, Max: 1 << 16})
			if p.Rest(); len(p.Leases()) != stuck {
				t.Fatalf("%d come again, want %d", len(p.Leases()), stuck)
			}
			runtime.KeepAlive(&c)
		})
	}
}

// TestInFlightMessage holds what a million messages in flight cost, in ten cursors
// at the bound of each.
func TestInFlightMessage(t *testing.T) {
	var m Memory
	cursors := make([]Cursor, 10)
	pop := record.Pop{PopTime: 1_764_000_000_000}
	start := reachable()
	for i := range cursors {
		for cursors[i].InFlight() < DefaultInFlight {
			pop.PopTime++
			batch(t, &cursors[i], &m, &pop, 32, 0)
		}
	}
	each := float64(reachable()-start) / float64(len(cursors)*DefaultInFlight)
	image := len(cursors[0].AppendImage(nil))
	t.Logf("%.1f bytes in memory, %.1f in the image", each, float64(image)/DefaultInFlight)
	if each > 64 {
		t.Fatal("more than 64 bytes of memory")
	}
	runtime.KeepAlive(cursors)
}

// TestScatteredMessage holds that one message that stays of each batch does not
// keep the room of the others.
func TestScatteredMessage(t *testing.T) {
	var m Memory
	var c Cursor
	pop, ack := record.Pop{}, record.Ack{}
	start := reachable()
	for range 100_000 {
		batch(t, &c, &m, &pop, 64, 0)
		ack.Offsets = ack.Offsets[:0]
		for _, l := range pop.Leased[1:] {
			ack.Offsets = append(ack.Offsets, l.Offset)
		}
		if err := c.ApplyAck(&ack); err != nil {
			t.Fatal(err)
		}
	}
	if each := float64(reachable()-start) / 100_000; each > 256 {
		t.Fatalf("%.1f bytes for each of %d", each, c.InFlight())
	}
	runtime.KeepAlive(&c)
}

func TestIdleCursorIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Cursor{}); n > 24 {
		t.Fatalf("%d bytes", n)
	}
	l := newLane(t, true, 1, 2, 3)
	l.acks(l.receive(3)...)
	if l.c.w != nil || len(l.c.AppendImage(nil)) > 4 {
		t.Fatal("the cursor keeps more than its floor")
	}
	if n := unsafe.Sizeof(slot{}); n != 32 {
		t.Fatalf("a slot has %d bytes", n)
	}
}

// TestRecordsAreSmall holds what one message's delivery and acknowledgement write.
func TestRecordsAreSmall(t *testing.T) {
	l := newLane(t, false)
	l.c.Apply(&record.Offset{Offset: 30_000_000})
	l.plan.Begin(&l.c, Rules{Now: l.now, Max: 1})
	l.plan.Next()
	l.plan.Offer(30_000_000, 0, true)
	l.pop = record.Pop{Group: 100, Topic: 500, Queue: 7}
	l.plan.Record(&l.pop, l.now, 60_000, 0)
	n := record.Size(&l.pop) + record.Size(&record.Ack{Group: 100, Topic: 500, Queue: 7, Offsets: []model.Offset{30_000_000}})
	if t.Logf("%d bytes", n); n > 46 {
		t.Fatal("more than 46 bytes")
	}
}

// TestDeliveryAllocatesNothing once it is under way.
func TestDeliveryAllocatesNothing(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		for _, n := range []int{1, 32} {
			l := newLane(t, fifo)
			l.send(1<<16, 0)
			for i := range l.keys {
				l.keys[i] = uint32(i) % 50
			}
			if !fifo {
				l.receive(1) // stuck
			}
			round := func() { roundTrip(l, n) }
			for range 100 {
				round()
			}
			if got := testing.AllocsPerRun(200, round); got >= 1 {
				t.Errorf("ordered %v, %d at a time: %.2f allocations", fifo, n, got)
			}
		}
	}
}

// roundTrip receives n messages and acknowledges each. The lane begins anew where
// it ends.
func roundTrip(l *lane, n int) {
	p := &l.plan
	p.Begin(&l.c, Rules{Now: l.now, Max: n, FIFO: l.fifo, MaxAttempts: 16})
	for look, ok := p.Next(); ok; look, ok = p.Next() {
		o := look.From
		for p.Offer(o, l.keys[int(o)%len(l.keys)], true) {
			o++
		}
	}
	p.Rest()
	p.Record(&l.pop, l.tick(), lease, 0)
	if err := l.c.ApplyPop(&l.pop, &l.memory); err != nil {
		l.t.Fatal(err)
	}
	for i := range p.Leases() {
		offset := p.Leases()[i].Offset
		if l.c.Check(offset, l.popTime, l.now, nil) != Current {
			l.t.Fatal("not current")
		}
		l.ack.Offsets = append(l.ack.Offsets[:0], offset)
		if err := l.c.ApplyAck(&l.ack); err != nil {
			l.t.Fatal(err)
		}
	}
}

// BenchmarkReceiveAndAck is what the cursor does of a delivery, per message.
func BenchmarkReceiveAndAck(b *testing.B) {
	for name, bench := range map[string]struct {
		fifo bool
		n    int
	}{"one": {false, 1}, "batch": {false, 32}, "ordered one": {true, 1}, "ordered batch": {true, 32}} {
		b.Run(name, func(b *testing.B) {
			l := newLane(b, bench.fifo)
			l.keys = make([]uint32, 1<<16)
			for i := range l.keys {
				l.keys[i] = uint32(i) % 1000
			}
			b.ReportAllocs()
			for i := 0; i < b.N; i += bench.n {
				roundTrip(l, bench.n)
			}
		})
	}
}
