package main

import (
	"context"
	"os"
	"time"

	"github.com/gantrymq/gantry/bench/histogram"
	"github.com/gantrymq/gantry/bench/pace"
	"github.com/gantrymq/gantry/bench/process"
	"github.com/gantrymq/gantry/bench/report"
)

// window is the part of a run that counts, on the run's clock. What ends before begin is warm-up; from end on nothing
// new is sent.
type window struct {
	clock      *pace.Clock
	begin, end time.Duration
}

func (w window) counts(t time.Duration) bool { return t >= w.begin && t < w.end }

// tally is what one connection, or a whole run, has counted within the window.
type tally struct {
	messages int64
	total    int64 // of an open loop: sends from its beginning on, warm-up included
	errors   int64 // in the window or not: a benchmark has no tolerable ones
	first    error // of them
	latency  histogram.Histogram
}

func (t *tally) fail(err error) {
	t.errors++
	if t.first == nil {
		t.first = err
	}
}

func (t *tally) merge(o *tally) {
	t.messages += o.messages
	t.total += o.total
	t.errors += o.errors
	if t.first == nil {
		t.first = o.first
	}
	t.latency.Merge(&o.latency)
}

// measure runs a load with a warm-up and a window, and samples the server at both ends of the window.
func (o *options) measure(load func(window) (*tally, error)) (*report.Result, error) {
	r := &report.Result{Label: o.label, Program: "load", Command: o.command, Seconds: o.duration.Seconds()}
	if o.hiccup > 0 {
		r.Idle = hiccups(o.hiccup)
	}
	clock := pace.NewClock()
	w := window{clock: clock, begin: clock.Now() + o.warmup}
	w.end = w.begin + o.duration

	type outcome struct {
		tally *tally
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		t, err := load(w)
		done <- outcome{t, err}
	}()
	time.Sleep(w.begin - clock.Now())
	before, err := o.sample()
	if err != nil {
		return nil, err
	}
	time.Sleep(w.end - clock.Now())
	after, err := o.sample()
	if err != nil {
		return nil, err
	}
	got := <-done
	if got.err != nil {
		return nil, got.err
	}
	r.Messages = got.tally.messages
	r.Errors = got.tally.errors
	if got.tally.first != nil {
		r.FirstError = got.tally.first.Error()
	}
	r.PerSecond = float64(got.tally.messages) / o.duration.Seconds()
	r.Latency = got.tally.latency.Summary()
	o.fillUsage(r, before, after)
	return r, nil
}

// sample is the state of the server and of this program at one moment.
type sample struct {
	server  process.Sample
	self    process.Sample
	mallocs float64
}

func (o *options) sample() (s sample, err error) {
	if o.metrics != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if s.mallocs, err = process.Mallocs(ctx, o.metrics); err != nil {
			return s, err
		}
	}
	if s.server, err = process.Take(o.pids); err != nil {
		return s, err
	}
	s.self, err = process.Take([]int{os.Getpid()})
	return s, err
}

func (o *options) fillUsage(r *report.Result, before, after sample) {
	r.Generator = process.Between(before.self, after.self, 0).Cores
	if len(o.pids) == 0 {
		return
	}
	u := process.Between(before.server, after.server, r.PerSecond)
	if n := r.PerSecond * after.server.At.Sub(before.server.At).Seconds(); n >= 1 {
		u.AllocsPerMessage = (after.mallocs - before.mallocs) / n
	}
	r.Usage = &u
}

// hiccups measures the machine's for a while.
func hiccups(d time.Duration) *histogram.Summary {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return pace.Hiccup(ctx).Summary()
}
