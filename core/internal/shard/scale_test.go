//go:build linux

package shard

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"golang.org/x/sys/unix"
)

// A shard with a million queues: how long its start takes, what it weighs, and
// how long the loop is held by one step of the work that goes on beside it.

const (
	scaleTopics = 1000
	scaleQueues = 1000 // a topic
)

// driver takes the steps of a shard in place of its loop, and measures them.
type driver struct {
	*Shard
	tb      testing.TB
	longest time.Duration // of the thread's CPU time: what a busy machine does to a step does not count
	waited  time.Duration // the longest by the clock
	slow    int           // steps that take more CPU time than slowStep
}

const slowStep = 200 * time.Microsecond

func openDriver(tb testing.TB, cfg Config, w wal.WAL) *driver {
	tb.Helper()
	s, err := Open(cfg, w, Env{Apart: func(job func()) { go job() }})
	if err != nil {
		tb.Fatal(err)
	}
	d := &driver{Shard: s, tb: tb}
	d.until("ready", func() bool { return s.holdUntil == 0 })
	return d
}

// step takes one step, and waits for what makes another worth while.
func (d *driver) step() {
	runtime.LockOSThread()
	began, cpu := time.Now(), threadTime()
	d.Step()
	took := threadTime() - cpu
	d.waited = max(d.waited, time.Since(began))
	runtime.UnlockOSThread()
	d.longest = max(d.longest, took)
	if took > slowStep {
		d.slow++
	}
	select {
	case <-d.inbox.wake:
	case <-time.After(d.untilAlarm()):
	}
}

func (d *driver) until(what string, reached func() bool) {
	d.tb.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !reached(); d.step() {
		if time.Now().After(deadline) || d.Err() != nil {
			d.tb.Fatal("never came: ", what, " ", d.Err())
		}
	}
}

func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

// report reports the steps since forget.
func (d *driver) report(b *testing.B, what string) {
	b.ReportMetric(d.longest.Seconds()*1e3, "longest-"+what+"-step-CPU-ms")
	b.ReportMetric(d.waited.Seconds()*1e3, "longest-"+what+"-step-ms")
	b.ReportMetric(float64(d.slow), what+"-steps-over-200µs-CPU")
}

// forget begins to measure anew.
func (d *driver) forget() {
	runtime.GC()
	d.longest, d.waited, d.slow = 0, 0, 0
}

// fill makes topics, and stores one message in each of their queues.
func (d *driver) fill(topics, queues int) {
	c, open := d.Connect(ClientInfo{}), 0
	for t := range topics {
		name := fmt.Sprintf("topic-%d", t)
		open++
		c.Admin(PutTopic{model.TopicConfig{
			Name: name, ReadQueues: int32(queues), WriteQueues: int32(queues), Perm: model.PermRead | model.PermWrite,
		}}, func(err error) { open--; d.check(err) })
		for q := range queues {
			open++
			c.Send(&Batch{Messages: []Message{{Topic: name, Queue: int32(q), Body: []byte("a body of some length, as they are")}}},
				func(r []SendResult, err error) { open--; d.check(err); d.check(r[0].Err) })
		}
		c.Submit()
		d.until("the messages of a topic", func() bool { return open < 3*queues })
	}
	d.until("all messages", func() bool { return open == 0 })
}

func (d *driver) check(err error) {
	if err != nil {
		d.tb.Error(err)
	}
}

func (d *driver) close() {
	d.tb.Helper()
	d.Stop()
	for stopped := false; !stopped; {
		stopped = d.Step()
	}
	d.check(d.Err())
}

// kill ends the process without a last snapshot.
func (d *driver) kill() {
	for d.away > 0 { // what reads the log must not find it closed
		d.step()
	}
	d.check(d.log.Close(false))
}

func residentMB() float64 {
	b, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	var kb float64
	fmt.Sscan(rest, &kb)
	return kb / 1024
}

func heapMB() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// BenchmarkMillionQueues measures one life of a shard with a million queues; run
// it with -benchtime 1x.
func BenchmarkMillionQueues(b *testing.B) {
	for range b.N {
		w := file.New(file.Options{Dir: b.TempDir()})
		d := openDriver(b, Config{SnapshotBytes: 1 << 40}, w)
		d.fill(scaleTopics, scaleQueues)
		d.report(b, "fill")
		d.kill()

		debug.FreeOSMemory()
		began := time.Now()
		d = openDriver(b, Config{SnapshotBytes: 1 << 40}, w)
		b.ReportMetric(time.Since(began).Seconds()*1e3, "replay-ms")
		b.ReportMetric(heapMB(), "replayed-heap-MB")

		d.forget()
		snapshots := d.count.Snapshots
		d.snapshots.wanted = true
		d.inbox.poke()
		d.until("a snapshot", func() bool { return d.count.Snapshots > snapshots })
		d.report(b, "snapshot")
		d.close()
		d = nil

		debug.FreeOSMemory()
		before := residentMB()
		began = time.Now()
		d = openDriver(b, Config{}, w)
		b.ReportMetric(time.Since(began).Seconds()*1e3, "open-ms")
		b.ReportMetric(residentMB()-before, "open-RSS-MB")
		b.ReportMetric(heapMB(), "open-heap-MB")

		d.forget()
		d.fillOne(b)
		d.report(b, "wide-topic")

		d.forget()
		before = mallocs()
		d.sealOne()
		d.report(b, "seal")
		b.ReportMetric(mallocs()-before, "seal-allocs")
		d.close()
	}
}

// sealOne fills the newest segment, which has a message of each queue, and has it sealed.
func (d *driver) sealOne() {
	c, sealed := d.Connect(ClientInfo{}), d.count.Sealed
	body := make([]byte, 64<<10)
	for d.count.Sealed == sealed {
		open := true
		c.Send(&Batch{Messages: []Message{{Topic: "wide", Body: body}}}, func(_ []SendResult, err error) { open = false; d.check(err) })
		c.Submit()
		d.until("an answer", func() bool { return !open })
		if d.seals.building || d.seals.swapping != nil {
			d.forget()
			d.until("a sealed segment", func() bool { return d.count.Sealed > sealed })
		}
	}
}

func mallocs() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Mallocs)
}

// fillOne makes one topic of the greatest size.
func (d *driver) fillOne(b *testing.B) {
	c, open := d.Connect(ClientInfo{}), true
	c.Admin(PutTopic{model.TopicConfig{Name: "wide", ReadQueues: model.MaxQueues, WriteQueues: model.MaxQueues, Perm: model.PermRead | model.PermWrite}},
		func(err error) { open = false; d.check(err) })
	c.Submit()
	d.until("a wide topic", func() bool { return !open })
}

// BenchmarkReplay measures the start after a kill: the newest segment is read from
// its beginning, whatever snapshots there are.
func BenchmarkReplay(b *testing.B) {
	w := file.New(file.Options{Dir: b.TempDir()})
	d := openDriver(b, Config{}, w)
	c, open := d.Connect(ClientInfo{}), 0
	done := func(_ []SendResult, err error) { open--; d.check(err) }
	batch := Batch{Messages: []Message{{Topic: "t", Queue: -1, AutoCreate: 8, Body: make([]byte, 128)}}}
	for d.end < 200<<20 {
		for range 1000 {
			open++
			c.Send(&batch, done)
		}
		c.Submit()
		d.until("answers", func() bool { return open < 10_000 })
	}
	d.until("answers", func() bool { return open == 0 })
	messages, end := d.count.Sent, d.end
	d.kill()
	b.SetBytes(int64(end))
	for b.Loop() {
		d = openDriver(b, Config{}, w)
		b.StopTimer()
		d.kill()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(messages), "ns/message")
	b.ReportMetric(float64(messages), "messages")
}
