package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gantrymq/gantry/bench/histogram"
	"github.com/gantrymq/gantry/bench/report"
)

type options struct {
	label            report.Label
	brokers, topic   string
	out              string
	size, inflight   int
	replicas         int
	rate             float64
	warmup, duration time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.label.Row, "row", "kafka-send", "name of the row")
	flag.StringVar(&o.label.Server, "server", "plain", "name of the server")
	flag.IntVar(&o.label.Round, "round", 1, "number of the round")
	flag.StringVar(&o.out, "out", "", "directory for the result; empty: none is written")
	flag.StringVar(&o.brokers, "brokers", os.Getenv("GANTRY_WAL_BROKERS"), "brokers, with commas")
	flag.StringVar(&o.topic, "topic", "plain", "topic; made when missing")
	flag.IntVar(&o.replicas, "replicas", 1, "replicas of a topic that is made")
	flag.IntVar(&o.size, "size", 400, "bytes of a record: about what a message of 128 bytes takes in the log")
	flag.IntVar(&o.inflight, "inflight", 512, "records in flight")
	flag.Float64Var(&o.rate, "rate", 0, "records a second; 0: as many as go")
	flag.DurationVar(&o.warmup, "warmup", 3*time.Second, "load before the measured window")
	flag.DurationVar(&o.duration, "duration", 10*time.Second, "length of the measured window")
	flag.Parse()
	if err := run(context.Background(), &o); err != nil {
		fmt.Fprintln(os.Stderr, "kafka:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(o.brokers, ",")...),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(2*o.inflight),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := o.makeTopic(ctx, client); err != nil {
		return err
	}
	m := &measurement{client: client, o: o, value: make([]byte, o.size), from: time.Now().Add(o.warmup)}
	m.to = m.from.Add(o.duration)
	if o.rate > 0 {
		m.steadily(ctx)
	} else {
		m.closed(ctx)
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	return m.report()
}

func (o *options) makeTopic(ctx context.Context, client *kgo.Client) error {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = o.topic, 1, int16(o.replicas)
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, t)
	_, err := req.RequestWith(ctx, client) // that it exists will do
	return err
}

// measurement counts what is acknowledged within the window.
type measurement struct {
	client   *kgo.Client
	o        *options
	value    []byte
	from, to time.Time

	mu       sync.Mutex // guards the histogram
	latency  histogram.Histogram
	messages atomic.Int64
	errors   atomic.Int64
}

func (m *measurement) produce(ctx context.Context, began time.Time, then func()) {
	m.client.Produce(ctx, &kgo.Record{Topic: m.o.topic, Value: m.value}, func(_ *kgo.Record, err error) {
		now := time.Now()
		switch {
		case err != nil:
			m.errors.Add(1)
		case now.After(m.from) && now.Before(m.to):
			m.messages.Add(1)
			m.mu.Lock()
			m.latency.Record(now.Sub(began))
			m.mu.Unlock()
		}
		then()
	})
}

// closed keeps so many records in flight.
func (m *measurement) closed(ctx context.Context) {
	room := make(chan struct{}, m.o.inflight)
	for time.Now().Before(m.to) {
		room <- struct{}{}
		m.produce(ctx, time.Now(), func() { <-room })
	}
}

// steadily produces at the rate, whatever comes back. Latency runs from the intended time.
func (m *measurement) steadily(ctx context.Context) {
	step := time.Duration(float64(time.Second) / m.o.rate)
	for at := time.Now(); at.Before(m.to); at = at.Add(step) {
		if wait := time.Until(at); wait > 0 {
			time.Sleep(wait)
		}
		m.produce(ctx, at, func() {})
	}
}

func (m *measurement) report() error {
	r := report.Result{
		Label: m.o.label, Program: "bench/kafka", Seconds: m.o.duration.Seconds(),
		Messages: m.messages.Load(), Errors: m.errors.Load(), Latency: m.latency.Summary(),
	}
	r.PerSecond = float64(r.Messages) / r.Seconds
	fmt.Println(r.String())
	if m.o.out == "" {
		return nil
	}
	return r.Write(m.o.out)
}
