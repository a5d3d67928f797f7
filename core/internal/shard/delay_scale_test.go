//go:build linux

package shard

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/wal/file"
)

// fillDelayed sends n messages of 300 bytes that are due at random times within
// ten days, and returns how long that took.
func (d *driver) fillDelayed(n int) time.Duration {
	c, open, began := d.Connect(ClientInfo{}), 0, time.Now()
	random := rand.New(rand.NewPCG(1, 2))
	body := make([]byte, 300)
	done := func(r []SendResult, err error) { open--; d.check(err); d.check(r[0].Err) }
	for i := range n {
		open++
		at := time.Now().UnixMilli() + 3600_000 + random.Int64N(10*24*3600_000)
		c.Send(&Batch{Messages: []Message{{
			Topic: "t", AutoCreate: 4, Queue: -1, Body: body, Properties: fmt.Appendf(nil, "TIMER_DELIVER_MS\x01%d\x02", at),
		}}}, done)
		if i%64 == 63 {
			c.Submit()
			d.until("room", func() bool { return open < 4096 })
		}
	}
	c.Submit()
	d.until("all messages", func() bool { return open == 0 })
	return time.Since(began)
}

// BenchmarkMillionDelayed measures what a million messages that wait weigh, and
// how long a start with them takes; run it with -benchtime 1x.
func BenchmarkMillionDelayed(b *testing.B) {
	const n = 1_000_000
	for range b.N {
		w := file.New(file.Options{Dir: b.TempDir()})
		cfg := Config{CacheBytes: 8 << 20}
		d := openDriver(b, cfg, w)
		debug.FreeOSMemory()
		before := residentMB()
		took := d.fillDelayed(n)
		b.ReportMetric(float64(took.Nanoseconds())/n, "send-ns")
		b.ReportMetric(residentMB()-before, "filled-RSS-MB")
		b.ReportMetric(heapMB(), "filled-heap-MB")
		debug.FreeOSMemory()
		b.ReportMetric(residentMB()-before, "idle-RSS-MB")
		d.longest = 0
		snapshots := d.count.Snapshots
		d.snapshots.wanted = true
		d.inbox.poke()
		d.until("a snapshot", func() bool { return d.count.Snapshots > snapshots })
		b.ReportMetric(float64(d.longest.Microseconds()), "snapshot-step-us")
		d.close()
		d = nil

		debug.FreeOSMemory()
		began := time.Now()
		d = openDriver(b, cfg, w)
		b.ReportMetric(time.Since(began).Seconds()*1e3, "open-ms")
		if d.state.Delayed().Len() != n {
			b.Fatalf("%d messages wait", d.state.Delayed().Len())
		}
		debug.FreeOSMemory()
		b.ReportMetric(residentMB(), "open-RSS-MB")
		d.close()
	}
}

// BenchmarkDelayedLateness measures how late messages reach a pull that waits for
// them, 10,000 of them due a second; run it with -benchtime 1x.
func BenchmarkDelayedLateness(b *testing.B) {
	for range b.N {
		s, err := Open(Config{}, file.New(file.Options{Dir: b.TempDir()}), Env{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Start(); err != nil {
			b.Fatal(err)
		}
		late := lateness(b, s, 30_000, 10)
		slices.Sort(late)
		b.ReportMetric(float64(late[0]), "min-ms")
		b.ReportMetric(float64(late[len(late)/2]), "p50-ms")
		b.ReportMetric(float64(late[len(late)*99/100]), "p99-ms")
		b.ReportMetric(float64(late[len(late)-1]), "max-ms")
		if late[0] < 0 {
			b.Fatal("a message was early")
		}
		if err := s.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// lateness sends n messages, so many due each ms, and returns how late they came.
func lateness(b *testing.B, s *Shard, n, perMs int) []int64 {
	c := s.Connect(ClientInfo{})
	start := time.Now().UnixMilli() + 3000
	sent := make(chan error, n)
	due := map[string]int64{}
	for i := range n {
		at, body := start+int64(i/perMs), fmt.Sprint(i)
		due[body] = at
		c.Send(&Batch{Messages: []Message{{
			Topic: "t", AutoCreate: 1, Body: []byte(body), Properties: fmt.Appendf(nil, "TIMER_DELIVER_MS\x01%d\x02", at),
		}}}, func(r []SendResult, err error) { sent <- err })
		if i%64 == 63 {
			c.Submit()
		}
	}
	c.Submit()
	for range n {
		if err := <-sent; err != nil {
			b.Fatal(err)
		}
	}
	info, _ := s.Topic("t")
	var late []int64
	for offset := model.Offset(0); len(late) < n; {
		answer := make(chan *Records, 1)
		c.Pull(Pull{Queue: model.Queue{Topic: info.ID}, Offset: offset, MaxMessages: 1024, Wait: 10 * time.Second},
			func(r *Records, err error) { answer <- r })
		c.Submit()
		r := <-answer
		now := time.Now().UnixMilli()
		for rest := r.Bytes(); len(rest) > 0; {
			w := wireOf(b, rest)
			late = append(late, now-due[string(w.Body())])
			rest = rest[len(w):]
		}
		offset = r.Next
		r.Release()
	}
	return late
}
