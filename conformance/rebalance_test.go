package conformance

import (
	"fmt"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
)

const (
	// settle is how long after a member joined, left or died each queue may be without its one owner: "about a second" on
	// a machine that runs all of this on two cores. Without being notified, clients would take 20 s.
	settle = 1500 * time.Millisecond
	// window is how long messages are watched then.
	window = time.Second
)

// member is one consumer of the group under test.
type member struct {
	name string
	p    *harness.Program
	id   int
}

// TestRebalance: the queues of a topic move at once when members of a group join, leave and die, and no message is lost.
func TestRebalance(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		const queues = 8
		topic, group := newTopic(t, queues), unique(t, "G")
		push := harness.Cmd{Op: "push", Topic: topic, Group: group}
		one, two := start(t, k), start(t, k)
		first := member{"first", one, one.Do(push).ID}
		sender := start(t, goKind)
		load := sender.Do(harness.Cmd{Op: "load", Topic: topic, Queues: queues, Rate: 20 * queues})
		one.WaitCount(lab.limit, first.id, 1)

		joined := two.Do(push)
		second := member{"second", two, joined.ID}
		checkOwners(t, "after the second joined", sender, load.ID, joined.At, []member{first, second}, queues/2)

		two.Close()
		checkOwners(t, "after the second left", sender, load.ID, time.Now(), []member{first}, queues)

		three := start(t, k)
		joined = three.Do(push)
		third := member{"third", three, joined.ID}
		checkOwners(t, "after the third joined", sender, load.ID, joined.At, []member{first, third}, queues/2)

		three.Kill()
		checkOwners(t, "after the third died", sender, load.ID, time.Now(), []member{first}, queues)

		sender.Stop(load.ID)
		waitAllReceived(t, lab.limit, "of the whole run", sender.Events(load.ID, "sent"), []member{first, second, third})
	})
}

// checkOwners checks that of the messages sent from settle after a change on, those of one queue all go to one member,
// each message once, and each member has its share of the queues.
func checkOwners(t *testing.T, when string, sender *harness.Program, load int, change time.Time, members []member, share int) {
	t.Helper()
	from := change.Add(settle)
	sender.Wait(settle+window+10*time.Second, "messages sent "+when, func(all []harness.Event) bool {
		last := all[len(all)-1]
		return last.Event == "sent" && last.At.After(from.Add(window))
	})
	var sent []harness.Event
	for _, e := range sender.Events(load, "sent") {
		if e.At.After(from) && e.At.Before(from.Add(window)) {
			sent = append(sent, e)
		}
	}
	by := waitAllReceived(t, lab.limit, when, sent, members)
	owners, owned := map[int]string{}, map[string]map[int]bool{}
	for _, s := range sent {
		for _, name := range by[s.Body] {
			if other := owners[s.Queue]; other != "" && other != name {
				t.Errorf("%s: %s of queue %d came to the %s, others of that queue to the %s", when, s.Body, s.Queue, name, other)
			}
			owners[s.Queue] = name
			if owned[name] == nil {
				owned[name] = map[int]bool{}
			}
			owned[name][s.Queue] = true
		}
	}
	for _, m := range members {
		if len(owned[m.name]) != share {
			t.Errorf("%s: the %s member was sent %d queues, want %d (owners by queue: %v)", when, m.name, len(owned[m.name]), share, owners)
		}
	}
}

// waitAllReceived waits until every message sent has reached some member, and returns who got each.
func waitAllReceived(t *testing.T, limit time.Duration, when string, sent []harness.Event, members []member) map[string][]string {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		by := map[string][]string{}
		for _, m := range members {
			for body := range harness.Bodies(m.p.Events(m.id, "received")) {
				by[body] = append(by[body], m.name)
			}
		}
		missing := ""
		for _, s := range sent {
			if len(by[s.Body]) == 0 {
				missing = fmt.Sprintf("%s of queue %d, offset %d", s.Body, s.Queue, s.Offset)
				break
			}
		}
		if missing == "" {
			return by
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s was not received by anyone within %v", when, missing, limit)
		}
		<-time.After(10 * time.Millisecond)
	}
}
