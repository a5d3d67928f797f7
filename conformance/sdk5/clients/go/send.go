package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	rmq "github.com/apache/rocketmq-clients/golang/v5"
)

func (p *program) startProducer(c command) error {
	topics := c.Topics
	if c.Topic != "" {
		topics = append(topics, c.Topic)
	}
	pr, err := rmq.NewProducer(p.config(""), rmq.WithTopics(topics...))
	if err != nil {
		return err
	}
	if err := pr.Start(); err != nil {
		return err
	}
	p.mu.Lock()
	p.producer[c.ID] = pr
	p.mu.Unlock()
	p.keep(c.ID, func() { pr.GracefulStop() })
	return nil
}

func (p *program) target(c command) (rmq.Producer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pr, ok := p.producer[c.Target]
	if !ok {
		return nil, fmt.Errorf("%d is no producer", c.Target)
	}
	return pr, nil
}

// message is the i-th of a command: "prefix-i|xxxx" of the wanted size.
func message(c command, i int) *rmq.Message {
	prefix := c.Prefix
	if prefix == "" {
		prefix = "m"
	}
	body := []byte(prefix + "-" + strconv.Itoa(i) + "|")
	if pad := c.Size - len(body); pad > 0 {
		body = append(body, bytes.Repeat([]byte{'x'}, pad)...)
	}
	m := &rmq.Message{Topic: c.Topic, Body: body}
	if c.Tag != "" {
		m.SetTag(c.Tag)
	}
	if c.Keys != "" {
		m.SetKeys(strings.Fields(c.Keys)...)
	}
	for k, v := range c.Props {
		m.AddProperty(k, v)
	}
	if c.MessageGroup != "" {
		m.SetMessageGroup(c.MessageGroup)
	}
	if c.DeliverAt != 0 {
		m.SetDelayTimestamp(time.UnixMilli(c.DeliverAt))
	}
	return m
}

func (p *program) send(c command) error {
	pr, err := p.target(c)
	if err != nil {
		return err
	}
	for i := range max(c.Count, 1) {
		p.sendOne(pr, c, message(c, i))
	}
	return nil
}

func (p *program) sendOne(pr rmq.Producer, c command, m *rmq.Message) {
	receipts, err := pr.Send(context.Background(), m)
	if err != nil {
		p.out.emit(event{Event: "failed", ID: c.ID}.because(err).body(m.Body))
		return
	}
	e := event{Event: "sent", ID: c.ID, Topic: c.Topic, MsgID: receipts[0].MessageID, Offset: receipts[0].Offset}
	p.out.emit(e.body(m.Body))
}

// load sends at a steady pace until stopped, whatever fails meanwhile.
func (p *program) load(c command) error {
	pr, err := p.target(c)
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
				p.sendOne(pr, c, message(c, i))
			}
		}
	}()
	p.keep(c.ID, func() { close(stop); <-ended })
	return nil
}
