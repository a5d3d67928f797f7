package conformance

import (
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
)

// TestPushResumes: a group goes on where it stopped, in order of offsets within a queue, and gets nothing twice.
func TestPushResumes(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		topic, group, p := newTopic(t, 4), unique(t, "G"), start(t, k)
		push := harness.Cmd{Op: "push", Topic: topic, Group: group}
		before := p.Send(harness.Cmd{Topic: topic, Count: 8, Queues: 4, Prefix: "before"})
		first := p.Do(push)
		checkContent(t, before, p.WaitReceived(lab.limit, first.ID, before))
		p.Close()
		stored := storedOffsets(t, topic, group, 4, 2)
		p = start(t, k)
		after := p.Send(harness.Cmd{Topic: topic, Count: 8, Queues: 4, Prefix: "after"})
		again := p.Do(push)
		received := p.WaitReceived(lab.limit, again.ID, after)
		checkContent(t, after, received)
		for _, r := range received {
			if r.Offset < stored[r.Queue] {
				t.Errorf("queue %d: %s at offset %d came again, the group had stored %d", r.Queue, r.Body, r.Offset, stored[r.Queue])
			}
		}
	})
}

// TestPushWakes: a message that is sent while consumers wait reaches them at once, not at the end of a poll.
func TestPushWakes(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		topic, p := newTopic(t, 4), start(t, k)
		consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: unique(t, "G")})
		warm := p.Send(harness.Cmd{Topic: topic, Count: 4, Queues: 4, Prefix: "warm"})
		p.WaitReceived(lab.limit, consumer.ID, warm)

		sender := start(t, goKind)
		load := sender.Do(harness.Cmd{Op: "load", Topic: topic, Queues: 4, Rate: 20})
		received := p.WaitCount(lab.limit, consumer.ID, 4+40)
		sender.Stop(load.ID)
		sentAt := map[string]harness.Event{}
		for _, e := range sender.Events(load.ID, "sent") {
			sentAt[e.Body] = e
		}
		slow := 0
		for _, r := range received {
			if s, ok := sentAt[r.Body]; ok && r.At.Sub(s.At).Milliseconds() > 250 {
				slow++
			}
		}
		if slow > 4 {
			t.Errorf("%d of %d messages took over 250 ms from acknowledgement to consumer", slow, len(received)-4)
		}
	})
}

// TestBroadcast: every instance of a broadcasting group gets every message.
func TestBroadcast(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		topic, group := newTopic(t, 4), unique(t, "G")
		one, two := start(t, k), start(t, k)
		push := harness.Cmd{Op: "push", Topic: topic, Group: group, Model: "BROADCASTING"}
		first, second := one.Do(push), two.Do(push)
		sent := one.Send(harness.Cmd{Topic: topic, Count: 12, Queues: 4})
		checkContent(t, sent, one.WaitReceived(lab.limit, first.ID, sent))
		checkContent(t, sent, two.WaitReceived(lab.limit, second.ID, sent))
	})
}

// TestTagFilter: a consumer gets the messages with its tags and no others, and goes on past those.
func TestTagFilter(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		topic, p := newTopic(t, 4), start(t, k)
		var wanted []harness.Event
		for _, tag := range []string{"C", "A", "CA", "B", ""} {
			sent := p.Send(harness.Cmd{Topic: topic, Count: 4, Queues: 4, Tag: tag, Prefix: "tag" + tag})
			if tag == "A" || tag == "B" {
				wanted = append(wanted, sent...)
			}
		}
		consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: unique(t, "G"), Expression: "A || B"})
		p.WaitReceived(lab.limit, consumer.ID, wanted)
		// A last wanted message in every queue: when it has come, all before it in its queue would have.
		wanted = append(wanted, p.Send(harness.Cmd{Topic: topic, Count: 4, Queues: 4, Tag: "A", Prefix: "last"})...)
		received := p.WaitReceived(lab.limit, consumer.ID, wanted)
		checkContent(t, wanted, received)
		for _, r := range received {
			if r.Tag != "A" && r.Tag != "B" {
				t.Errorf("%s with tag %q was received by a consumer of A || B", r.Body, r.Tag)
			}
		}
	})
}

// TestLitePull: Java's lite pull consumer gets what is there and what comes.
func TestLitePull(t *testing.T) {
	eachKind(t, harness.Kind.Java, func(t *testing.T, k harness.Kind) {
		topic, group, p := newTopic(t, 4), unique(t, "G"), start(t, k)
		sent := p.Send(harness.Cmd{Topic: topic, Count: 8, Queues: 4, Prefix: "before"})
		consumer := p.Do(harness.Cmd{Op: "lite", Topic: topic, Group: group})
		p.WaitReceived(lab.limit, consumer.ID, sent)
		sent = append(sent, p.Send(harness.Cmd{Topic: topic, Count: 8, Queues: 4, Prefix: "after"})...)
		checkContent(t, sent, p.WaitReceived(lab.limit, consumer.ID, sent))
		p.Close()
		stored := storedOffsets(t, topic, group, 4, 4)

		p = start(t, k)
		later := p.Send(harness.Cmd{Topic: topic, Count: 4, Queues: 4, Prefix: "later"})
		again := p.Do(harness.Cmd{Op: "lite", Topic: topic, Group: group})
		received := p.WaitReceived(lab.limit, again.ID, later)
		checkContent(t, later, received)
		for _, r := range received {
			if r.Offset < stored[r.Queue] {
				t.Errorf("queue %d: %s at offset %d came again, the group had stored %d", r.Queue, r.Body, r.Offset, stored[r.Queue])
			}
		}
	})
}

// storedOffsets returns what a group that has just stopped has stored per queue. Clients store one-way, and may do so
// before their last message is settled: want is what all queues should come to, but some alone is enough.
func storedOffsets(t *testing.T, topic, group string, queues int, want int64) []int64 {
	t.Helper()
	c := dial(t, brokerAddr(t, topic))
	stored := make([]int64, queues)
	deadline := time.Now().Add(3 * time.Second)
	for {
		missing, some := false, false
		for q := range stored {
			offset, _, err := c.StoredOffset(t.Context(), group, topic, int32(q))
			if err != nil {
				t.Fatal(err)
			}
			stored[q] = offset
			missing = missing || offset != want
			some = some || offset > 0
		}
		if !missing {
			return stored
		}
		if time.Now().After(deadline) {
			if !some {
				t.Errorf("the group stopped in order and has stored nothing")
			}
			t.Logf("stored offsets %v, want %d in each", stored, want)
			return stored
		}
		<-time.After(20 * time.Millisecond)
	}
}
