package main

import (
	"fmt"
	"math"
	"time"

	"github.com/gantrymq/gantry/bench/pace"
	"github.com/gantrymq/gantry/bench/report"
)

// sender makes sends for one connection, to the topic's queues in turn.
type sender struct {
	templates []template // one per queue
	next      int
	key       uint64
	batch     int
	until     time.Duration // of the run's clock
	left      int64         // requests
}

func newSender(o *options, rt route) *sender {
	s := &sender{batch: o.batch, left: math.MaxInt64, until: math.MaxInt64}
	for q := range rt.queues {
		s.templates = append(s.templates, newTemplate(o, rt, q))
	}
	return s
}

func (s *sender) append(dst []byte, slot int) []byte {
	s.left--
	return s.appendStamped(dst, int32(opaqueBase+slot), 0)
}

func (s *sender) appendStamped(dst []byte, opaque int32, stamp time.Duration) []byte {
	t := &s.templates[s.next]
	s.next = (s.next + 1) % len(s.templates)
	return t.append(dst, opaque, &s.key, stamp)
}

func (s *sender) accept(_ int, a answer) (int, error) {
	if a.code != codeSuccess {
		return 0, sendError(a)
	}
	return s.batch, nil
}

func (s *sender) more(now time.Duration) bool { return s.left > 0 && now < s.until }

func sendError(a answer) error {
	text := a.remark()
	if a.codec == codecBinary {
		text = string(a.binaryRemark())
	}
	return fmt.Errorf("send: code %d %s", a.code, text)
}

// runSend is the mode send: a closed loop.
func runSend(o *options) (*report.Result, error) {
	rt, templates, err := sendTemplates(o)
	if err != nil {
		return nil, err
	}
	return o.measure(func(w window) (*tally, error) {
		sources := make([]source, o.connections)
		for i := range sources {
			s := newSender(o, rt)
			if o.topics > 1 {
				s.templates = templates
			}
			s.next = i * len(s.templates) / o.connections
			s.until = w.end
			sources[i] = s
		}
		return closedLoop(w, rt.addr, o.inflight, sources)
	})
}

// sendTemplates returns the templates of all topics, so that connections share them; one topic's are made by each for
// itself. Every topic is there afterwards: its first message has been sent.
func sendTemplates(o *options) (route, []template, error) {
	if o.topics == 1 {
		rt, err := ensureTopic(o.namesrv, o.topic, o.queues)
		return rt, nil, err
	}
	rt, err := ensureTopic(o.namesrv, topicName(o.topic, 0), o.queues)
	if err != nil {
		return rt, nil, err
	}
	first := &sender{batch: 1, left: int64(o.topics), until: math.MaxInt64}
	var all []template
	for t := range o.topics {
		one := *o
		one.topic = topicName(o.topic, t)
		for q := range rt.queues {
			all = append(all, newTemplate(&one, rt, q))
		}
		first.templates = append(first.templates, all[len(all)-rt.queues])
	}
	return rt, all, sendAll(rt, []source{first})
}

func topicName(prefix string, i int) string { return fmt.Sprintf("%s-%d", prefix, i) }

// sendAll runs sources until they have no more, and has no patience with errors.
func sendAll(rt route, sources []source) error {
	const inflight = 8
	t, err := closedLoop(window{clock: pace.NewClock(), end: 10 * time.Minute}, rt.addr, inflight, sources)
	if err == nil && t.first != nil {
		err = t.first
	}
	return err
}

// fill stores batches until the topic holds the wanted number of messages.
func fill(o *options, rt route) error {
	c, err := dialControl(rt.addr)
	if err != nil {
		return err
	}
	defer c.close()
	have, err := c.stored(o.topic, rt)
	if err != nil || have >= o.messages {
		return err
	}
	const batch = 64
	f := *o
	f.batch = batch
	s := newSender(&f, rt)
	s.left = (o.messages - have + batch - 1) / batch
	if err := sendAll(rt, []source{s}); err != nil {
		return fmt.Errorf("fill %s: %w", o.topic, err)
	}
	return nil
}
