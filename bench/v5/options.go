package main

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/bench/report"
)

// options are the settings of a run.
type options struct {
	mode     string
	label    report.Label
	command  string
	out      string
	addr     string // of the gRPC server
	metrics  string
	topic    string
	group    string
	size     int
	conns    int
	inflight int // sends at once on each connection
	messages int
	ahead    time.Duration // pending: how far ahead delivery times are
	rate     float64
	backlog  int64 // mixed: sends stop while so many messages wait
	warmup   time.Duration
	duration time.Duration
	hiccup   time.Duration
	pids     []int
	floor    bool // the server is the empty one: there is nothing to fill, or to begin
}

func parseOptions(args []string) (*options, error) {
	if len(args) == 0 {
		return nil, errors.New("want a mode: send, mixed, drain, parked, delay, pending, polls or empty")
	}
	o := &options{mode: args[0], command: strings.Join(args, " ")}
	f := flag.NewFlagSet("v5", flag.ContinueOnError)
	f.StringVar(&o.label.Row, "row", "v5", "name of the row of the table")
	f.StringVar(&o.label.Server, "server", "server", "name of the server")
	f.IntVar(&o.label.Round, "round", 1, "number of the round")
	f.StringVar(&o.out, "out", "", "directory for the result; empty: none is written")
	f.StringVar(&o.addr, "addr", "127.0.0.1:8081", "address of the server; empty: where to listen")
	f.StringVar(&o.metrics, "metrics", "", "address of the server's /metrics, if it has one")
	f.StringVar(&o.topic, "topic", "BenchV5", "topic; must exist")
	f.StringVar(&o.group, "group", "GID_bench_v5", "consumer group; must exist where a server asks for it")
	f.IntVar(&o.size, "size", 1024, "bytes of a body")
	f.IntVar(&o.conns, "connections", 4, "connections")
	f.IntVar(&o.inflight, "inflight", 16, "calls at once on each connection")
	f.IntVar(&o.messages, "messages", 200_000, "messages that wait before a drain, or are pending; polls that are parked")
	f.DurationVar(&o.ahead, "ahead", 24*time.Hour-time.Minute, "how far ahead pending messages are due")
	f.Float64Var(&o.rate, "rate", 200, "messages a second (parked, delay)")
	f.Int64Var(&o.backlog, "backlog", 4000, "messages that may wait while sends go on (mixed)")
	f.DurationVar(&o.warmup, "warmup", 5*time.Second, "load before the measured window")
	f.DurationVar(&o.duration, "duration", 10*time.Second, "length of the measured window")
	f.DurationVar(&o.hiccup, "hiccup", 2*time.Second, "how long the idle machine's hiccups are measured before the load")
	f.BoolVar(&o.floor, "floor", false, "the server is one of the mode empty")
	pids := f.String("pids", "", "processes of the server, with commas between them")
	if err := f.Parse(args[1:]); err != nil {
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
	if o.size < stampSize || o.conns < 1 || o.inflight < 1 || o.messages < 1 || o.rate <= 0 {
		return nil, fmt.Errorf("want -size of %d or more, and the other numbers above 0", stampSize)
	}
	return o, nil
}
