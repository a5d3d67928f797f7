package shard

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/wal/mem"
)

// stepper drives a shard by hand: its clock, its disk and its readers do nothing
// by themselves.
type stepper struct {
	*Shard
	t    *testing.T
	time Instant
	jobs []func() // that wait to run apart

	logged strings.Builder
}

func newStepper(t *testing.T, cfg Config) *stepper {
	t.Helper()
	d := &stepper{t: t, time: Instant{Wall: 1_700_000_000_000, Mono: 1000}}
	s, err := Open(cfg, mem.New(mem.Options{Manual: true, SegmentSize: cfg.SegmentBytes}), Env{
		Now:    func() Instant { return d.time },
		Apart:  func(job func()) { d.jobs = append(d.jobs, job) },
		Logger: slog.New(slog.NewTextHandler(&d.logged, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Shard = s
	d.sync()
	return d
}

// sync has the disk do all that was asked of it.
func (d *stepper) sync() {
	d.Step()
	for d.log.(*mem.Log).SyncStep() {
		d.Step()
	}
}

func (d *stepper) wait(ms int64) {
	d.time.Wall, d.time.Mono = d.time.Wall+ms, d.time.Mono+ms
	d.Step()
}

// runOne runs the job that has waited longest.
func (d *stepper) runOne() {
	d.t.Helper()
	if len(d.jobs) == 0 {
		d.t.Fatal("nothing waits to run apart")
	}
	job := d.jobs[0]
	d.jobs = d.jobs[1:]
	job()
	d.Step()
}

// send queues a message and returns where its outcome will be.
func (d *stepper) send(c *Client, topic string, size int) *error {
	pending := errors.New("no answer yet")
	outcome := &pending
	c.Send(&Batch{Messages: []Message{{Topic: topic, AutoCreate: 1, Body: make([]byte, size)}}}, func(r []SendResult, err error) {
		if *outcome = err; err == nil {
			*outcome = r[0].Err
		}
	})
	c.Submit()
	return outcome
}

func TestARequestDoesNotWaitForASlowDiskForEver(t *testing.T) {
	d := newStepper(t, Config{})
	c := d.Connect(ClientInfo{})
	first := d.send(c, "t", 100)
	d.sync()
	if *first != nil {
		t.Fatal(*first)
	}
	d.send(c, "t", 4<<20-1000)
	full := d.send(c, "t", 4<<20-1000) // the last that is decided
	d.Step()
	early := d.send(c, "t", 100)
	d.Step()
	d.wait(1000)
	late := d.send(c, "t", 100)
	d.wait(stallLimit - 1001)
	if n := d.Stats().Stalled; n != 2 {
		t.Fatalf("%d requests wait", n)
	}
	d.wait(1)
	var refusal *model.Error
	if !errors.As(*early, &refusal) || refusal.Code != model.Busy || !refusal.Definite {
		t.Fatalf("after two seconds: %v", *early)
	}
	d.sync()
	if *full != nil || *late != nil {
		t.Fatalf("the disk did its work in time for these: %v, %v", *full, *late)
	}
	if s := d.Stats(); s.Busy != 1 || s.Stalled != 0 || s.Sent != 4 {
		t.Fatalf("%d busy, %d stalled, %d sent", s.Busy, s.Stalled, s.Sent)
	}
}

func TestADiskThatCatchesUpAtTheLastMomentIsNotSlow(t *testing.T) {
	d := newStepper(t, Config{})
	c := d.Connect(ClientInfo{})
	d.send(c, "t", 100)
	d.sync()
	d.send(c, "t", 4<<20-1000)
	d.send(c, "t", 4<<20-1000)
	d.Step()
	waiting := d.send(c, "t", 100)
	d.Step()
	for d.log.(*mem.Log).SyncStep() { // no step sees it before the two seconds have passed
	}
	d.wait(stallLimit)
	d.sync()
	if *waiting != nil {
		t.Fatal(*waiting)
	}
}

// coldTest has a topic with one queue of cold messages.
type coldTest struct {
	*stepper
	client *Client
	queue  model.Queue
	got    []string // who was answered, in order
}

const coldBody = 1000

func newColdTest(t *testing.T, budget int64) *coldTest {
	d := &coldTest{stepper: newStepper(t, Config{CacheBytes: 1, ColdReadBytes: budget})}
	d.client = d.Connect(ClientInfo{})
	for range 10 {
		d.send(d.client, "t", coldBody)
		d.sync()
	}
	d.send(d.client, "t", slabBytes-1000) // pushes them out of the cache
	d.sync()
	info, ok := d.Topic("t")
	if !ok {
		t.Fatal("no topic")
	}
	d.queue = model.Queue{Topic: info.ID}
	return d
}

// pull reads one cold message.
func (d *coldTest) pull(c *Client, group string, offset int) {
	c.Pull(Pull{Queue: d.queue, Group: group, Offset: model.Offset(offset), MaxMessages: 1}, func(r *Records, err error) {
		if err != nil || r.Count != 1 {
			d.t.Errorf("pull of %s at %d: %v, %v", group, offset, r, err)
			return
		}
		d.got = append(d.got, fmt.Sprint(group, offset))
		r.Release()
	})
	c.Submit()
	d.Step()
}

func (d *coldTest) want(text string) {
	d.t.Helper()
	if got := strings.Join(d.got, " "); got != text {
		d.t.Fatalf("answered were %q, not %q", got, text)
	}
	d.got = nil
}

func TestColdReadersTakeTurns(t *testing.T) {
	d := newColdTest(t, -1)
	for i := range 3 {
		d.pull(d.client, "greedy", i)
	}
	if len(d.jobs) != 1 {
		t.Fatalf("%d jobs of one group are away", len(d.jobs))
	}
	d.pull(d.client, "modest", 0)
	d.pull(d.client, "other", 0)
	if len(d.jobs) != coldAway {
		t.Fatalf("%d jobs are away, of %d", len(d.jobs), coldAway)
	}
	for range 5 {
		d.runOne()
	}
	d.want("greedy0 modest0 other0 greedy1 greedy2")
	if len(d.jobs) != 0 || len(d.cold.who) != 0 {
		t.Fatalf("left: %d jobs, %d readers", len(d.jobs), len(d.cold.who))
	}
}

func TestClientsWithoutAGroupAreReadersOfTheirOwn(t *testing.T) {
	d := newColdTest(t, -1)
	d.pull(d.client, "", 0)
	d.pull(d.client, "", 1)
	d.pull(d.Connect(ClientInfo{}), "", 2)
	for range 3 {
		d.runOne()
	}
	d.want("0 2 1")
}

func TestAColdReaderHasABudget(t *testing.T) {
	const budget = 2 * coldBody // bytes a second: one message may be read in advance, and half
	d := newColdTest(t, budget)
	for i := range 4 {
		d.pull(d.client, "greedy", i)
	}
	d.runOne()
	d.runOne() // now it has read more than its bytes
	d.want("greedy0 greedy1")
	if len(d.jobs) != 0 {
		t.Fatal("a reader without bytes reads on")
	}
	d.pull(d.client, "modest", 0)
	d.runOne()
	d.want("modest0")
	at, ok := d.NextAlarm()
	for ok && len(d.jobs) == 0 && at-d.time.Mono < 1000 {
		d.wait(max(at-d.time.Mono, 1))
		at, ok = d.NextAlarm()
	}
	if d.time.Mono > 1000+200 { // it owes some 200 bytes, a tenth of a second, and what else rings in between
		t.Fatalf("the next read comes after %d ms", d.time.Mono-1000)
	}
	d.runOne()
	d.want("greedy2")
	for range 100 {
		d.wait(100)
		for len(d.jobs) > 0 {
			d.runOne()
		}
	}
	d.want("greedy3")
	if len(d.cold.who) != 0 {
		t.Fatalf("%d readers are kept though they are idle", len(d.cold.who))
	}
}

func TestAStopAnswersReadersThatWaitForTheirBudget(t *testing.T) {
	d := newColdTest(t, 1)
	for i := range 3 {
		d.pull(d.client, "greedy", i)
	}
	d.runOne()
	d.Stop()
	for stopped := d.Step(); !stopped; stopped = d.Step() {
		for len(d.jobs) > 0 {
			d.runOne()
		}
		d.log.(*mem.Log).SyncStep()
	}
	d.want("greedy0 greedy1 greedy2")
}
