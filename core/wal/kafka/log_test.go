package kafka_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/kafka"
	"github.com/gantrymq/gantry/core/wal/waltest"
)

// deadline is how long a test waits for what should take milliseconds.
const deadline = 20 * time.Second

// owner is a log under test, and what was handed to it.
type owner struct {
	t       *testing.T
	log     *kafka.Log
	changed chan struct{}
	found   []string // payloads that Recover handed out
	next    wal.LSN
	time    int64
	frames  []string // found, and appended since
}

// own opens and recovers shard 0 on a machine.
func own(t *testing.T, m *machine) *owner {
	t.Helper()
	o, err := tryOwn(t, m)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func tryOwn(t *testing.T, m *machine) (*owner, error) {
	o := &owner{t: t, changed: make(chan struct{}, 1)}
	log, err := m.start().Open(0, func() {
		select {
		case o.changed <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return nil, err
	}
	o.log = log.(*kafka.Log)
	t.Cleanup(func() { _ = log.Close(false) })
	got, err := log.Recover(0, func(f wal.Frame) error {
		o.found = append(o.found, string(f.Payload))
		return nil
	})
	if err != nil {
		return nil, err
	}
	o.frames = append(o.frames, o.found...)
	o.next, o.time = got.End, got.StoreTime
	return o, nil
}

// hand appends a frame and does not wait.
func (o *owner) hand(payload string) {
	o.t.Helper()
	var flags uint16
	if o.next == 0 {
		flags = wal.FlagSegmentStart
	}
	o.time++
	b := waltest.Frame(o.next, o.time, flags, []byte(payload))
	if err := o.log.Append(o.next, b); err != nil {
		o.t.Fatalf("Append %s: %v", payload, err)
	}
	o.frames = append(o.frames, payload)
	o.next += wal.LSN(len(b))
}

// append appends frames and waits until they are written.
func (o *owner) append(payloads ...string) {
	o.t.Helper()
	for _, p := range payloads {
		o.hand(p)
	}
	o.written()
}

func (o *owner) written() {
	o.t.Helper()
	o.wait("all is written", func() bool {
		written, _, err := o.log.Progress()
		if err != nil {
			o.t.Fatalf("Progress: %v", err)
		}
		return written == o.next
	})
}

// failed waits until the log has ended, and returns why.
func (o *owner) failed() (why error) {
	o.t.Helper()
	o.wait("the log has failed", func() bool {
		_, _, why = o.log.Progress()
		return why != nil
	})
	return why
}

func (o *owner) wait(what string, done func() bool) {
	o.t.Helper()
	timeout := time.After(deadline)
	for !done() {
		select {
		case <-o.changed:
		case <-timeout:
			o.t.Fatalf("not yet, and nobody notified: %s; %+v", what, o.log.Stats())
		}
	}
}

// sees checks that a new owner on another machine finds just these frames.
func (c *cluster) sees(want []string) {
	c.t.Helper()
	o := own(c.t, c.machine())
	if fmt.Sprint(o.found) != fmt.Sprint(want) {
		c.t.Errorf("the log holds %d frames, want %d:\n got %.300q\nwant %.300q", len(o.found), len(want), o.found, want)
	}
	if err := o.log.Close(true); err != nil {
		c.t.Error(err)
	}
}
