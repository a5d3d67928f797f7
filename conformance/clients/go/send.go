package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

func (p *program) producer(c command) (rocketmq.Producer, error) {
	group := c.Group
	if group == "" {
		group = "GID_producer"
	}
	opts := []producer.Option{
		producer.WithNsResolver(primitive.NewPassthroughResolver([]string{p.namesrv})),
		producer.WithGroupName(group),
		producer.WithInstanceName(instance("producer", c)),
		producer.WithRetry(2),
		producer.WithVIPChannel(c.VIP == 1),
	}
	if c.Random == 1 {
		opts = append(opts, producer.WithCompressMsgBodyOverHowmuch(1<<30))
	}
	if c.Queues > 0 {
		opts = append(opts, producer.WithQueueSelector(&firstQueues{count: c.Queues}))
	}
	pr, err := rocketmq.NewProducer(opts...)
	if err != nil {
		return nil, err
	}
	return pr, pr.Start()
}

// propertyMessageGroup is what v5 clients call the message group. This client's own sharding key has another name, which
// no other client reads.
const propertyMessageGroup = "__SHARDINGKEY"

// message is the i-th of a command: "prefix-i|xxxx" of the wanted size.
func message(c command, i int) *primitive.Message {
	prefix := c.Prefix
	if prefix == "" {
		prefix = "m"
	}
	body := []byte(prefix + "-" + strconv.Itoa(i) + "|")
	if pad := c.Size - len(body); pad > 0 {
		body = append(body, bytes.Repeat([]byte{'x'}, pad)...)
	}
	m := primitive.NewMessage(c.Topic, body)
	if c.Tag != "" {
		m.WithTag(c.Tag)
	}
	if name, value, ok := strings.Cut(c.Property, "="); ok {
		m.WithProperty(name, value)
	}
	if c.Keys != "" {
		m.WithKeys([]string{c.Keys})
	}
	for k, v := range c.Props {
		m.WithProperty(k, v)
	}
	if c.MessageGroup != "" {
		m.WithProperty(propertyMessageGroup, c.MessageGroup)
	}
	if c.DeliverAt != 0 {
		m.WithProperty("TIMER_DELIVER_MS", strconv.FormatInt(c.DeliverAt, 10))
	}
	return m
}

func (p *program) send(c command) error {
	pr, err := p.producer(c)
	if err != nil {
		return err
	}
	if c.Mode == "oneway" {
		// Nothing tells when these have arrived, and a connection that is closed takes with it what is under way.
		p.running[c.ID] = func() { pr.Shutdown() }
	} else {
		defer pr.Shutdown()
	}
	count := max(c.Count, 1)
	switch c.Mode {
	case "", "sync":
		for i := range count {
			p.sendSync(pr, c, message(c, i))
		}
	case "oneway":
		for i := range count {
			m := message(c, i)
			if err := pr.SendOneWay(context.Background(), m); err != nil {
				return err
			}
			p.out.emit(event{Event: "oneway", ID: c.ID}.body(m.Body))
		}
	case "async":
		return p.sendAsync(pr, c, count)
	case "batch":
		return p.sendBatch(pr, c, count)
	default:
		return fmt.Errorf("unknown mode %q", c.Mode)
	}
	return nil
}

func (p *program) sendSync(pr rocketmq.Producer, c command, m *primitive.Message) bool {
	r, err := pr.SendSync(context.Background(), m)
	if err != nil {
		p.out.emit(failed(c.ID, m, err))
		return false
	}
	p.out.emit(sent(c.ID, m, r))
	return true
}

func (p *program) sendAsync(pr rocketmq.Producer, c command, count int) error {
	var answers sync.WaitGroup
	for i := range count {
		m := message(c, i)
		answers.Add(1)
		err := pr.SendAsync(context.Background(), func(_ context.Context, r *primitive.SendResult, err error) {
			defer answers.Done()
			if err != nil {
				p.out.emit(failed(c.ID, m, err))
				return
			}
			p.out.emit(sent(c.ID, m, r))
		}, m)
		if err != nil {
			return err
		}
	}
	return waitFor(&answers, 20*time.Second)
}

func waitFor(wg *sync.WaitGroup, limit time.Duration) error {
	all := make(chan struct{})
	go func() { wg.Wait(); close(all) }()
	select {
	case <-all:
		return nil
	case <-time.After(limit):
		return fmt.Errorf("callbacks did not come within %v", limit)
	}
}

func (p *program) sendBatch(pr rocketmq.Producer, c command, count int) error {
	batch := make([]*primitive.Message, count)
	for i := range batch {
		batch[i] = message(c, i)
	}
	r, err := pr.SendSync(context.Background(), batch...)
	if err != nil {
		return err
	}
	whole := sent(c.ID, batch[0], r)
	whole.Event, whole.Body = "batch", ""
	p.out.emit(whole)
	for i, m := range batch {
		e := sent(c.ID, m, r)
		e.MsgID, e.OffsetMsgID, e.Offset = "", "", r.QueueOffset+int64(i)
		p.out.emit(e)
	}
	return nil
}

// load sends synchronously at a steady pace until stopped, whatever fails meanwhile.
func (p *program) load(c command) error {
	pr, err := p.producer(c)
	if err != nil {
		return err
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second / time.Duration(max(c.Rate, 1)))
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-tick.C:
				p.sendSync(pr, c, message(c, i))
			}
		}
	}()
	p.running[c.ID] = func() { close(stop); <-ended; pr.Shutdown() }
	return nil
}

// firstQueues spreads messages over the queues 0 to count-1 in turn.
type firstQueues struct {
	count int

	mu   sync.Mutex
	next int // guarded by mu
}

// Select returns the queue whose turn it is.
func (s *firstQueues) Select(_ *primitive.Message, queues []*primitive.MessageQueue, _ string) *primitive.MessageQueue {
	s.mu.Lock()
	want := s.next % s.count
	s.next++
	s.mu.Unlock()
	for _, q := range queues {
		if q.QueueId == want {
			return q
		}
	}
	return nil
}
