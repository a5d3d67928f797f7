package main

import (
	"context"
	"time"

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
		consumer.WithConsumerOrder(c.Orderly == 1),
		consumer.WithMaxReconsumeTimes(retries(c)),
		consumer.WithSuspendCurrentQueueTimeMillis(100*time.Millisecond),
	)
	if err != nil {
		return err
	}
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: c.Expression}
	if c.SQL != "" {
		selector = consumer.MessageSelector{Type: consumer.SQL92, Expression: c.SQL}
	}
	err = pc.Subscribe(c.Topic, selector, func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, m := range messages {
			p.out.emit(received(c.ID, m))
		}
		time.Sleep(time.Duration(c.Linger) * time.Millisecond)
		if c.Failures >= 0 && messages[0].ReconsumeTimes >= c.Failures {
			return consumer.ConsumeSuccess, nil
		}
		if c.Orderly == 1 {
			return consumer.SuspendCurrentQueueAMoment, nil
		}
		if concurrent, ok := primitive.GetConcurrentlyCtx(ctx); ok {
			concurrent.DelayLevelWhenNextConsume = c.Level
		}
		return consumer.ConsumeRetryLater, nil
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

// retries is how often a message comes again; -1 leaves it to the client.
func retries(c command) int32 {
	if c.Max == 0 {
		return -1
	}
	return c.Max
}
