package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/gantrymq/gantry/bench/pace"
	"github.com/gantrymq/gantry/bench/report"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// runParked is the mode parked: sends at a low rate while receives wait; the latency is from the send's begin to the
// message.
func runParked(ctx context.Context, o *options) (*report.Result, error) {
	return runPaced(ctx, o)
}

// runDelay is the mode delay: messages that are due at the rate, all sent before the first is; the latency is how late they
// are.
func runDelay(ctx context.Context, o *options) (*report.Result, error) {
	clients, err := dialAll(ctx, o, o.conns)
	if err != nil {
		return nil, err
	}
	if err := clients[0].begin(ctx); err != nil {
		return nil, err
	}
	idle := o.result().Idle
	o.messages = int(o.rate * o.duration.Seconds())
	// Far enough for the sends to be over: few servers take less than 1,500 unary sends a second.
	first := time.Now().Add(time.Duration(o.messages)*time.Second/1500 + 5*time.Second).Truncate(time.Millisecond)
	clock, s := pace.NewClock(), pace.Schedule{Rate: o.rate}
	w := window{clock: clock, begin: clock.Now() + time.Until(first)}
	w.end = w.begin + o.duration
	var next atomic.Int64
	err = fillWith(ctx, o, clients, func(m *apis.Message) {
		due := s.At(next.Add(1) - 1).Truncate(time.Millisecond) // the resolution of a delivery time
		m.SystemProperties.MessageType = apis.MessageType_DELAY
		m.SystemProperties.DeliveryTimestamp = timestamppb.New(first.Add(due))
		stampBody(m, w.begin+due)
	})
	if err != nil {
		return nil, err
	}
	if clock.Now() >= w.begin {
		return nil, errors.New("the sends took longer than the first delivery time was ahead")
	}
	r, err := o.measureIn(ctx, w, func(ctx context.Context, w window, t *tally) {
		var all sync.WaitGroup
		for _, c := range clients {
			for range 4 {
				all.Go(func() { keepReceiving(ctx, c, w, t) })
			}
		}
		all.Wait()
	})
	if err == nil {
		r.Idle = idle
	}
	return r, err
}

// runPaced sends at the rate and counts, for each message, how long after its stamp it has come.
func runPaced(ctx context.Context, o *options) (*report.Result, error) {
	clients, err := dialAll(ctx, o, o.conns)
	if err != nil {
		return nil, err
	}
	if err := clients[0].begin(ctx); err != nil {
		return nil, err
	}
	return o.measure(ctx, func(ctx context.Context, w window, t *tally) {
		var all sync.WaitGroup
		for _, c := range clients {
			all.Go(func() { keepReceiving(ctx, c, w, t) })
		}
		sendPaced(ctx, o, clients, w, t)
		all.Wait()
	})
}

// keepReceiving counts how long after its stamp each message has come, and acks them.
func keepReceiving(ctx context.Context, c *client, w window, t *tally) {
	for !w.over() {
		got, err := c.receive(ctx, 32, 5*time.Second)
		now := w.clock.Now()
		for _, m := range got {
			if late := now - stamp(m); late >= 0 {
				t.count(w, now, late, 1)
			} else {
				t.fail(fmt.Errorf("a message came %v before its time", -late))
			}
		}
		if err == nil && len(got) > 0 {
			err = c.ack(ctx, got...)
		}
		if err != nil {
			t.fail(err)
			return
		}
	}
}

// sendPaced sends at the rate, by as many goroutines as there may be calls at once.
func sendPaced(ctx context.Context, o *options, clients []*client, w window, t *tally) {
	s, start := pace.Schedule{Rate: o.rate}, w.clock.Now()
	slots := make(chan struct{}, o.conns*o.inflight)
	sleeper := w.clock.NewSleeper(0)
	defer sleeper.Close()
	for i := int64(0); !w.over(); i++ {
		sleeper.Until(start + s.At(i))
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			c := clients[i%int64(len(clients))]
			if err := c.send(ctx, c.message(w.clock.Now())); err != nil {
				t.fail(err)
			}
		}()
	}
	for range cap(slots) {
		slots <- struct{}{}
	}
}

// runPolls is the mode polls: receives that wait at an empty topic, o.messages of them, and what they make the server
// hold.
func runPolls(ctx context.Context, o *options) (*report.Result, error) {
	clients, err := dialAll(ctx, o, o.conns)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	t := &tally{}
	var all sync.WaitGroup
	for i := range o.messages {
		c := clients[i%len(clients)]
		all.Go(func() {
			for ctx.Err() == nil {
				if _, err := c.receive(ctx, 32, 20*time.Second); err != nil && ctx.Err() == nil {
					t.fail(err)
					return
				}
			}
		})
	}
	r := o.result()
	w := newWindow()
	w.begin += 5 * time.Second // until all wait
	w.end = w.begin + o.duration
	before, after, err := o.sampleBoth(w)
	cancel()
	all.Wait()
	if err != nil {
		return nil, err
	}
	if r.Errors = t.errors; t.first != nil {
		r.FirstError = t.first.Error()
	}
	o.fillUsage(r, before, after)
	return r, nil
}
