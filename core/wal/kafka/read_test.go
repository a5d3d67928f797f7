package kafka_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/kafka"
	"github.com/gantrymq/gantry/core/wal/vfs"
	"github.com/gantrymq/gantry/core/wal/waltest"
)

// written is a log of some segments, with all its bytes.
type written struct {
	bases []wal.LSN
	lsns  []wal.LSN
	bytes [][]byte
}

// fill appends n segments of frames of up to some KB.
func (o *owner) fill(n int) (w written) {
	o.t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		w.bases = append(w.bases, o.next)
		for j := range 40 {
			var flags uint16
			if j == 0 {
				flags = wal.FlagSegmentStart
			}
			payload := make([]byte, r.IntN(60_000))
			for i := range payload {
				payload[i] = byte(r.Uint32())
			}
			o.time++
			b := waltest.Frame(o.next, o.time, flags, payload)
			if err := o.log.Append(o.next, b); err != nil {
				o.t.Fatal(err)
			}
			w.lsns, w.bytes = append(w.lsns, o.next), append(w.bytes, b)
			o.next += wal.LSN(len(b))
			if j%4 == 3 {
				o.written()
			}
		}
	}
	o.written()
	return w
}

// TestReadWithoutCache: another machine that recovers from an LSN near the end reads
// only from the segment that holds it, and reads the rest from Kafka when asked.
func TestReadWithoutCache(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	o := own(t, c.machine())
	w := o.fill(5)
	from := w.lsns[len(w.lsns)-5]
	if err := o.log.Close(true); err != nil {
		t.Fatal(err)
	}
	m := c.machine()
	log, err := m.start().Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close(false)
	offsets := c.offsetsFetched()
	frames := 0
	if _, err := log.Recover(from, func(wal.Frame) error { frames++; return nil }); err != nil {
		t.Fatal(err)
	}
	if frames != 5 {
		t.Errorf("%d frames from LSN %d on, want 5", frames, from)
	}
	if least := offsets(); least < 4*40 {
		t.Errorf("the start has read from offset %d on; the last segment begins behind 160", least)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		i := r.IntN(len(w.lsns))
		b := w.bytes[i]
		at := r.IntN(len(b))
		p := make([]byte, 1+r.IntN(len(b)-at))
		if n, err := log.ReadAt(p, w.lsns[i]+wal.LSN(at)); err != nil || !bytes.Equal(p[:n], b[at:at+len(p)]) {
			t.Fatalf("ReadAt %d bytes at LSN %d: %v", len(p), w.lsns[i]+wal.LSN(at), err)
		}
	}
	// A range of several frames, as a walk over a segment reads it.
	want := bytes.Join(w.bytes[40:60], nil)
	got := make([]byte, len(want))
	if _, err := log.ReadAt(got, w.lsns[40]); err != nil || !bytes.Equal(got, want) {
		t.Errorf("ReadAt half a segment: %v", err)
	}
	if _, err := log.ReadAt(got, w.lsns[79]); !errors.Is(err, wal.ErrRange) {
		t.Errorf("ReadAt across a segment's end: %v", err)
	}
	// Segments that were not read can be trimmed.
	if err := log.Trim(w.bases[2]); err != nil {
		t.Fatal(err)
	}
	if start := log.Start(); start != w.bases[2] {
		t.Errorf("Start: %d, want %d", start, w.bases[2])
	}
	if _, err := log.ReadAt(make([]byte, 10), w.bases[1]); !errors.Is(err, wal.ErrRange) {
		t.Errorf("ReadAt what was trimmed: %v", err)
	}
	if err := log.Close(true); err != nil {
		t.Fatal(err)
	}
	last := own(t, c.machine())
	if len(last.found) != 3*40 {
		t.Errorf("%d frames after the trim, want 120", len(last.found))
	}
}

// offsetsFetched watches fetches of the log, and returns the least offset asked for
// since, but for those of Open.
func (c *cluster) offsetsFetched() func() int64 {
	log := c.kafka.TopicInfo("wal").TopicID
	least := make(chan int64, 1)
	least <- 1 << 60
	c.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Count: -1, Observe: true, TopLevel: true, When: func(req kmsg.Request) bool {
		for _, topic := range req.(*kmsg.FetchRequest).Topics {
			if len(topic.Partitions) != 1 {
				continue
			}
			p := topic.Partitions[0]
			now := <-least
			if topic.TopicID == log && p.Partition == 0 {
				now = min(now, p.FetchOffset)
			}
			least <- now
		}
		return true
	}})
	return func() int64 {
		n := <-least
		least <- n
		return n
	}
}

// TestFullCacheDisk: a local disk that takes nothing more costs reads their cache,
// parts their copy, and nothing else.
func TestFullCacheDisk(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	m := c.machine()
	o := own(t, m)
	first := o.fill(1)
	m.disk.Limit(vfs.Limits{Bytes: m.disk.Used().Bytes})
	w := o.fill(2)
	large := strings.Repeat("0123456789abcdef", 1<<17)
	if err := o.log.Parts().Put("snap-1", strings.NewReader(large)); err != nil {
		t.Fatal(err)
	}
	part, err := o.log.Parts().Open("snap-1")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(io.NewSectionReader(part, 0, part.Size())); err != nil || string(b) != large {
		t.Errorf("the part holds %d bytes, %v", len(b), err)
	}
	for _, w := range []written{first, w} {
		for i, lsn := range w.lsns {
			p := make([]byte, len(w.bytes[i]))
			if _, err := o.log.ReadAt(p, lsn); err != nil || !bytes.Equal(p, w.bytes[i]) {
				t.Fatalf("ReadAt LSN %d: %v", lsn, err)
			}
		}
	}
	if err := o.log.Close(true); err != nil {
		t.Fatal(err)
	}
	again := own(t, m) // on the full disk
	if len(again.found) != 120 {
		t.Errorf("%d frames, want 120", len(again.found))
	}
}

// TestCacheLimit: the cache keeps the newest segments.
func TestCacheLimit(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	m := c.machine()
	m.change = func(o *kafka.Options) { o.CacheBytes = 3 << 20 }
	o := own(t, m)
	w := o.fill(6)
	o.wait("the cache is written", func() bool {
		o.log.Append(o.next, waltest.Frame(o.next, o.time, 0, nil))
		o.next += wal.HeaderSize
		return o.log.Stats().CacheBytes > 0
	})
	if n := o.log.Stats().CacheBytes; n > 5<<20 {
		t.Errorf("the cache holds %d bytes", n)
	}
	p := make([]byte, len(w.bytes[0]))
	if _, err := o.log.ReadAt(p, 0); err != nil || !bytes.Equal(p, w.bytes[0]) {
		t.Errorf("ReadAt what has left the cache: %v", err)
	}
	if o.log.Stats().RemoteRead == 0 {
		t.Error("nothing was fetched")
	}
}

// TestHalfPut: what a process left of a part it was writing is no part, and goes.
func TestHalfPut(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	m := c.machine()
	o := own(t, m)
	broken := errors.New("broken")
	if err := o.log.Parts().Put("a", io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), &failing{broken})); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	fault := c.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "wal-parts", Partitions: []int32{1}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	if err := o.log.Parts().Put("b", strings.NewReader(strings.Repeat("y", 1<<20))); err == nil {
		t.Fatal("a part was put whose chunks are refused")
	}
	fault.Remove()
	_ = o.log.Close(false)
	m.kill()
	o = own(t, m)
	if names, err := o.log.Parts().List(""); err != nil || len(names) != 0 {
		t.Errorf("parts %q, %v", names, err)
	}
	if err := o.log.Parts().Put("b", strings.NewReader("whole")); err != nil {
		t.Fatal(err)
	}
	if names, _ := o.log.Parts().List(""); fmt.Sprint(names) != "[b]" {
		t.Errorf("parts %q", names)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }
