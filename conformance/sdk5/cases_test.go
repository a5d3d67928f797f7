package sdk5

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
	"github.com/gantrymq/gantry/conformance/rawclient"
)

// TestStart: every kind of client starts in both transports.
func TestStart(t *testing.T) {
	eachSDK(t, 0, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "NORMAL")
		group := newGroup(t, topic, rawclient.Group{})
		for _, tls := range []bool{true, false} {
			if tls && s.can&fullTLS == 0 {
				continue
			}
			p := s.startAt(t, lab.grpc, tls)
			for _, c := range []harness.Cmd{
				{Op: "producer", Topic: topic},
				{Op: "simple", Topic: topic, Group: group, Await: s.poll().Milliseconds()},
				{Op: "push", Topic: topic, Group: group},
			} {
				if c.Op == "push" && s.can&push == 0 {
					continue
				}
				done := p.Do(c)
				if took := time.Duration(done.Millis) * time.Millisecond; took > startLimit() {
					t.Errorf("%s with TLS %v took %v to start", c.Op, tls, took)
				}
			}
			p.Close()
		}
	})
}

// startLimit is mostly that of a JVM beside others.
func startLimit() time.Duration {
	if lab.foreign {
		return 15 * time.Second
	}
	return 5 * time.Second
}

// TestManyTopics: a producer of many topics starts at once. Node's client loses the first settings of a fast server when
// it has three topics or more, and then waits for minutes.
func TestManyTopics(t *testing.T) {
	eachSDK(t, 0, func(t *testing.T, s *sdk) {
		if lab.foreign && s.name == "node" {
			t.Skip("Apache's proxy is one of those servers")
		}
		c, p := broker(t), s.start(t)
		for _, n := range []int{1, 3, 10, 40} {
			topics := make([]string, n)
			for i := range topics {
				topics[i] = fmt.Sprintf("%s-%d", unique(t, "T"), i)
				if err := c.CreateTypedTopic(t.Context(), topics[i], 1, "NORMAL"); err != nil {
					t.Fatal(err)
				}
			}
			if lab.foreign {
				waitRoute(t, topics[n-1])
			}
			done := p.Do(harness.Cmd{Op: "producer", Topics: topics})
			t.Logf("%d topics: started in %d ms", n, done.Millis)
			if limit := int64(3000); done.Millis > limit {
				t.Errorf("a producer of %d topics took %d ms to start", n, done.Millis)
			}
		}
	})
}

// TestNormal: what is sent comes once, as it was sent, and not again once it is acknowledged.
func TestNormal(t *testing.T) {
	eachSDK(t, 0, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "NORMAL")
		group, p := newGroup(t, topic, rawclient.Group{}), s.start(t)
		consumer := s.simple(p, topic, group)
		c := harness.Cmd{
			Target: producer(p, topic), Topic: topic, Count: 40, Size: 3000, Tag: "tag", Keys: words("key1", "key2"),
			Props: map[string]string{"plain": "1", "schlüssel": "wert 值 🙂"},
		}
		sent := p.Send(c)
		received := collect(t, p, consumer, len(sent), 30*time.Second)
		checkContent(t, sent, received, c)
		if s.can&seesPlace != 0 {
			checkPlaces(t, sent)
		}
		ack(p, consumer, received)
		if again := receive(p, consumer, 32, 30*time.Second); len(again) != 0 {
			t.Errorf("%d messages came again after their ack", len(again))
		}
	})
}

// TestBeginning: a new group has what is sent once its first consumer has started, even before it receives.
func TestBeginning(t *testing.T) {
	eachSDK(t, tellsTopics, func(t *testing.T, s *sdk) {
		ours(t, "a group begins at what its first receive finds")
		topic, group, p := newTopic(t, "NORMAL"), unique(t, "G"), s.start(t)
		if err := broker(t).PutGroup(t.Context(), rawclient.Group{Name: group, Retries: 16}); err != nil {
			t.Fatal(err)
		}
		consumer := s.simple(p, topic, group)
		sent := p.Send(harness.Cmd{Target: producer(p, topic), Topic: topic})
		if got := receive(p, consumer, 1, 15*time.Second); len(got) != 1 || got[0].MsgID != sent[0].MsgID {
			t.Errorf("the first receive got %v, want the message sent after the start", got)
		}
	})
}

// checkPlaces checks that acknowledgements say offsets, each at most once a queue.
func checkPlaces(t *testing.T, sent []harness.Event) {
	t.Helper()
	count := map[int64]int{}
	for _, e := range sent {
		if count[e.Offset]++; count[e.Offset] > queues {
			t.Errorf("%d messages were acknowledged at offset %d of %d queues", count[e.Offset], e.Offset, queues)
		}
	}
}

// TestExpiry: a message that is not acknowledged comes again after its time, with its attempt counted, and the first
// handle is worth nothing then.
func TestExpiry(t *testing.T) {
	eachSDK(t, 0, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "NORMAL")
		group, p := newGroup(t, topic, rawclient.Group{}), s.start(t)
		consumer := s.simple(p, topic, group)
		p.Send(harness.Cmd{Target: producer(p, topic), Topic: topic})
		first := collect(t, p, consumer, 1, 10*time.Second)[0]
		second := collect(t, p, consumer, 1, 20*time.Second)[0]
		between(t, "the second delivery", second.At.Sub(first.At), 9900*time.Millisecond, 10*time.Second+late())
		if second.Attempt != 2 || second.MsgID != first.MsgID {
			t.Errorf("second delivery: message %s attempt %d, want %s and 2", second.MsgID, second.Attempt, first.MsgID)
		}
		e, ok := p.Try(harness.Cmd{Op: "ack", Target: consumer, Message: first.Message})
		if s.can&ackTells != 0 {
			checkFailed(t, "an ack with the first handle", ok, e, invalidReceipt)
		}
		ack(p, consumer, []harness.Event{second})
	})
}

// late is how much later than asked a message may come again. A receive of Apache's that waits does not see it come back:
// it comes with the next one.
func late() time.Duration {
	if lab.foreign {
		return 6 * time.Second
	}
	return 500 * time.Millisecond
}

// TestChange: the time a message stays invisible can be changed; the handle changes with it.
func TestChange(t *testing.T) {
	eachSDK(t, change, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "NORMAL")
		group, p := newGroup(t, topic, rawclient.Group{}), s.start(t)
		consumer := s.simple(p, topic, group)
		p.Send(harness.Cmd{Target: producer(p, topic), Topic: topic})
		first := collect(t, p, consumer, 1, 60*time.Second)[0]
		changed := p.Do(harness.Cmd{Op: "change", Target: consumer, Message: first.Message, Invisible: 10_000})
		second := collect(t, p, consumer, 1, 60*time.Second)[0]
		between(t, "the second delivery", second.At.Sub(changed.At), 9900*time.Millisecond, 10*time.Second+late())
		if second.Attempt != 2 {
			t.Errorf("second delivery: attempt %d, want 2", second.Attempt)
		}
		e, ok := p.Try(harness.Cmd{Op: "change", Target: consumer, Message: first.Message, Invisible: 10_000})
		checkFailed(t, "a change with the first handle", ok, e, invalidReceipt)
		ack(p, consumer, []harness.Event{second})
	})
}

// TestLongPoll: an empty receive is held for its time, and one that waits is answered as soon as there is a message.
func TestLongPoll(t *testing.T) {
	eachSDK(t, 0, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "NORMAL")
		group, p := newGroup(t, topic, rawclient.Group{}), s.start(t)
		consumer, sender := s.simple(p, topic, group), producer(p, topic)
		receive := harness.Cmd{Op: "receive", Target: consumer, Max: 32, Invisible: 15_000}
		empty := p.Do(receive)
		if got := len(p.Events(empty.ID, "received")); got != 0 {
			t.Errorf("%d messages came from an empty topic", got)
		}
		between(t, "an empty receive", time.Duration(empty.Millis)*time.Millisecond, s.poll()-slack, s.poll()+3*time.Second)
		waiting := p.Begin(receive)
		sent := p.Send(harness.Cmd{Target: sender, Topic: topic, Prefix: "woken"})
		if _, ok := p.End(waiting); !ok {
			t.Fatal("the receive that waited failed")
		}
		got := p.Events(waiting, "received")
		if len(got) != 1 {
			t.Fatalf("the receive that waited got %d messages, want 1", len(got))
		}
		if took := got[0].At.Sub(sent[0].At); took > time.Second {
			t.Errorf("the message took %v from its acknowledgement to a receive that waited", took)
		}
	})
}

// slack is what a server may take off a poll so that its answer comes before the client's deadline: the Rust client's
// deadline is the poll's time itself.
const slack = 600 * time.Millisecond

// TestPush: a push consumer gets each message once.
func TestPush(t *testing.T) {
	eachSDK(t, push, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "NORMAL")
		group, p := newGroup(t, topic, rawclient.Group{}), s.start(t)
		consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: group}).ID
		c := harness.Cmd{Target: producer(p, topic), Topic: topic, Count: 100, Tag: "t"}
		sent := p.Send(c)
		checkContent(t, sent, p.WaitReceived(arrival, consumer, sent), c)
		last := p.Send(harness.Cmd{Target: c.Target, Topic: topic, Count: 8, Prefix: "last"})
		for body, n := range harness.Bodies(p.WaitReceived(arrival, consumer, last)) {
			if n > 1 {
				t.Errorf("%s came %d times", body, n)
			}
		}
	})
}

// TestRetry: a message whose listener fails comes again, up to the group's attempts, and is then a dead letter. One that
// fails only once succeeds at its second attempt.
func TestRetry(t *testing.T) {
	eachSDK(t, push, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "NORMAL")
		twice := rawclient.Group{Retries: 1, Backoff: []time.Duration{time.Second}}
		group, p := newGroup(t, topic, twice), s.start(t)
		poison := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: group, FailBody: "poison-0"}).ID
		other := newGroup(t, topic, twice)
		once := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: other, FailBody: "*", FailAttempts: 1}).ID

		sender := producer(p, topic)
		p.Send(harness.Cmd{Target: sender, Topic: topic, Prefix: "poison"})
		fine := p.Send(harness.Cmd{Target: sender, Topic: topic, Prefix: "fine"})
		waitDeadLetter(t, group, "poison-0")
		p.Wait(deadLetter(), "the second attempt of both messages", func(all []harness.Event) bool {
			return len(attempts(all, once, "poison-0")) >= 2 && len(attempts(all, once, "fine-0")) >= 2
		})
		if got := attempts(p.Events(poison, "received"), poison, "poison-0"); !slices.Equal(got, []int{1, 2}) {
			t.Errorf("a message that always fails came with attempts %v, want 1 and 2", got)
		}
		p.WaitReceived(arrival, poison, fine)
		if got := attempts(p.Events(poison, "received"), poison, "fine-0"); !slices.Equal(got, []int{1}) {
			t.Errorf("a message that does not fail came with attempts %v, want 1", got)
		}
		if got := attempts(p.Events(once, "received"), once, "fine-0"); !slices.Equal(got, []int{1, 2}) {
			t.Errorf("a message that fails once came with attempts %v, want 1 and 2", got)
		}
	})
}

func attempts(all []harness.Event, consumer int, body string) []int {
	var out []int
	for _, e := range all {
		if e.ID == consumer && e.Event == "received" && e.Body == body {
			out = append(out, e.Attempt)
		}
	}
	return out
}

// waitDeadLetter waits until a group's dead-letter topic holds a message, read as a 4.x client reads it.
func waitDeadLetter(t *testing.T, group, body string) {
	t.Helper()
	c, topic := broker(t), "%DLQ%"+group
	deadline := time.Now().Add(deadLetter())
	for {
		pulled, err := c.Pull(t.Context(), "GID_dead", topic, 0, 0, 32)
		for _, m := range pulled.Messages {
			if string(m.Body) == body+"|" {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s holds %d messages, none of them %s (%v)", topic, len(pulled.Messages), body, err)
		}
		<-time.After(100 * time.Millisecond) // the topic does not exist before its first message, so nothing can wait in it
	}
}

// TestFilter: a consumer gets the messages its expression wants and no others.
func TestFilter(t *testing.T) {
	eachSDK(t, putsProps, func(t *testing.T, s *sdk) {
		p := s.start(t)
		for _, f := range []struct {
			name       string
			expression harness.Cmd
			want       []string
		}{
			{"tags", harness.Cmd{Expression: "A || BB"}, []string{"A-0", "BB-0"}},
			{"tags without spaces", harness.Cmd{Expression: "A||||C"}, []string{"A-0", "C-0"}},
			{"SQL", harness.Cmd{Expression: "n > 1 AND n <= 3 AND TAGS IN ('BB', 'Aa', 'C')", FilterType: "SQL92"}, []string{"BB-0", "Aa-0"}},
		} {
			topic := newTopic(t, "NORMAL")
			group, sender := newGroup(t, topic, rawclient.Group{}), producer(p, topic)
			c := f.expression
			c.Op, c.Topic, c.Group, c.Await = "simple", topic, group, s.poll().Milliseconds()
			consumer := p.Do(c).ID
			for i, tag := range []string{"A", "BB", "Aa", "C"} { // BB and Aa have one hash
				p.Send(harness.Cmd{Target: sender, Topic: topic, Prefix: tag, Tag: tag, Props: map[string]string{"n": fmt.Sprint(i + 1)}})
			}
			got := collect(t, p, consumer, len(f.want), 30*time.Second)
			ack(p, consumer, got)
			for _, m := range got {
				if !slices.Contains(f.want, m.Body) {
					t.Errorf("%s: %s came, want %v", f.name, m.Body, f.want)
				}
			}
		}
	})
}

// TestBadFilter: an expression that is not SQL is refused.
func TestBadFilter(t *testing.T) {
	eachSDK(t, 0, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "NORMAL")
		group, p := newGroup(t, topic, rawclient.Group{}), s.start(t)
		consumer := p.Do(harness.Cmd{Op: "simple", Topic: topic, Group: group, Await: s.poll().Milliseconds(), Expression: "a >> 1", FilterType: "SQL92"}).ID
		e, ok := p.Try(harness.Cmd{Op: "receive", Target: consumer, Max: 1, Invisible: 15_000})
		want := illegalFilter
		if lab.foreign {
			want = internalError
		}
		checkFailed(t, "a receive with a bad expression", ok, e, want)
	})
}

// TestUnknownTopic: nothing can be sent to a topic that nobody made; clients that check at their start do not start.
func TestUnknownTopic(t *testing.T) {
	eachSDK(t, 0, func(t *testing.T, s *sdk) {
		topic, p := unique(t, "T"), s.start(t)
		e, ok := p.Try(harness.Cmd{Op: "producer", Topic: topic})
		if s.can&startsAlone != 0 {
			checkFailed(t, "a producer's start", ok, e, topicNotFound)
			return
		}
		if ok {
			done := p.Do(harness.Cmd{Op: "send", Target: e.ID, Topic: topic})
			if sent := p.Events(done.ID, "sent"); len(sent) != 0 {
				t.Error("a send to a topic that does not exist succeeded")
			}
		}
	})
}

// TestWrongType: a topic takes messages of its own type only; a MIXED one takes all.
func TestWrongType(t *testing.T) {
	eachSDK(t, 0, func(t *testing.T, s *sdk) {
		p := s.start(t)
		soon := time.Now().Add(time.Second).UnixMilli()
		for _, kind := range []string{"NORMAL", "FIFO", "DELAY", "MIXED"} {
			topic := newTopic(t, kind)
			sender := producer(p, topic)
			for _, m := range []struct {
				kind string
				cmd  harness.Cmd
			}{
				{"NORMAL", harness.Cmd{}},
				{"FIFO", harness.Cmd{MessageGroup: "g"}},
				{"DELAY", harness.Cmd{DeliverAt: soon}},
			} {
				m.cmd.Op, m.cmd.Target, m.cmd.Topic = "send", sender, topic
				done := p.Do(m.cmd)
				failed := p.Events(done.ID, "failed")
				if want := kind != "MIXED" && kind != m.kind; (len(failed) > 0) != want {
					t.Errorf("a %s message to a %s topic: refused %v, want %v: %v", m.kind, kind, !want, want, failed)
				}
				for _, e := range failed {
					if e.Code != 0 && e.Code != wrongType {
						t.Errorf("a %s message to a %s topic: code %d, want %d: %s", m.kind, kind, e.Code, wrongType, e.Error)
					}
				}
			}
		}
	})
}

// deadLetter is how long a message may take through two attempts to the dead letters: Apache's retries wait for each other.
func deadLetter() time.Duration {
	if lab.foreign {
		return 90 * time.Second
	}
	return arrival
}
