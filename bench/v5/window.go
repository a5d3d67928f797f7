package main

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/gantrymq/gantry/bench/histogram"
	"github.com/gantrymq/gantry/bench/pace"
	"github.com/gantrymq/gantry/bench/process"
	"github.com/gantrymq/gantry/bench/report"
)

// window is the part of a run that counts, on the run's clock.
type window struct {
	clock      *pace.Clock
	begin, end time.Duration
}

func (w window) counts(t time.Duration) bool { return t >= w.begin && t < w.end }
func (w window) over() bool                  { return w.clock.Now() >= w.end }

// tally is what a run has counted.
type tally struct {
	mu       sync.Mutex
	messages int64 // guarded by mu, like all below; of the window
	errors   int64 // in the window or not
	first    error
	latency  histogram.Histogram
}

// count takes messages that ended at a time, the latency of each being d.
func (t *tally) count(w window, at, d time.Duration, n int) {
	if !w.counts(at) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.messages += int64(n)
	t.latency.RecordN(d, uint64(n))
}

func (t *tally) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errors++
	if t.first == nil {
		t.first = err
	}
}

// measure runs a load with a warm-up and a window, and samples the server at both ends of the window. The load ends by
// itself once the window is over.
func (o *options) measure(ctx context.Context, load func(context.Context, window, *tally)) (*report.Result, error) {
	idle := o.result().Idle
	clock := pace.NewClock()
	w := window{clock: clock, begin: clock.Now() + o.warmup}
	w.end = w.begin + o.duration
	r, err := o.measureIn(ctx, w, load)
	if err == nil {
		r.Idle = idle
	}
	return r, err
}

// measureIn is measure in a window that is known.
func (o *options) measureIn(ctx context.Context, w window, load func(context.Context, window, *tally)) (*report.Result, error) {
	r := &report.Result{Label: o.label, Program: "v5", Command: o.command, Seconds: o.duration.Seconds()}
	t := &tally{}
	var loading sync.WaitGroup
	loading.Go(func() { load(ctx, w, t) })
	before, after, err := o.sampleBoth(w)
	loading.Wait()
	if err != nil {
		return nil, err
	}
	r.Messages, r.Errors = t.messages, t.errors
	if t.first != nil {
		r.FirstError = t.first.Error()
	}
	r.PerSecond = float64(t.messages) / o.duration.Seconds()
	r.Latency = t.latency.Summary()
	o.fillUsage(r, before, after)
	return r, nil
}

// result begins one, with the hiccups of the machine while it is idle.
func (o *options) result() *report.Result {
	r := &report.Result{Label: o.label, Program: "v5", Command: o.command, Seconds: o.duration.Seconds()}
	if o.hiccup > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), o.hiccup)
		defer cancel()
		r.Idle = pace.Hiccup(ctx).Summary()
	}
	return r
}

// sample is the state of the server and of this program at one moment.
type sample struct {
	server, self process.Sample
	mallocs      float64
}

func (o *options) sampleBoth(w window) (before, after sample, err error) {
	time.Sleep(w.begin - w.clock.Now())
	if before, err = o.sample(); err != nil {
		return before, after, err
	}
	time.Sleep(w.end - w.clock.Now())
	after, err = o.sample()
	return before, after, err
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
