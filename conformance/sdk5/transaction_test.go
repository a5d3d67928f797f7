package sdk5

import (
	"fmt"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
	"github.com/gantrymq/gantry/conformance/rawclient"
)

// checkLimit is how long a question may take: 6 s after the message, for which Apache's broker looks each 30 s.
func checkLimit() time.Duration {
	if lab.foreign {
		return 90 * time.Second
	}
	return 20 * time.Second
}

// transaction sends messages in transactions, all of which must be taken.
func transaction(t *testing.T, p *harness.Program, c harness.Cmd) (id int, sent []harness.Event) {
	t.Helper()
	c.Op = "transaction"
	id = p.Do(c).ID
	if failed := p.Events(id, "failed"); len(failed) > 0 {
		t.Fatalf("%d of %d messages failed: %s", len(failed), c.Count, failed[0].Error)
	}
	return id, p.Events(id, "sent")
}

// TestTransaction: committed messages arrive, rolled back ones do not, and those that are left open as their producer
// says when it is asked.
func TestTransaction(t *testing.T) {
	eachSDK(t, transactions, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "TRANSACTION")
		group := newGroup(t, topic, rawclient.Group{})
		// All producers of the topic are asked in turn, whichever sent the message: so what one refuses no other may commit.
		rolledBack, p := newTopic(t, "TRANSACTION"), s.start(t)
		refusals := newGroup(t, rolledBack, rawclient.Group{})
		cmd := func(topic, local, check string) harness.Cmd {
			return harness.Cmd{Topic: topic, Count: 3, Size: 100, Prefix: local + "-" + check, Local: local, Check: check}
		}
		_, want := transaction(t, p, cmd(topic, "commit", "commit"))
		asked, later := transaction(t, p, cmd(topic, "unknown", "commit"))
		transaction(t, p, cmd(rolledBack, "rollback", "rollback"))
		refused, _ := transaction(t, p, cmd(rolledBack, "unknown", "rollback"))
		for topic, ids := range map[string][]int{topic: {asked, asked - 1}, rolledBack: {refused, refused - 1}} {
			p.Wait(checkLimit(), fmt.Sprintf("questions about %s", topic), func(all []harness.Event) bool {
				n := map[string]bool{}
				for _, e := range all {
					if e.Event == "checked" && (e.ID == ids[0] || e.ID == ids[1]) {
						n[e.Body] = true
					}
				}
				return len(n) == 3
			})
		}
		consumer := s.simple(p, topic, group)
		want = append(want, later...)
		got := collect(t, p, consumer, len(want), time.Minute)
		checkContent(t, want, got, harness.Cmd{Topic: topic})
		ack(p, consumer, got)
		if none := tryReceive(p, s.simple(p, rolledBack, refusals)); len(none) > 0 {
			t.Errorf("%d messages that were rolled back arrive, the first is %v", len(none), none[0])
		}
	})
}

// TestTransactionOfAKilledProducer: another producer of the topic is asked, and decides.
func TestTransactionOfAKilledProducer(t *testing.T) {
	eachSDK(t, transactions, func(t *testing.T, s *sdk) {
		topic := newTopic(t, "TRANSACTION")
		group := newGroup(t, topic, rawclient.Group{})
		dies, lives := s.start(t), s.start(t)
		_, orphans := transaction(t, dies, harness.Cmd{Topic: topic, Count: 2, Size: 100, Prefix: "orphan", Local: "unknown", Check: "unknown"})
		dies.Kill()
		transaction(t, lives, harness.Cmd{Topic: topic, Local: "commit", Check: "commit"})
		consumer := s.simple(lives, topic, group)
		deadline := time.Now().Add(arrival + checkLimit() + 30*time.Second)
		var got []harness.Event
		for len(got) < len(orphans) && time.Now().Before(deadline) {
			got = append(got, tryReceive(lives, consumer)...)
		}
		checkContent(t, orphans, got, harness.Cmd{Topic: topic})
	})
}

// tryReceive is a receive that may find nothing, which the Go client takes for an error.
func tryReceive(p *harness.Program, consumer int) []harness.Event {
	done, _ := p.Try(harness.Cmd{Op: "receive", Target: consumer, Max: 32, Invisible: time.Minute.Milliseconds()})
	return p.Events(done.ID, "received")
}
