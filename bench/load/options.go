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

// options are the settings of a run. Each mode takes those that concern it.
type options struct {
	label   report.Label
	out     string
	command string

	namesrv     string
	topic       string
	kind        string // of a topic's messages; empty: unsaid
	group       string
	topics      int
	queues      int
	connections int
	inflight    int
	size        int
	batch       int
	rate        float64
	messages    int64
	codec       codec
	stamped     bool // bodies carry the intended time; set by push

	warmup   time.Duration
	duration time.Duration
	hiccup   time.Duration
	spin     time.Duration

	pids    []int
	metrics string
	log     string
	args    []string // the command of start
}

func parseOptions(mode string, args []string) (*options, error) {
	o := &options{command: mode + " " + strings.Join(args, " ")}
	f := flag.NewFlagSet("load "+mode, flag.ContinueOnError)
	f.StringVar(&o.label.Row, "row", mode, "name of the row of the table")
	f.StringVar(&o.label.Server, "server", "server", "name of the server")
	f.IntVar(&o.label.Round, "round", 1, "number of the round")
	f.StringVar(&o.out, "out", "", "directory for the result; empty: none is written")
	f.StringVar(&o.namesrv, "namesrv", "127.0.0.1:9876", "address of the name server")
	f.StringVar(&o.topic, "topic", "Bench", "topic; created when missing")
	f.StringVar(&o.kind, "type", "", "type of the messages of a topic that is created: NORMAL, FIFO, DELAY (topic)")
	f.StringVar(&o.group, "group", "", "consumer group to create (group)")
	f.IntVar(&o.topics, "topics", 1, "topics; above 1 they are called TOPIC-0, TOPIC-1, ... (send, fill)")
	f.IntVar(&o.queues, "queues", 8, "queues of a topic that is created")
	f.IntVar(&o.connections, "connections", 8, "connections")
	f.IntVar(&o.inflight, "inflight", 64, "requests in flight on each connection (send, pull)")
	f.IntVar(&o.size, "size", 128, "bytes of a body")
	f.IntVar(&o.batch, "batch", 1, "messages in a request; above 1 they are sent as a batch")
	f.Float64Var(&o.rate, "rate", 2000, "messages a second (rate, push)")
	f.Int64Var(&o.messages, "messages", 1_000_000, "messages that the topic is filled with (pull, fill)")
	header := f.String("header", "binary", "serialization of headers: binary or json")
	f.DurationVar(&o.warmup, "warmup", 3*time.Second, "load before the measured window")
	f.DurationVar(&o.duration, "duration", 10*time.Second, "length of the measured window")
	f.DurationVar(&o.hiccup, "hiccup", time.Second, "how long the idle machine's hiccups are measured before the load; 0: not")
	f.DurationVar(&o.spin, "spin", 20*time.Microsecond, "busy end of each wait between two intended times")
	pids := f.String("pids", "", "processes of the server, with commas between them")
	f.StringVar(&o.metrics, "metrics", "", "address of a Go server's /metrics, for its allocations")
	f.StringVar(&o.log, "log", "", "file for the output of the started server (start)")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.args = f.Args()
	var err error
	if o.pids, err = parsePIDs(*pids); err != nil {
		return nil, err
	}
	return o, o.validate(*header)
}

func (o *options) validate(header string) error {
	switch header {
	case "binary":
		o.codec = codecBinary
	case "json":
		o.codec = codecJSON
	default:
		return fmt.Errorf("-header %s: want binary or json", header)
	}
	if o.topics < 1 || o.queues < 1 || o.connections < 1 || o.inflight < 1 || o.size < 1 || o.batch < 1 || o.rate <= 0 {
		return errors.New("-topics, -queues, -connections, -inflight, -size, -batch and -rate must be positive")
	}
	return nil
}

func parsePIDs(text string) ([]int, error) {
	var pids []int
	for s := range strings.SplitSeq(text, ",") {
		if s == "" {
			continue
		}
		pid, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("-pids %s: %w", text, err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}
