package main

import (
	"context"
	"fmt"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// decider is the user's part of transactions: what it says at once, and when it is asked.
type decider struct {
	out          *events
	id           int
	local, check primitive.LocalTransactionState
}

var states = map[string]primitive.LocalTransactionState{
	"commit": primitive.CommitMessageState, "rollback": primitive.RollbackMessageState, "unknown": primitive.UnknowState,
}

// ExecuteLocalTransaction implements primitive.TransactionListener.
func (d *decider) ExecuteLocalTransaction(*primitive.Message) primitive.LocalTransactionState {
	return d.local
}

// CheckLocalTransaction implements primitive.TransactionListener.
func (d *decider) CheckLocalTransaction(m *primitive.MessageExt) primitive.LocalTransactionState {
	e := received(d.id, m)
	e.Event = "checked"
	d.out.emit(e)
	return d.check
}

// transaction sends messages in transactions, and answers what the server asks until it is stopped.
func (p *program) transaction(c command) error {
	local, known := states[c.Local]
	check, knownToo := states[c.Check]
	if !known || !knownToo {
		return fmt.Errorf("local %q, check %q", c.Local, c.Check)
	}
	pr, err := rocketmq.NewTransactionProducer(&decider{p.out, c.ID, local, check},
		producer.WithNsResolver(primitive.NewPassthroughResolver([]string{p.namesrv})),
		producer.WithGroupName(c.Group),
		producer.WithInstanceName(instance("transaction", c)),
	)
	if err != nil {
		return err
	}
	if err := pr.Start(); err != nil {
		return err
	}
	for i := range c.Count {
		m := message(c, i)
		r, err := pr.SendMessageInTransaction(context.Background(), m)
		if err != nil {
			p.out.emit(failed(c.ID, m, err))
			continue
		}
		p.out.emit(sent(c.ID, m, r.SendResult))
	}
	p.running[c.ID] = func() { pr.Shutdown() }
	return nil
}
