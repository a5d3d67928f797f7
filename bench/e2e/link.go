package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"github.com/gantrymq/gantry/bench/histogram"
	"github.com/gantrymq/gantry/bench/pace"
	"github.com/gantrymq/gantry/bench/report"
)

// A body begins with the run's number and the intended time of its send.
const stampSize = 16

// patience is how long the run waits for the first message, and for the last ones.
const patience = 60 * time.Second

// link is a producer and a push consumer with a server between them.
type link struct {
	o        *options
	run      uint64
	clock    *pace.Clock
	producer rocketmq.Producer
	consumer rocketmq.PushConsumer
	first    chan struct{} // closed by the first arrival

	mu         sync.Mutex // guards what follows
	begin, end time.Duration
	arrived    int64 // of the window, as are the histograms
	stored     int64
	errors     int64
	firstError error
	started    bool
	delivery   histogram.Histogram
	sends      histogram.Histogram
}

// newLink starts both clients.
func newLink(o *options) (*link, error) {
	l := &link{o: o, run: rand.Uint64(), clock: pace.NewClock(), first: make(chan struct{})}
	servers := primitive.NewPassthroughResolver([]string{o.namesrv})
	group := fmt.Sprintf("bench_e2e_%x", l.run)
	var err error
	l.consumer, err = rocketmq.NewPushConsumer(consumer.WithGroupName(group), consumer.WithNsResolver(servers))
	if err != nil {
		return nil, fmt.Errorf("new consumer: %w", err)
	}
	if err := l.consumer.Subscribe(o.topic, consumer.MessageSelector{}, l.receive); err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", o.topic, err)
	}
	l.producer, err = rocketmq.NewProducer(producer.WithGroupName("bench_e2e"), producer.WithNsResolver(servers))
	if err != nil {
		return nil, fmt.Errorf("new producer: %w", err)
	}
	if err := l.consumer.Start(); err != nil {
		return nil, fmt.Errorf("start consumer: %w", err)
	}
	if err := l.producer.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start producer: %w", err), l.consumer.Shutdown())
	}
	return l, nil
}

func (l *link) close() {
	_ = l.producer.Shutdown()
	_ = l.consumer.Shutdown()
}

func (l *link) setWindow(begin, end time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begin, l.end = begin, end
}

// receive is the consumer's callback.
func (l *link) receive(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range messages {
		if len(m.Body) < stampSize || binary.BigEndian.Uint64(m.Body) != l.run {
			continue // of an earlier run on the same topic
		}
		if !l.started {
			l.started = true
			close(l.first)
		}
		intended := time.Duration(binary.BigEndian.Uint64(m.Body[8:]))
		if intended >= l.begin && intended < l.end {
			l.arrived++
			l.delivery.Record(now - intended)
		}
	}
	return consumer.ConsumeSuccess, nil
}

// awaitFirst sends now and then until the consumer has its queues and a message has come through.
func (l *link) awaitFirst() error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		l.sendOne(l.clock.Now())
		select {
		case <-l.first:
			return nil
		case <-time.After(100 * time.Millisecond):
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(errors.New("no message arrived"), l.firstError)
}

// send keeps the rate until end. The pacer hands out intended times; the senders block in the client as an
// application's goroutines do.
func (l *link) send(end time.Duration) {
	due := make(chan time.Duration, int(l.o.rate)+1) // a second's worth: a server further behind slows the pacer, and the latencies show it
	var senders sync.WaitGroup
	for range l.o.senders {
		senders.Go(func() {
			for at := range due {
				l.sendOne(at)
			}
		})
	}
	s := l.clock.NewSleeper(20 * time.Microsecond)
	defer s.Close()
	plan := pace.Schedule{Start: l.clock.Now(), Rate: l.o.rate}
	for i := int64(0); plan.At(i) < end; i++ {
		s.Until(plan.At(i))
		due <- plan.At(i)
	}
	close(due)
	senders.Wait()
}

func (l *link) sendOne(intended time.Duration) {
	body := make([]byte, l.o.size)
	binary.BigEndian.PutUint64(body, l.run)
	binary.BigEndian.PutUint64(body[8:], uint64(intended))
	_, err := l.producer.SendSync(context.Background(), primitive.NewMessage(l.o.topic, body))
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.errors++
		if l.firstError == nil {
			l.firstError = err
		}
		return
	}
	if intended >= l.begin && intended < l.end {
		l.stored++
		l.sends.Record(now - intended)
	}
}

// awaitAll waits until everything that was stored has arrived.
func (l *link) awaitAll() {
	for end := time.Now().Add(patience); l.missing() > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

func (l *link) missing() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stored - l.arrived
}

// fill takes what was counted into the result.
func (l *link) fill(r *report.Result) {
	lost := l.missing()
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Messages = l.arrived
	r.PerSecond = float64(l.arrived) / l.o.duration.Seconds()
	r.Latency = l.delivery.Summary()
	r.Send = l.sends.Summary()
	r.Errors = l.errors
	if l.firstError != nil {
		r.FirstError = l.firstError.Error()
	}
	if lost != 0 {
		r.Errors += max(lost, -lost)
		r.FirstError = fmt.Sprintf("%d messages stored and not received", lost)
	}
}
