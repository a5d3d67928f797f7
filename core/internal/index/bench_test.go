package index

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// generator makes frames of a log in which messages of one size go round some queues.
type generator struct {
	body   []byte
	end    model.LSN
	now    int64
	count  uint32
	next   [genQueues]model.Offset
	buf    []byte
	queues int
}

const genQueues = 64

func newGenerator(bodyLen int) *generator {
	return &generator{body: bytes.Repeat([]byte{'b'}, bodyLen), now: 1_700_000_000_000, queues: genQueues}
}

// unique returns a unique key as clients make them.
func unique(i uint32) string {
	sum := crc32.ChecksumIEEE([]byte{byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)})
	return fmt.Sprintf("0A0B0C0D%08X%08X%08X", sum, ^sum, i)
}

// frame makes the next frame; it is valid until the one after.
func (g *generator) frame(n int) testFrame {
	f := testFrame{lsn: g.end + frameHeader, payload: g.buf[:0], count: uint32(n)}
	g.now++
	for range n {
		queue := g.count % uint32(g.queues)
		m := record.Message{Topic: "topic1", Body: g.body}
		m.Properties = record.AppendProperty(nil, record.PropUniqueKey, []byte(unique(g.count)))
		m.Properties = record.AppendProperty(m.Properties, propKeys, hex.AppendEncode(nil, []byte(unique(g.count))[20:]))
		w := record.Wire(m.Append(nil))
		lsn := f.lsn + model.LSN(len(f.payload))
		w.Place(int32(queue), int64(g.next[queue]), int64(model.AddressOf(testShard, lsn)), g.now)
		f.payload = record.Append(f.payload, &record.Data{Topic: 1, Queue: int32(queue), Wire: w})
		g.next[queue]++
		g.count++
	}
	g.buf = f.payload
	g.end = f.lsn + model.LSN(len(f.payload))
	return f
}

// BenchmarkBuild builds the part of a segment of 256 MB, without making its frames.
func BenchmarkBuild(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		g := newGenerator(300)
		builder := NewBuilder(testShard, 0)
		var adding time.Duration
		for g.end < 256<<20-1<<16 {
			f := g.frame(128)
			b.StartTimer()
			start := time.Now()
			if err := builder.AddFrame(f.lsn, f.payload, f.count); err != nil {
				b.Fatal(err)
			}
			adding += time.Since(start)
			b.StopTimer()
		}
		b.StartTimer()
		start := time.Now()
		part, err := builder.Part(g.end)
		if err != nil {
			b.Fatal(err)
		}
		size, err := io.Copy(io.Discard, part)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(adding.Milliseconds()), "ms-adding")
		b.ReportMetric(float64(time.Since(start).Milliseconds()), "ms-finishing")
		b.ReportMetric(float64(builder.Messages()), "messages")
		b.ReportMetric(float64(size), "part-bytes")
		b.ReportMetric(float64(m.HeapSys>>20), "heap-MB")
		b.StartTimer()
	}
}

// largePart is the part of a segment of 64 MB.
func largePart(b *testing.B) (*Sealed, Extent) {
	g := newGenerator(300)
	builder := NewBuilder(testShard, 0)
	for g.end < 64<<20 {
		f := g.frame(128)
		if err := builder.AddFrame(f.lsn, f.payload, f.count); err != nil {
			b.Fatal(err)
		}
	}
	part := partOf(b, builder, g.end)
	s, err := OpenSealed(bytes.NewReader(part), int64(len(part)))
	if err != nil {
		b.Fatal(err)
	}
	var run Extent
	if err := s.Extents(0, s.Runs(), func(e Extent) bool { run = e; return false }); err != nil {
		b.Fatal(err)
	}
	return s, run
}

func BenchmarkLookups(b *testing.B) {
	s, run := largePart(b)
	b.Run("32 places", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			from := run.First + model.Offset(i)%(run.End-run.First-32)
			n := 0
			if err := run.Read(from, from+32, func(Place) bool { n++; return true }); err != nil || n != 32 {
				b.Fatal(n, err)
			}
		}
	})
	b.Run("time", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			at := run.FirstTime + int64(i)%(run.LastTime-run.FirstTime)
			if _, ok, err := run.FindTime(at); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("record", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, _, err := s.Record(model.LSN(i*1001) % s.End()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("key", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			n := 0
			hash := HashKey("topic1", unique(uint32(i%s.Messages())))
			if err := s.Keys(hash, func(model.LSN) bool { n++; return true }); err != nil || n != 1 {
				b.Fatal(n, err)
			}
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	for _, queues := range []uint32{1, 8, 80_000} {
		b.Run(fmt.Sprint(queues, " queues"), func(b *testing.B) {
			b.ReportAllocs()
			x := New()
			for i := uint32(0); b.Loop(); i++ {
				if i%500_000 == 0 {
					x.Roll(model.LSN(i)*300, int64(i))
					x.Drop(model.LSN(i) * 300)
					for x.Sweep(1000) {
					}
				}
				if err := x.Add(i%queues, model.Offset(i/queues), model.LSN(i)*300, 300, 0, int64(i)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSlices is what the index's owner does at once, for 500 queues: the
// exchange of their messages for a part, and the sweep behind a dropped segment.
func BenchmarkSlices(b *testing.B) {
	const queues, slice = 100_000, 500
	x := New()
	slots := func(topic model.TopicID, _ int32) (uint32, bool) { return uint32(topic), true }
	var swapping, sweeping, longest time.Duration
	var swaps, sweeps int
	timed := func(sum *time.Duration, n *int, fn func()) {
		start := time.Now()
		fn()
		d := time.Since(start)
		*sum += d
		*n++
		longest = max(longest, d)
	}
	for i := 0; b.Loop(); i++ {
		base := model.LSN(i * queues * 100)
		x.Roll(base, int64(i))
		for slot := range uint32(queues) {
			if err := x.Add(slot, model.Offset(i), base+model.LSN(100*slot), 100, 0, int64(i)); err != nil {
				b.Fatal(err)
			}
		}
		end := base + queues*100
		x.Ended(end)
		part := &Sealed{header: header{base: base, end: end}}
		for slot := range uint32(queues) {
			part.directory = append(part.directory, row{topic: model.TopicID(slot), first: model.Offset(i), n: 1, at: slot})
		}
		x.Roll(end, int64(i))
		for done := false; !done; {
			timed(&swapping, &swaps, func() { done, _ = x.Swap(part, slots, slice) })
		}
		x.segments = x.segments[:len(x.segments)-1] // the next round begins it
		if x.Drop(base - 10*queues*100); x.sweepLeft > 0 {
			for more := true; more; {
				timed(&sweeping, &sweeps, func() { more = x.Sweep(slice) })
			}
		}
	}
	b.ReportMetric(float64(swapping.Microseconds())/float64(max(swaps, 1)), "µs/swap")
	b.ReportMetric(float64(sweeping.Microseconds())/float64(max(sweeps, 1)), "µs/sweep")
	b.ReportMetric(float64(longest.Microseconds()), "µs-longest")
}
