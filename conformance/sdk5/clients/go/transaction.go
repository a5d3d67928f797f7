package main

import (
	"context"
	"fmt"

	rmq "github.com/apache/rocketmq-clients/golang/v5"
)

// transaction sends messages, each in a transaction of its own, and ends those as local says; about those that it
// leaves open the server asks, until the command is stopped.
func (p *program) transaction(c command) error {
	check, known := map[string]rmq.TransactionResolution{"commit": rmq.COMMIT, "rollback": rmq.ROLLBACK, "unknown": rmq.UNKNOWN}[c.Check]
	if !known {
		return fmt.Errorf("check %q", c.Check)
	}
	pr, err := rmq.NewProducer(p.config(""), rmq.WithTopics(c.Topic), rmq.WithTransactionChecker(&rmq.TransactionChecker{
		Check: func(m *rmq.MessageView) rmq.TransactionResolution {
			e := received(c.ID, m)
			e.Event = "checked"
			p.out.emit(e)
			return check
		},
	}))
	if err != nil {
		return err
	}
	if err := pr.Start(); err != nil {
		return err
	}
	p.keep(c.ID, func() { pr.GracefulStop() })
	for i := range c.Count {
		if err := p.decide(pr, c, message(c, i)); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) decide(pr rmq.Producer, c command, m *rmq.Message) error {
	tx := pr.BeginTransaction()
	receipts, err := pr.SendWithTransaction(context.Background(), m, tx)
	if err != nil {
		p.out.emit(event{Event: "failed", ID: c.ID}.because(err).body(m.Body))
		return nil
	}
	p.out.emit(event{Event: "sent", ID: c.ID, Topic: c.Topic, MsgID: receipts[0].MessageID}.body(m.Body))
	switch c.Local {
	case "commit":
		return tx.Commit()
	case "rollback":
		return tx.RollBack()
	case "unknown":
		return nil
	}
	return fmt.Errorf("local %q", c.Local)
}
