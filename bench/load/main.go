package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"

	"github.com/gantrymq/gantry/bench/report"
)

// mode is one sub-command.
type mode struct {
	run func(*options) (*report.Result, error)
	// procs is the least GOMAXPROCS. A thread that paces or measures must not wait until another goroutine leaves the
	// only P.
	procs int
}

func modes() map[string]mode {
	return map[string]mode{
		"send":  {runSend, 1},
		"fill":  {runFill, 1},
		"pull":  {runPull, 1},
		"rate":  {runRate, 3},
		"push":  {runPush, 3},
		"watch": {runWatch, 1},
		"idle":  {runIdle, 2},
		"start": {runStart, 1},
		"topic": {runTopic, 1},
		"group": {runGroup, 1},
	}
}

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("want a mode: send, fill, rate, pull, push, watch, idle, start, topic or group")
	}
	m, ok := modes()[args[0]]
	if !ok {
		return fmt.Errorf("no mode %s", args[0])
	}
	o, err := parseOptions(args[0], args[1:])
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(max(m.procs, runtime.GOMAXPROCS(0)))
	r, err := m.run(o)
	if err != nil || r == nil {
		return err
	}
	fmt.Println(r)
	if o.out == "" {
		return nil
	}
	return r.Write(o.out)
}

// runTopic is the mode topic. It has no result.
func runTopic(o *options) (*report.Result, error) {
	_, err := ensureTopicOf(o.namesrv, o.topic, o.queues, o.kind)
	return nil, err
}

// runGroup is the mode group: the topic's broker gets a consumer group. It has no result.
func runGroup(o *options) (*report.Result, error) {
	rt, err := ensureTopic(o.namesrv, "TBW102", o.queues)
	if err != nil {
		return nil, err
	}
	broker, err := dialControl(rt.addr)
	if err != nil {
		return nil, err
	}
	defer broker.close()
	return nil, broker.putGroup(o.group)
}
