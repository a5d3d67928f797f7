package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/bench/report"
)

// suspend is how long a pull may wait in the server: what the Java push consumer asks for.
const suspend = 15 * time.Second

// follower reads a topic as a push consumer does: one long poll per queue, all on one connection, each renewed as soon
// as it is answered.
type follower struct {
	window
	o        *options
	rt       route
	conn     *conn
	offsets  []int64 // by queue: the next one wanted
	received atomic.Int64
	tally    tally // its goroutine only
}

// newFollower starts at the present end of every queue.
func newFollower(w window, o *options, rt route) (*follower, error) {
	c, err := dialControl(rt.addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	f := &follower{window: w, o: o, rt: rt, offsets: make([]int64, rt.queues)}
	for q := range f.offsets {
		if f.offsets[q], err = c.maxOffset(o.topic, rt, q); err != nil {
			return nil, err
		}
	}
	f.conn, err = dial(rt.addr)
	return f, err
}

// run follows until the connection is closed.
func (f *follower) run() error {
	for q := range f.offsets {
		f.ask(q)
	}
	for {
		if err := f.conn.flush(); err != nil {
			return unlessClosed(err)
		}
		if err := f.conn.fill(); err != nil {
			return unlessClosed(err)
		}
		now := f.clock.Now()
		for {
			a, ok, err := f.conn.next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if err := f.take(a, now); err != nil {
				return err
			}
		}
	}
}

// ask appends the next long poll of a queue. The queue's number is its opaque.
func (f *follower) ask(queue int) {
	fields := pullFields(f.o.topic, f.rt.broker, queue, f.offsets[queue], suspend)
	f.conn.out = appendFrame(f.conn.out, f.o.codec, codePull, int32(opaqueBase+queue), fields, nil)
}

func (f *follower) take(a answer, now time.Duration) error {
	if !a.response {
		return nil
	}
	queue := int(a.opaque) - opaqueBase
	if queue < 0 || queue >= len(f.offsets) {
		return fmt.Errorf("answer to opaque %d, which was never sent", a.opaque)
	}
	switch a.code {
	case codeSuccess, codePullNotFound, codePullAgain, codeOffsetMoved:
	default:
		return fmt.Errorf("long poll of queue %d: code %d", queue, a.code)
	}
	next, err := a.number("nextBeginOffset")
	if err != nil {
		return err
	}
	if a.code == codeSuccess {
		err = f.deliver(a.body, now)
	}
	f.offsets[queue] = next
	f.ask(queue)
	return err
}

// deliver counts the messages of one answer.
func (f *follower) deliver(body []byte, now time.Duration) error {
	for len(body) > 0 {
		m, rest, err := nextMessage(body)
		if err != nil {
			return err
		}
		body = rest
		intended, ok := stampOf(m.body)
		if !ok {
			return fmt.Errorf("message at queue offset %d is not one of this run", m.queueOffset)
		}
		f.received.Add(1)
		if f.counts(intended) {
			f.tally.messages++
			f.tally.latency.Record(now - intended)
		}
	}
	return nil
}

// runPush is the mode push: sends at a rate, and the time from the intended send to the arrival at a consumer.
func runPush(o *options) (*report.Result, error) {
	if o.size < stampSize {
		return nil, fmt.Errorf("-size %d: a body needs %d bytes for its time", o.size, stampSize)
	}
	o.stamped = true
	rt, err := ensureTopic(o.namesrv, o.topic, o.queues)
	if err != nil {
		return nil, err
	}
	var sends *tally
	r, err := o.measure(func(w window) (*tally, error) {
		f, err := newFollower(w, o, rt)
		if err != nil {
			return nil, err
		}
		ended := make(chan error, 1)
		go func() { ended <- f.run() }()
		if sends, err = openLoop(w, o, rt); err != nil {
			f.conn.close()
			<-ended
			return nil, err
		}
		return f.finish(sends, ended)
	})
	if err != nil {
		return nil, err
	}
	r.Send = sends.latency.Summary()
	return r, nil
}

// finish waits until everything that was sent has arrived too, and ends the follower.
func (f *follower) finish(sends *tally, ended <-chan error) (*tally, error) {
	for end := time.Now().Add(stall); f.received.Load() < sends.total-sends.errors && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	f.conn.close()
	if err := <-ended; err != nil {
		return nil, err
	}
	f.tally.errors += sends.errors
	f.tally.first = sends.first
	if lost := sends.messages - f.tally.messages; lost != 0 {
		f.tally.fail(fmt.Errorf("%d messages were sent and not received", lost))
	}
	return &f.tally, nil
}
