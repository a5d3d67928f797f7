package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/rlog"

	"github.com/gantrymq/gantry/bench/pace"
	"github.com/gantrymq/gantry/bench/process"
	"github.com/gantrymq/gantry/bench/report"
)

// options are the settings of a run.
type options struct {
	label    report.Label
	out      string
	namesrv  string
	topic    string
	rate     float64
	size     int
	senders  int
	warmup   time.Duration
	duration time.Duration
	hiccup   time.Duration
	pids     []int
}

func parseOptions(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("e2e", flag.ContinueOnError)
	f.StringVar(&o.label.Row, "row", "e2e", "name of the row of the table")
	f.StringVar(&o.label.Server, "server", "server", "name of the server")
	f.IntVar(&o.label.Round, "round", 1, "number of the round")
	f.StringVar(&o.out, "out", "", "directory for the result; empty: none is written")
	f.StringVar(&o.namesrv, "namesrv", "127.0.0.1:9876", "address of the name server")
	f.StringVar(&o.topic, "topic", "BenchE2E", "topic; must exist, the client refuses to subscribe otherwise")
	f.Float64Var(&o.rate, "rate", 2000, "messages a second")
	f.IntVar(&o.size, "size", 128, "bytes of a body")
	f.IntVar(&o.senders, "senders", 16, "goroutines that send")
	f.DurationVar(&o.warmup, "warmup", 5*time.Second, "load before the measured window")
	f.DurationVar(&o.duration, "duration", 10*time.Second, "length of the measured window")
	f.DurationVar(&o.hiccup, "hiccup", 5*time.Second, "how long the idle machine's hiccups are measured before the load")
	pids := f.String("pids", "", "processes of the server, with commas between them")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	for s := range strings.SplitSeq(*pids, ",") {
		if s == "" {
			continue
		}
		pid, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("-pids %s: %w", *pids, err)
		}
		o.pids = append(o.pids, pid)
	}
	if o.size < stampSize || o.rate <= 0 || o.senders < 1 {
		return nil, fmt.Errorf("want -size of %d or more, and -rate and -senders above 0", stampSize)
	}
	return o, nil
}

func main() {
	rlog.SetLogLevel("error")
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	// The thread that paces must not wait until a sender leaves the only P.
	runtime.GOMAXPROCS(max(3, runtime.GOMAXPROCS(0)))
	r := &report.Result{Label: o.label, Program: "e2e (rocketmq-client-go)", Command: strings.Join(args, " "), Seconds: o.duration.Seconds()}
	if o.hiccup > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), o.hiccup)
		r.Idle = pace.Hiccup(ctx).Summary()
		cancel()
	}
	if err := measure(o, r); err != nil {
		return err
	}
	fmt.Println(r)
	if o.out == "" {
		return nil
	}
	return r.Write(o.out)
}

// measure runs the load and fills the result.
func measure(o *options, r *report.Result) error {
	l, err := newLink(o)
	if err != nil {
		return err
	}
	defer l.close()
	if err := l.awaitFirst(); err != nil {
		return err
	}
	begin := l.clock.Now() + o.warmup
	l.setWindow(begin, begin+o.duration)
	var sending sync.WaitGroup
	sending.Go(func() { l.send(begin + o.duration) })

	time.Sleep(begin - l.clock.Now())
	before, self, err := sample(o)
	if err != nil {
		return err
	}
	time.Sleep(begin + o.duration - l.clock.Now())
	after, selfAfter, err := sample(o)
	if err != nil {
		return err
	}
	sending.Wait()
	l.awaitAll()
	l.fill(r)
	r.Generator = process.Between(self, selfAfter, 0).Cores
	if len(o.pids) > 0 {
		u := process.Between(before, after, r.PerSecond)
		r.Usage = &u
	}
	return nil
}

func sample(o *options) (server, self process.Sample, err error) {
	if server, err = process.Take(o.pids); err != nil {
		return server, self, err
	}
	self, err = process.Take([]int{os.Getpid()})
	return server, self, err
}
