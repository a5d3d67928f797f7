package conformance

import (
	"strings"
	"testing"

	"github.com/gantrymq/gantry/conformance/harness"
)

// TestRequestReply: who sends a request gets the reply of the consumer; without one, its time-out.
func TestRequestReply(t *testing.T) {
	// 5.3.3 takes no part in asking: its request gives up as soon as the broker has stored it.
	asker := harness.Kind{Lang: "java", Version: "4.9.8", Serialization: "JSON"}
	eachKind(t, harness.Kind.Java, func(t *testing.T, k harness.Kind) {
		topic, asks, replies := newTopic(t, 1), start(t, asker), start(t, k)
		replies.Do(harness.Cmd{Op: "reply", Topic: topic, Group: unique(t, "G")})
		done := asks.Do(harness.Cmd{Op: "request", Topic: topic, Prefix: "question"})
		if got := asks.Events(done.ID, "replied"); len(got) != 1 || got[0].Body != "[question]" {
			t.Errorf("reply %+v", got)
		}
		if e, ok := asks.Try(harness.Cmd{Op: "request", Topic: newTopic(t, 1), Block: 500}); ok || !strings.Contains(e.Error, "timeout") {
			t.Errorf("a request that nobody answers: %+v", e)
		}
	})
}

// TestTrace: a producer's traces are kept, and found by the message's id.
func TestTrace(t *testing.T) {
	eachKind(t, harness.Kind.Java, func(t *testing.T, k harness.Kind) {
		topic, p := newTopic(t, 1), start(t, k)
		sent := p.Send(harness.Cmd{Topic: topic, Count: 1, Queues: 1, Trace: 1})
		c := dial(t, brokerAddr(t, "RMQ_SYS_TRACE_TOPIC"))
		found, err := c.Query(t.Context(), "RMQ_SYS_TRACE_TOPIC", sent[0].MsgID)
		if err != nil || len(found) != 1 || !strings.HasPrefix(string(found[0].Body), "Pub\x01") || !strings.Contains(string(found[0].Body), sent[0].MsgID) {
			t.Errorf("traces of %s: %+v, %v", sent[0].MsgID, found, err)
		}
	})
}

// TestSQLFilter: a consumer gets the messages whose properties fit, and no others.
func TestSQLFilter(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		topic, p := newTopic(t, 1), start(t, k)
		p.Send(harness.Cmd{Topic: topic, Count: 2, Queues: 1, Property: "a=3", Prefix: "less"})
		p.Send(harness.Cmd{Topic: topic, Count: 2, Queues: 1, Prefix: "none"})
		wanted := p.Send(harness.Cmd{Topic: topic, Count: 2, Queues: 1, Property: "a=7", Prefix: "more"})
		consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: unique(t, "G"), SQL: "a > 5 AND a IS NOT NULL"})
		received := p.WaitReceived(lab.limit, consumer.ID, wanted)
		if len(harness.Bodies(received)) != len(wanted) {
			t.Errorf("received %v, want %v", harness.Bodies(received), harness.Bodies(wanted))
		}
		if _, ok := p.Try(harness.Cmd{Op: "push", Topic: topic, Group: unique(t, "G"), SQL: "a >"}); ok && k.Java() {
			t.Error("a consumer starts with an expression that is none")
		}
	})
}
