package remoting

import (
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

func TestSendCreatesTheTopicAndPullFindsTheMessage(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.call(wire.TopicNotExist, wire.NewRequest(wire.GetRouteInfoByTopic, "topic", "orders"))
		resp := c.call(wire.Success, sendRequest("orders", 1, "hello"))
		if id := resp.Ext.Text("msgId"); !strings.HasPrefix(id, "7F00000100002A9F") {
			t.Errorf("msgId %s does not hold 127.0.0.1:10911", id)
		}
		if got := resp.Ext.Text("transactionId"); got != "AC11000100002A9F0000018BCFE56800" {
			t.Errorf("transactionId is %q", got)
		}
		route := c.call(wire.Success, wire.NewRequest(wire.GetRouteInfoByTopic, "topic", "orders"))
		want := `{"brokerDatas":[{"brokerAddrs":{"0":"127.0.0.1:10911"},"brokerName":"gantry-0","cluster":"DefaultCluster","enableActingMaster":false}],` +
			`"filterServerTable":{},"queueDatas":[{"brokerName":"gantry-0","perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}]}`
		if string(route.Body) != want {
			t.Errorf("route is\n%s\nwant\n%s", route.Body, want)
		}
		found := c.call(wire.Success, pullRequest("orders", 1, 0, wire.PullSubscription))
		messages, err := wire.DecodeMessages(nil, found.Body)
		if err != nil || len(messages) != 1 || string(messages[0].Body) != "hello" {
			t.Fatalf("pulled %v, %v", messages, err)
		}
		for _, field := range []string{"suggestWhichBrokerId", "nextBeginOffset", "minOffset", "maxOffset"} {
			number(t, found, field)
		}
	})
}

func TestLongPollIsWokenBySend(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		consumer, producer := r.dial(), r.dial()
		producer.send("orders", 0, "first")
		answered := make(chan time.Duration)
		go func() {
			began := time.Now()
			consumer.call(wire.Success, pullRequest("orders", 0, 1, wire.PullSuspend|wire.PullSubscription))
			answered <- time.Since(began)
		}()
		time.Sleep(5 * time.Second)
		producer.send("orders", 0, "second")
		if waited := <-answered; waited < 5*time.Second || waited > 5*time.Second+50*time.Millisecond {
			t.Errorf("the poll waited %v, want 5 s", waited)
		}
		// And one that nothing wakes.
		began := time.Now()
		consumer.call(wire.PullNotFound, pullRequest("orders", 0, 2, wire.PullSuspend|wire.PullSubscription))
		if waited := time.Since(began); waited != 15*time.Second {
			t.Errorf("the poll waited %v, want 15 s", waited)
		}
	})
}
