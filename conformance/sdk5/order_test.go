package sdk5

import (
	"fmt"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
	"github.com/gantrymq/gantry/conformance/rawclient"
)

// TestFIFO: a push consumer gets the messages of each message group one after the other, in the order they were sent.
func TestFIFO(t *testing.T) {
	eachSDK(t, push, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "FIFO")
		group, p := newGroup(t, topic, rawclient.Group{Orderly: true}), s.start(t)
		consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: group}).ID
		sender := producer(p, topic)
		const groups, each = 5, 20
		var sent []harness.Event
		for g := range groups {
			name := fmt.Sprintf("g%d", g)
			sent = append(sent, p.Send(harness.Cmd{Target: sender, Topic: topic, Count: each, Prefix: name, MessageGroup: name})...)
		}
		received := p.WaitReceived(2*arrival, consumer, sent)
		next := map[string]int{}
		for _, r := range received {
			want := fmt.Sprintf("%s-%d", r.MessageGroup, next[r.MessageGroup])
			if r.Body != want {
				t.Errorf("%s came, want %s", r.Body, want)
			}
			next[r.MessageGroup]++
		}
		if len(received) != groups*each {
			t.Errorf("%d messages came, want %d", len(received), groups*each)
		}
	})
}

// TestFIFOBlocks: while a message of a message group is out, the next one is not to be had; after an expiry the same
// message is first again.
func TestFIFOBlocks(t *testing.T) {
	eachSDK(t, 0, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "FIFO")
		group, p := newGroup(t, topic, rawclient.Group{Orderly: true}), s.start(t)
		consumer := s.simple(p, topic, group)
		p.Send(harness.Cmd{Target: producer(p, topic), Topic: topic, Count: 3, MessageGroup: "g"})
		for attempt := 1; attempt <= 2; attempt++ {
			first := collectOne(t, p, consumer, 10*time.Second)
			if first.Body != "m-0" || first.Attempt != attempt {
				t.Fatalf("%s with attempt %d came first, want m-0 and %d", first.Body, first.Attempt, attempt)
			}
			if got := receive(p, consumer, 1, 10*time.Second); len(got) != 0 {
				t.Fatalf("%s came while %s was out", got[0].Body, first.Body)
			}
			if attempt == 2 {
				ack(p, consumer, []harness.Event{first})
			}
		}
		second := collectOne(t, p, consumer, 10*time.Second)
		if second.Body != "m-1" || second.Attempt != 1 {
			t.Errorf("%s with attempt %d came after the ack of m-0, want m-1 and 1", second.Body, second.Attempt)
		}
	})
}

// collectOne receives until one message comes, asking for one at a time.
func collectOne(t *testing.T, p *harness.Program, consumer int, lease time.Duration) harness.Event {
	t.Helper()
	for deadline := time.Now().Add(arrival); time.Now().Before(deadline); {
		if got := receive(p, consumer, 1, lease); len(got) > 0 {
			return got[0]
		}
	}
	t.Fatalf("no message within %v", arrival)
	return harness.Event{}
}

// TestDelay: a delayed message comes at its time, not before and not much later, and one whose time has passed at once.
func TestDelay(t *testing.T) {
	eachSDK(t, 0, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "DELAY")
		group, p := newGroup(t, topic, rawclient.Group{}), s.start(t)
		consumer, sender := s.simple(p, topic, group), producer(p, topic)
		at := time.Now().Add(5*time.Second).Unix() * 1000 // Python's client knows seconds only
		p.Send(harness.Cmd{Target: sender, Topic: topic, Prefix: "later", DeliverAt: at})
		p.Send(harness.Cmd{Target: sender, Topic: topic, Prefix: "past", DeliverAt: time.Now().Add(-20 * time.Second).UnixMilli()})
		for _, m := range collect(t, p, consumer, 2, 30*time.Second) {
			if m.Body == "later-0" {
				between(t, "the delayed message, after its time,", m.At.Sub(time.UnixMilli(at)), 0, lateness())
				if m.DeliverAt != at {
					t.Errorf("the delayed message says it was due at %d, want %d", m.DeliverAt, at)
				}
			} else if wait := m.At.Sub(time.UnixMilli(at)); wait > -2*time.Second {
				t.Errorf("the message whose time had passed came %v after the delayed one's time", wait)
			}
			ack(p, consumer, []harness.Event{m})
		}
		beyond := p.Do(harness.Cmd{Op: "send", Target: sender, Topic: topic, DeliverAt: time.Now().Add(365 * 24 * time.Hour).UnixMilli()})
		failed := p.Events(beyond.ID, "failed")
		if len(failed) == 0 {
			t.Fatal("a delivery time in a year was taken")
		}
		checkFailed(t, "a delivery time in a year", false, failed[0], illegalDelivery)
	})
}

// lateness: Apache looks for due messages once a second.
func lateness() time.Duration {
	if lab.foreign {
		return 2 * time.Second
	}
	return 500 * time.Millisecond
}

// TestRecall: a delayed message that is recalled before its time does not come.
func TestRecall(t *testing.T) {
	eachSDK(t, recall, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "DELAY")
		group, p := newGroup(t, topic, rawclient.Group{}), s.start(t)
		consumer, sender := s.simple(p, topic, group), producer(p, topic)
		at := time.Now().Add(7*time.Second).Unix() * 1000
		gone := p.Send(harness.Cmd{Target: sender, Topic: topic, Prefix: "gone", DeliverAt: at})[0]
		stays := p.Send(harness.Cmd{Target: sender, Topic: topic, Prefix: "stays", DeliverAt: at + 1000})[0]
		done := p.Do(harness.Cmd{Op: "recall", Target: sender, Topic: topic, Handle: gone.Handle})
		if done.MsgID != gone.MsgID {
			t.Errorf("recalled message %s, want %s", done.MsgID, gone.MsgID)
		}
		got := collect(t, p, consumer, 1, 30*time.Second)
		if len(got) != 1 || got[0].MsgID != stays.MsgID {
			t.Errorf("%+v came, want only the message that was not recalled", got)
		}
		ack(p, consumer, got)
		e, ok := p.Try(harness.Cmd{Op: "recall", Target: sender, Topic: topic, Handle: stays.Handle})
		if ok && e.MsgID != "" { // Python's client takes "no such message" for a success without an id
			t.Errorf("a message that had been delivered was recalled: %+v", e)
		}
	})
}

// TestBatch: messages sent in one request are stored and acknowledged one by one.
func TestBatch(t *testing.T) {
	eachSDK(t, batch, func(t *testing.T, s *sdk) {
		ours(t, "one entry answers for all messages")
		topic := newTopic(t, "NORMAL")
		group, p := newGroup(t, topic, rawclient.Group{}), s.start(t)
		consumer := s.simple(p, topic, group)
		c := harness.Cmd{Target: producer(p, topic), Topic: topic, Count: 10, Mode: "batch", Tag: "t"}
		sent := p.Send(c)
		if len(sent) != c.Count {
			t.Fatalf("%d acknowledgements, want %d", len(sent), c.Count)
		}
		received := collect(t, p, consumer, c.Count, 30*time.Second)
		checkContent(t, sent, received, c)
		ack(p, consumer, received)
	})
}
