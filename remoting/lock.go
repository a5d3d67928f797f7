package remoting

import (
	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Locks of orderly consumers
//
//	41 LOCK_BATCH_MQ    queues for this client alone; sent again every 20 s
//	42 UNLOCK_BATCH_MQ  gives them back; often one-way
//
// A lock lasts 60 s from its last renewal. The answer lists the queues of the
// request that the client now has.
//
// Deviations: locks are free at once when the connection of their owner ends or
// it leaves the group, where upstream waits for their end; and they outlive a
// restart of the server. onlyThisBroker has no meaning: a queue has one broker.

// maxOrdered bounds the groups in which a connection is known to consume in order.
const maxOrdered = 1024

func (c *conn) lock(r request) {
	locks, asked, err := c.locks()
	if err != nil {
		r.fail(err)
		return
	}
	if c.ordered == nil || len(c.ordered) >= maxOrdered {
		c.ordered = map[string]bool{}
	}
	c.ordered[locks.Group] = true
	c.core().Lock(locks, func(got []core.Queue, err error) {
		if err != nil {
			r.fail(err)
			return
		}
		answer := wire.LockAnswer{Queues: make([]wire.MessageQueue, 0, len(got))}
		for _, queue := range got {
			answer.Queues = append(answer.Queues, asked[queue])
		}
		r.answer(wire.Success, nil, wire.EncodeBody(answer))
	})
}

func (c *conn) unlock(r request) {
	locks, _, err := c.locks()
	if err != nil {
		r.fail(err)
		return
	}
	c.core().Unlock(locks, func(err error) {
		if err != nil {
			r.fail(err)
			return
		}
		r.answer(wire.Success, nil, nil)
	})
}

// locks reads the body of a request. Queues that are not here are left out: their
// topic may have been deleted since the client looked. asked has the others as the
// client calls them.
func (c *conn) locks() (locks core.Locks, asked map[core.Queue]wire.MessageQueue, err error) {
	var body wire.LockRequest
	if err := wire.DecodeBody("lock request", c.cmd.Body, &body); err != nil {
		return locks, nil, core.Errorf(core.InvalidMessage, "%s", err)
	}
	locks = core.Locks{Group: body.Group, Owner: body.ClientID}
	asked = make(map[core.Queue]wire.MessageQueue, len(body.Queues))
	for _, q := range body.Queues {
		if q.Broker != "" && q.Broker != c.server.shard.BrokerName {
			continue
		}
		queue, _, err := c.queue(q.Topic, q.Queue)
		if _, twice := asked[queue]; err != nil || twice {
			continue
		}
		asked[queue] = q
		locks.Queues = append(locks.Queues, queue)
	}
	return locks, asked, nil
}
