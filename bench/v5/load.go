package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/bench/report"
)

// runSend is the mode send: unary sends of one message each.
func runSend(ctx context.Context, o *options) (*report.Result, error) {
	clients, err := dialAll(ctx, o, o.conns)
	if err != nil {
		return nil, err
	}
	return o.measure(ctx, func(ctx context.Context, w window, t *tally) {
		var all sync.WaitGroup
		for _, c := range clients {
			for range o.inflight {
				all.Go(func() {
					for !w.over() {
						began := w.clock.Now()
						if err := c.send(ctx, c.message(began)); err != nil {
							t.fail(err)
							return
						}
						now := w.clock.Now()
						t.count(w, now, now-began, 1)
					}
				})
			}
		}
		all.Wait()
	})
}

// runMixed is the mode mixed: unary sends, receives, and a unary ack of each message, all at once. A message counts when
// its ack is answered; its latency is from its send. Sends stop while too many messages wait, so that the figure is what
// the server can do of all three.
func runMixed(ctx context.Context, o *options) (*report.Result, error) {
	clients, err := dialAll(ctx, o, o.conns)
	if err != nil {
		return nil, err
	}
	if err := clients[0].begin(ctx); err != nil {
		return nil, err
	}
	return o.measure(ctx, func(ctx context.Context, w window, t *tally) {
		var all sync.WaitGroup
		var open atomic.Int64 // sent and not acked
		for _, c := range clients {
			for range o.inflight {
				all.Go(func() { keepSending(ctx, c, w, t, &open) })
			}
			for range 2 {
				all.Go(func() { keepConsuming(ctx, c, w, t, &open) })
			}
		}
		all.Wait()
	})
}

func keepSending(ctx context.Context, c *client, w window, t *tally, open *atomic.Int64) {
	for !w.over() {
		if open.Load() >= c.o.backlog {
			time.Sleep(time.Millisecond)
			continue
		}
		open.Add(1)
		if err := c.send(ctx, c.message(w.clock.Now())); err != nil {
			t.fail(err)
			return
		}
	}
}

// keepConsuming acks the messages of one answer by calls of one message each, as many at once as the sends are.
func keepConsuming(ctx context.Context, c *client, w window, t *tally, open *atomic.Int64) {
	slots := make(chan struct{}, c.o.inflight)
	var acks sync.WaitGroup
	defer acks.Wait()
	for !w.over() {
		got, err := c.receive(ctx, 32, 5*time.Second)
		if err != nil {
			t.fail(err)
			return
		}
		for _, m := range got {
			slots <- struct{}{}
			acks.Go(func() {
				defer func() { <-slots }()
				if err := c.ack(ctx, m); err != nil {
					t.fail(err)
					return
				}
				open.Add(-1)
				now := w.clock.Now()
				t.count(w, now, now-stamp(m), 1)
			})
		}
	}
}

// runDrain is the mode drain: a topic is filled, then receives of 32 and one ack for each answer empty it. It ends when it
// is empty, however long that takes: the window is what it took.
func runDrain(ctx context.Context, o *options) (*report.Result, error) {
	clients, err := dialAll(ctx, o, o.conns)
	if err != nil {
		return nil, err
	}
	if !o.floor {
		if err := clients[0].begin(ctx); err != nil {
			return nil, err
		}
		if err := fill(ctx, o, clients); err != nil {
			return nil, err
		}
	}
	r := o.result()
	before, err := o.sample()
	if err != nil {
		return nil, err
	}
	t, w := &tally{}, newWindow()
	var left atomic.Int64
	left.Store(int64(o.messages))
	var all sync.WaitGroup
	ctx, empty := context.WithCancel(ctx)
	defer empty()
	for _, c := range clients {
		for range o.inflight {
			all.Go(func() { drain(ctx, empty, c, w, t, &left) })
		}
	}
	all.Wait()
	after, err := o.sample()
	if err != nil {
		return nil, err
	}
	r.Seconds = after.server.At.Sub(before.server.At).Seconds()
	if len(o.pids) == 0 {
		r.Seconds = w.clock.Now().Seconds()
	}
	r.Messages, r.Errors = t.messages, t.errors
	if t.first != nil {
		r.FirstError = t.first.Error()
	}
	r.PerSecond = float64(r.Messages) / r.Seconds
	r.Latency = t.latency.Summary()
	o.fillUsage(r, before, after)
	return r, nil
}

func drain(ctx context.Context, empty func(), c *client, w window, t *tally, left *atomic.Int64) {
	for ctx.Err() == nil {
		began := w.clock.Now()
		got, err := c.receive(ctx, 32, 5*time.Second)
		if ctx.Err() != nil {
			return // the topic is empty
		}
		if err == nil && len(got) > 0 {
			err = c.ack(context.WithoutCancel(ctx), got...)
		}
		if err != nil {
			t.fail(err)
			return
		}
		if len(got) == 0 {
			continue
		}
		now := w.clock.Now()
		t.count(w, now, now-began, len(got))
		if left.Add(-int64(len(got))) <= 0 {
			empty()
		}
	}
}
