package main

import (
	"fmt"

	"github.com/gantrymq/gantry/bench/report"
)

// runFill is the mode fill. It has no result.
func runFill(o *options) (*report.Result, error) {
	if o.topics == 1 {
		rt, err := ensureTopic(o.namesrv, o.topic, o.queues)
		if err != nil {
			return nil, err
		}
		return nil, fill(o, rt)
	}
	for t := range o.topics {
		if err := o.spread(topicName(o.topic, t)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// spread stores one message in each queue of a topic.
func (o *options) spread(topic string) error {
	one := *o
	one.topic, one.batch = topic, 1
	rt, err := ensureTopic(o.namesrv, topic, o.queues)
	if err != nil {
		return err
	}
	s := newSender(&one, rt)
	s.left = int64(rt.queues)
	if err := sendAll(rt, []source{s}); err != nil {
		return fmt.Errorf("fill %s: %w", topic, err)
	}
	return nil
}
