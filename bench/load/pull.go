package main

import (
	"fmt"
	"time"

	"github.com/gantrymq/gantry/bench/report"
)

// puller reads queues from their beginning to their end, again and again. Each slot has one queue and one place in it.
type puller struct {
	o     *options
	rt    route
	slots []position
	until time.Duration
}

type position struct {
	queue  int
	offset int64
}

// newPuller gives connection number i its slots: the topic's queues in turn, so that all of them are read.
func newPuller(o *options, rt route, i int, until time.Duration) *puller {
	p := &puller{o: o, rt: rt, until: until, slots: make([]position, o.inflight)}
	for s := range p.slots {
		p.slots[s].queue = (i*o.inflight + s) % rt.queues
	}
	return p
}

func (p *puller) append(dst []byte, slot int) []byte {
	at := p.slots[slot]
	fields := pullFields(p.o.topic, p.rt.broker, at.queue, at.offset, 0)
	return appendFrame(dst, p.o.codec, codePull, int32(opaqueBase+slot), fields, nil)
}

func (p *puller) more(now time.Duration) bool { return now < p.until }

// accept checks that the messages are those that follow on the slot's place, and moves it.
func (p *puller) accept(slot int, a answer) (int, error) {
	at := &p.slots[slot]
	switch a.code {
	case codeSuccess:
	case codePullNotFound: // the end: once more from the beginning
		at.offset = 0
		return 0, nil
	default:
		at.offset = 0
		return 0, fmt.Errorf("pull queue %d: code %d", at.queue, a.code)
	}
	n := 0
	for body := a.body; len(body) > 0; n++ {
		m, rest, err := nextMessage(body)
		if err != nil {
			return n, fmt.Errorf("pull queue %d: %w", at.queue, err)
		}
		if m.queueOffset != at.offset {
			err := fmt.Errorf("pull queue %d: offset %d came instead of %d", at.queue, m.queueOffset, at.offset)
			at.offset = 0
			return n, err
		}
		at.offset++
		body = rest
	}
	return n, nil
}

// runPull is the mode pull: a closed loop of pulls over a topic that was filled before.
func runPull(o *options) (*report.Result, error) {
	rt, err := ensureTopic(o.namesrv, o.topic, o.queues)
	if err != nil {
		return nil, err
	}
	if err := fill(o, rt); err != nil {
		return nil, err
	}
	return o.measure(func(w window) (*tally, error) {
		sources := make([]source, o.connections)
		for i := range sources {
			sources[i] = newPuller(o, rt, i, w.end)
		}
		return closedLoop(w, rt.addr, o.inflight, sources)
	})
}
