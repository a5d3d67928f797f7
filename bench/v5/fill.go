package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/bench/pace"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/gantrymq/gantry/bench/report"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// newWindow is one that has begun and ends with the run.
func newWindow() window {
	clock := pace.NewClock()
	return window{clock: clock, begin: clock.Now(), end: 24 * time.Hour}
}

// fill sends o.messages, by unary calls: Apache acknowledges batches otherwise than it stores them.
func fill(ctx context.Context, o *options, clients []*client) error {
	return fillWith(ctx, o, clients, func(*apis.Message) {})
}

func fillWith(ctx context.Context, o *options, clients []*client, change func(*apis.Message)) error {
	var left atomic.Int64
	left.Store(int64(o.messages))
	t := &tally{}
	var all sync.WaitGroup
	for _, c := range clients {
		for range 32 {
			all.Go(func() {
				for left.Add(-1) >= 0 {
					m := c.message(0)
					change(m)
					if err := c.send(ctx, m); err != nil {
						t.fail(err)
						return
					}
				}
			})
		}
	}
	all.Wait()
	return t.first
}

// runPending is the mode pending: delayed messages that are not due for long, and what they make the server hold.
func runPending(ctx context.Context, o *options) (*report.Result, error) {
	clients, err := dialAll(ctx, o, o.conns)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	err = fillWith(ctx, o, clients, func(m *apis.Message) {
		m.SystemProperties.MessageType = apis.MessageType_DELAY
		m.SystemProperties.DeliveryTimestamp = timestamppb.New(time.Now().Add(o.ahead))
	})
	if err != nil {
		return nil, err
	}
	r := o.result()
	r.Messages, r.Seconds = int64(o.messages), time.Since(began).Seconds()
	r.PerSecond = float64(r.Messages) / r.Seconds
	o.duration = 10 * time.Second
	w := newWindow()
	w.end = w.begin + o.duration
	before, after, err := o.sampleBoth(w)
	if err != nil {
		return nil, err
	}
	o.fillUsage(r, before, after)
	return r, nil
}
