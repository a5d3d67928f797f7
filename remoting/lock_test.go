package remoting

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

// lockRequest asks for queues 0 to n-1 of orders, and for one that is not there.
func lockRequest(code wire.RequestCode, client string, n int) *wire.Command {
	var queues []string
	for q := range n {
		queues = append(queues, fmt.Sprintf(`{"brokerName":"gantry-0","queueId":%d,"topic":"orders"}`, q))
	}
	queues = append(queues, `{"brokerName":"gantry-0","queueId":0,"topic":"none"}`, `{"brokerName":"other","queueId":0,"topic":"orders"}`)
	req := wire.NewRequest(code)
	req.Body = fmt.Appendf(nil, `{"clientId":%q,"consumerGroup":"g","mqSet":[%s],"onlyThisBroker":false}`, client, strings.Join(queues, ","))
	return req
}

func (c *caller) lock(client string, n int) (numbers string) {
	c.t.Helper()
	for _, q := range into[wire.LockAnswer](c.t.(*testing.T), c.call(wire.Success, lockRequest(wire.LockBatchMQ, client, n))).Queues {
		if q.Topic != "orders" || q.Broker != "gantry-0" {
			c.t.Errorf("lock of %+v", q)
		}
		numbers += fmt.Sprint(q.Queue)
	}
	return numbers
}

func TestLocksOfOrderlyConsumers(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		one, two := r.dial(), r.dial()
		one.send("orders", 0, "x") // four queues
		check := func(what, want, got string) {
			t.Helper()
			if got != want {
				t.Errorf("%s: queues %q, want %q", what, got, want)
			}
		}
		check("the first", "012", one.lock("one", 3))
		check("the second", "3", two.lock("two", 4))
		one.call(wire.Success, lockRequest(wire.UnlockBatchMQ, "one", 1))
		check("what was given back", "03", two.lock("two", 4))
		time.Sleep(30 * time.Second)
		check("renewed", "12", one.lock("one", 4))
		time.Sleep(30 * time.Second)
		check("what was not renewed", "03", one.lock("three", 4)) // one's own are held
		_ = one.Close()
		synctest.Wait()
		check("the owner has gone", "0123", two.lock("two", 4))
	})
}

// Who consumes in order sends what is at its limit to the dead letters.
func TestAnOrderlyConsumersLastRetry(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.send("orders", 0, "x")
		c.lock("one", 1)
		req := with(sendRequest("%RETRY%g", 0, "dead"), "j", "2")
		req.Ext.Add("l", "2")
		req.Version = 401
		c.call(wire.Success, req)
		if all := c.messages("%DLQ%g", 0); len(all) != 1 || string(all[0].Body) != "dead" {
			t.Errorf("dead letters %+v", all)
		}
	})
}
