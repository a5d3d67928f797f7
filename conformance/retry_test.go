package conformance

import (
	"slices"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
)

// TestRetry: a message that a consumer fails comes again to it, once more each time, after its delay level; and then no more.
func TestRetry(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		topic, group, p := newTopic(t, 1), unique(t, "G"), start(t, k)
		consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: group, Failures: 2, Level: 1})
		p.Send(harness.Cmd{Topic: topic, Count: 1, Queues: 1})
		p.Wait(lab.limit, "three deliveries", func(all []harness.Event) bool { return len(receivedBy(all, consumer.ID)) >= 3 })
		all := p.Events(consumer.ID, "received")
		for i, r := range all {
			if r.Attempt != i || r.Body != all[0].Body || r.MsgID != all[0].MsgID || r.CRC != all[0].CRC {
				t.Errorf("delivery %d: %+v", i, r)
			}
			if r.Topic != topic {
				t.Errorf("delivery %d is of topic %s, want %s", i, r.Topic, topic)
			}
			if i > 0 && r.At.Sub(all[i-1].At) < 950*time.Millisecond {
				t.Errorf("delivery %d came %v after the one before, want a second", i, r.At.Sub(all[i-1].At))
			}
		}
	})
}

// TestDeadLetters: a message that fails too often is in the group's dead letters, and can be read there.
func TestDeadLetters(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		topic, group, p := newTopic(t, 1), unique(t, "G"), start(t, k)
		consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: group, Failures: -1, Level: 1, MaxReconsume: 1})
		sent := p.Send(harness.Cmd{Topic: topic, Count: 1, Queues: 1})
		waitDead(t, group, 1)
		if all := p.Events(consumer.ID, "received"); len(all) != 2 {
			t.Errorf("delivered %d times, want 2", len(all))
		}
		reader := start(t, goKind)
		dead := reader.Do(harness.Cmd{Op: "push", Topic: "%DLQ%" + group, Group: unique(t, "R")})
		got := reader.WaitReceived(lab.limit, dead.ID, sent)
		if got[0].MsgID != sent[0].MsgID || got[0].CRC != sent[0].CRC || got[0].Attempt != 2 {
			t.Errorf("dead letter %+v, sent %+v", got[0], sent[0])
		}
	})
}

// waitDead waits until a group has so many dead letters.
func waitDead(t *testing.T, group string, n int64) {
	t.Helper()
	c := dial(t, brokerAddr(t, "TBW102"))
	deadline := time.Now().Add(lab.limit)
	for {
		if got, err := c.MaxOffset(t.Context(), "%DLQ%"+group, 0); err == nil && got >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("group %s has not %d dead letters", group, n)
		}
		<-time.After(20 * time.Millisecond) // a broker does not tell when a topic has something
	}
}

// TestOrderlyRetry: a message that an orderly consumer fails is tried again at its place, before those behind it.
func TestOrderlyRetry(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		topic, group, p := newTopic(t, 1), unique(t, "G"), start(t, k)
		sent := p.Send(harness.Cmd{Topic: topic, Count: 3, Queues: 1})
		consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: group, Orderly: 1, Failures: 1})
		received := p.WaitReceived(lab.limit, consumer.ID, sent)
		var order []string
		for _, r := range received {
			if !slices.Contains(order, r.Body) {
				order = append(order, r.Body)
			}
		}
		for i, s := range sent {
			if order[i] != s.Body {
				t.Fatalf("first deliveries in the order %v", order)
			}
		}
	})
}

// TestOrderlyDeadLetters: an orderly consumer gives a message up after its last attempt, and goes on with the next.
func TestOrderlyDeadLetters(t *testing.T) {
	eachKind(t, harness.Kind.Java, func(t *testing.T, k harness.Kind) {
		topic, group, p := newTopic(t, 1), unique(t, "G"), start(t, k)
		p.Do(harness.Cmd{Op: "push", Topic: topic, Group: group, Orderly: 1, Failures: -1, MaxReconsume: 1})
		p.Send(harness.Cmd{Topic: topic, Count: 2, Queues: 1})
		waitDead(t, group, 2)
	})
}

// TestOrderlyConsumers: of two orderly consumers each queue has one at a time; when one dies, the other goes on in order.
func TestOrderlyConsumers(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		const queues, before, after = 4, 40, 40
		topic, group := newTopic(t, queues), unique(t, "G")
		one, two, sender := start(t, k), start(t, k), start(t, goKind)
		push := harness.Cmd{Op: "push", Topic: topic, Group: group, Orderly: 1, Linger: 5}
		first, second := one.Do(push), two.Do(push)
		warm := sender.Send(harness.Cmd{Topic: topic, Count: before, Queues: queues, Prefix: "before"})
		// Java's have queues both after a rebalance, 20 s at most. Go's do not give theirs back when another comes.
		deadline := time.Now().Add(lab.limit + 20*time.Second)
		sent := warm
		for k.Java() && !shared(one.Events(first.ID, "received"), two.Events(second.ID, "received")) {
			if time.Now().After(deadline) {
				t.Fatal("one of two consumers gets nothing")
			}
			sent = append(sent, sender.Send(harness.Cmd{Topic: topic, Count: queues, Queues: queues, Prefix: "more"})...)
			<-time.After(100 * time.Millisecond) // who has which queue is the clients' affair
		}
		one.Kill()
		killed, gone := time.Now(), one.Events(first.ID, "received")
		sent = append(sent, sender.Send(harness.Cmd{Topic: topic, Count: after, Queues: queues, Prefix: "after"})...)
		two.Wait(lab.limit+20*time.Second, "the messages of a consumer that died", func(all []harness.Event) bool {
			got := harness.Bodies(append(receivedBy(all, second.ID), gone...))
			for _, s := range sent {
				if got[s.Body] == 0 {
					return false
				}
			}
			return true
		})
		t.Logf("all is consumed %v after the other was killed", time.Since(killed).Round(10*time.Millisecond))
		checkOrder(t, append(gone, two.Events(second.ID, "received")...))
	})
}

// receivedBy returns what a consumer was handed, within a condition of Wait.
func receivedBy(all []harness.Event, id int) (received []harness.Event) {
	for _, e := range all {
		if e.ID == id && e.Event == "received" {
			received = append(received, e)
		}
	}
	return received
}

// shared reports whether both consumers have got messages of queues that the other has not, lately.
func shared(a, b []harness.Event) bool { return len(a) > 0 && len(b) > 0 }

// checkOrder checks that no message of a queue was handed out before those in front of it, whoever got them. Some may come
// again, as they do when a queue changes hands.
func checkOrder(t *testing.T, received []harness.Event) {
	t.Helper()
	slices.SortStableFunc(received, func(a, b harness.Event) int { return a.At.Compare(b.At) })
	next := map[int]int64{}
	for _, r := range received {
		if r.Offset > next[r.Queue] {
			t.Errorf("queue %d: offset %d comes before %d", r.Queue, r.Offset, next[r.Queue])
		}
		next[r.Queue] = max(next[r.Queue], r.Offset+1)
	}
}
