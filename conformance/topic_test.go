package conformance

import (
	"slices"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
)

// TestCreateTopic: a topic made through a client's own administration call has the queues asked for and is listed.
func TestCreateTopic(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		topic, p := unique(t, "T"), start(t, k)
		p.Do(harness.Cmd{Op: "createTopic", Topic: topic, Queues: 8, BrokerAddr: brokerAddr(t, "TBW102")})
		waitRoute(t, topic)
		queues := p.Do(harness.Cmd{Op: "queues", Topic: topic}).Queues
		slices.Sort(queues)
		if want := []int{0, 1, 2, 3, 4, 5, 6, 7}; !slices.Equal(queues, want) {
			t.Errorf("queues %v, want %v", queues, want)
		}
		if topics := p.Do(harness.Cmd{Op: "topics"}).Topics; !slices.Contains(topics, topic) {
			t.Errorf("%s is not among the topics %v", topic, topics)
		}
		sent := p.Send(harness.Cmd{Topic: topic, Count: 16, Queues: 8})
		for i, e := range sent {
			if e.Queue != i%8 || e.Offset != int64(i/8) {
				t.Errorf("message %d went to queue %d offset %d, want %d and %d", i, e.Queue, e.Offset, i%8, i/8)
			}
		}
	})
}

// TestConsumerBeforeTopic: a Java consumer waits for its topic, a Go consumer refuses to start without it.
func TestConsumerBeforeTopic(t *testing.T) {
	t.Parallel()
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		t.Parallel() // nothing but waiting
		topic, p := unique(t, "T"), start(t, k)
		push := harness.Cmd{Op: "push", Topic: topic, Group: unique(t, "G"), PollInterval: 1000}
		started, ok := p.Try(push)
		if !k.Java() {
			if ok {
				t.Error("the Go consumer started without its topic: it takes an unknown route for a known one")
			}
			return
		}
		if !ok {
			t.Fatalf("the consumer did not start: %s", started.Error)
		}
		sent := start(t, k).Send(harness.Cmd{Topic: topic, Count: 4})
		// The client finds the topic at its next look at the routes, and its queues at its next rebalance (20 s) or
		// once its next heartbeat (30 s) has made the broker notify it.
		checkContent(t, sent, p.WaitReceived(75*time.Second, started.ID, sent))
	})
}
