package main

import (
	"context"
	"fmt"
	"time"

	rmq "github.com/apache/rocketmq-clients/golang/v5"
)

func subscription(c command) map[string]*rmq.FilterExpression {
	expression := c.Expression
	if expression == "" {
		expression = "*"
	}
	if c.FilterType == "SQL92" {
		return map[string]*rmq.FilterExpression{c.Topic: rmq.NewFilterExpressionWithType(expression, rmq.SQL92)}
	}
	return map[string]*rmq.FilterExpression{c.Topic: rmq.NewFilterExpression(expression)}
}

func duration(millis int64) time.Duration { return time.Duration(millis) * time.Millisecond }

func (p *program) startSimple(c command) error {
	consumer, err := rmq.NewSimpleConsumer(p.config(c.Group),
		rmq.WithSimpleAwaitDuration(duration(c.Await)), rmq.WithSimpleSubscriptionExpressions(subscription(c)))
	if err != nil {
		return err
	}
	if err := consumer.Start(); err != nil {
		return err
	}
	p.mu.Lock()
	p.simple[c.ID] = consumer
	p.mu.Unlock()
	p.keep(c.ID, func() { consumer.GracefulStop() })
	return nil
}

func (p *program) consumer(id int) (rmq.SimpleConsumer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	consumer, ok := p.simple[id]
	if !ok {
		return nil, fmt.Errorf("%d is no simple consumer", id)
	}
	return consumer, nil
}

// receive is one call. This client reports that nothing came as an error; here that is no message and no error.
func (p *program) receive(c command) error {
	const messageNotFound = 40401
	consumer, err := p.consumer(c.Target)
	if err != nil {
		return err
	}
	views, err := consumer.Receive(context.Background(), int32(c.Max), duration(c.Invisible))
	if status, ok := rmq.AsErrRpcStatus(err); ok && status.Code == messageNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	for _, m := range views {
		e := received(c.ID, m)
		p.mu.Lock()
		e.Message = len(p.messages)
		p.messages = append(p.messages, m)
		p.mu.Unlock()
		p.out.emit(e)
	}
	return nil
}

// settle acks a message or changes how long it stays invisible. An ack of this client succeeds whatever the status is.
func (p *program) settle(c command) error {
	consumer, err := p.consumer(c.Target)
	if err != nil {
		return err
	}
	p.mu.Lock()
	m := p.messages[c.Message]
	p.mu.Unlock()
	if c.Op == "ack" {
		return consumer.Ack(context.Background(), m)
	}
	return consumer.ChangeInvisibleDuration(m, duration(c.Invisible))
}

func (p *program) startPush(c command) error {
	listen := func(m *rmq.MessageView) rmq.ConsumerResult {
		e := received(c.ID, m)
		p.out.emit(e)
		if (c.FailBody == "*" || c.FailBody == e.Body) && (c.FailAttempts == 0 || int(e.Attempt) <= c.FailAttempts) {
			return rmq.FAILURE
		}
		return rmq.SUCCESS
	}
	consumer, err := rmq.NewPushConsumer(p.config(c.Group),
		rmq.WithPushAwaitDuration(5*time.Second), rmq.WithPushSubscriptionExpressions(subscription(c)),
		rmq.WithPushMessageListener(&rmq.FuncMessageListener{Consume: listen}))
	if err != nil {
		return err
	}
	if err := consumer.Start(); err != nil {
		return err
	}
	p.keep(c.ID, func() { consumer.GracefulStop() })
	return nil
}
