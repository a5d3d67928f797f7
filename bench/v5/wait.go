package main

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/gantrymq/gantry/bench/pace"
	"github.com/gantrymq/gantry/bench/report"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// runParked is the mode parked: sends at a low rate while receives wait; the latency is from the send's begin to the
// message.
func runParked(ctx context.Context, o *options) (*report.Result, error) {
	return runPaced(ctx, o, func(_ *apis.Message, now time.Duration) time.Duration { return now })
}

// runDelay is the mode delay: messages are due a while after their send, many a second; the latency is how late they are.
func runDelay(ctx context.Context, o *options) (*report.Result, error) {
	const ahead = 3 * time.Second
	o.warmup = max(o.warmup, ahead)
	return runPaced(ctx, o, func(m *apis.Message, now time.Duration) time.Duration {
		at := time.Now().Add(ahead).Truncate(time.Millisecond) // the resolution of a delivery time
		m.SystemProperties.MessageType = apis.MessageType_DELAY
		m.SystemProperties.DeliveryTimestamp = timestamppb.New(at)
		return now + time.Until(at)
	})
}

// runPaced sends at the rate and counts, for each message, how long after its stamp it has come. prepare changes a message
// and returns its stamp.
func runPaced(ctx context.Context, o *options, prepare func(*apis.Message, time.Duration) time.Duration) (*report.Result, error) {
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
			all.Go(func() {
				for !w.over() {
					got, err := c.receive(ctx, 32, 5*time.Second)
					now := w.clock.Now()
					for _, m := range got {
						if late := now - stamp(m); late >= 0 {
							t.count(w, now, late, 1)
						} else {
							t.fail(errEarly)
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
			})
		}
		sendPaced(ctx, o, clients, w, t, prepare)
		all.Wait()
	})
}

type early struct{}

func (early) Error() string { return "a message came before its time" }

var errEarly = early{}

// sendPaced sends at the rate, by as many goroutines as there may be calls at once.
func sendPaced(ctx context.Context, o *options, clients []*client, w window, t *tally, prepare func(*apis.Message, time.Duration) time.Duration) {
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
			m := c.message(0)
			stampBody(m, prepare(m, w.clock.Now()))
			if err := c.send(ctx, m); err != nil {
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
