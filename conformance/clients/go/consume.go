package main

import (
	"context"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

func (p *program) push(c command) error {
	group := c.Group
	if group == "" {
		group = "GID_push"
	}
	model, from := consumer.Clustering, consumer.ConsumeFromFirstOffset
	if c.Model == "BROADCASTING" {
		model = consumer.BroadCasting
	}
	if c.From == "CONSUME_FROM_LAST_OFFSET" {
		from = consumer.ConsumeFromLastOffset
	}
	pc, err := rocketmq.NewPushConsumer(
		consumer.WithNsResolver(primitive.NewPassthroughResolver([]string{p.namesrv})),
		consumer.WithGroupName(group),
		consumer.WithInstance(instance("push", c)),
		consumer.WithConsumerModel(model),
		consumer.WithConsumeFromWhere(from),
	)
	if err != nil {
		return err
	}
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: c.Expression}
	err = pc.Subscribe(c.Topic, selector, func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, m := range messages {
			p.out.emit(received(c.ID, m))
		}
		return consumer.ConsumeSuccess, nil
	})
	if err != nil {
		return err
	}
	if err := pc.Start(); err != nil {
		return err
	}
	p.running[c.ID] = func() { pc.Shutdown() }
	return nil
}
