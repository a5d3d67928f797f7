package main

import (
	"fmt"
	"time"

	"github.com/gantrymq/gantry/bench/report"
)

// runWatch is the mode watch: it counts what other programs store in a topic, by the ends of its queues, and what the
// server spends on it.
func runWatch(o *options) (*report.Result, error) {
	rt, err := ensureTopic(o.namesrv, o.topic, o.queues)
	if err != nil {
		return nil, err
	}
	time.Sleep(o.warmup)
	c, err := dialControl(rt.addr) // not before: servers close a connection that says nothing
	if err != nil {
		return nil, err
	}
	defer c.close()
	first, at, err := o.storedAt(c, rt)
	if err != nil {
		return nil, err
	}
	before, err := o.sample()
	if err != nil {
		return nil, err
	}
	time.Sleep(o.duration)
	after, err := o.sample()
	if err != nil {
		return nil, err
	}
	last, end, err := o.storedAt(c, rt)
	if err != nil {
		return nil, err
	}
	if last == first {
		return nil, fmt.Errorf("nothing was stored in %s in %v", o.topic, o.duration)
	}
	r := &report.Result{Label: o.label, Program: "load", Command: o.command, Seconds: end.Sub(at).Seconds(), Messages: last - first}
	r.PerSecond = float64(r.Messages) / r.Seconds
	o.fillUsage(r, before, after)
	r.Generator = 0 // this program only watched
	return r, nil
}

// storedAt counts the topic's messages, and says when: halfway through the questions.
func (o *options) storedAt(c *control, rt route) (int64, time.Time, error) {
	asked := time.Now()
	n, err := c.stored(o.topic, rt)
	return n, asked.Add(time.Since(asked) / 2), err
}

// runIdle is the mode idle: nothing happens, and it measures what the machine and a server do then. The hiccups come
// first, so that counting them does not disturb the server's rest.
func runIdle(o *options) (*report.Result, error) {
	r := &report.Result{Label: o.label, Program: "load", Command: o.command, Seconds: o.duration.Seconds()}
	if o.hiccup > 0 {
		r.Idle = hiccups(o.hiccup)
	}
	if len(o.pids) == 0 {
		return r, nil
	}
	time.Sleep(o.warmup)
	o.metrics = "" // a scrape would be activity
	before, err := o.sample()
	if err != nil {
		return nil, err
	}
	time.Sleep(o.duration)
	after, err := o.sample()
	if err != nil {
		return nil, err
	}
	o.fillUsage(r, before, after)
	r.Generator = 0
	return r, nil
}
