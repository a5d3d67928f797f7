package conformance

import (
	"fmt"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
)

// checkLimit is how long a question may take: 6 s after the message, for which Apache's broker looks each 30 s.
const (
	checkLimit        = 20 * time.Second
	foreignCheckLimit = 90 * time.Second
)

func patience() time.Duration {
	if lab.foreign {
		return foreignCheckLimit
	}
	return checkLimit
}

// transaction begins a producer of transactions, all of whose messages must be taken, and returns its command and them.
func transaction(t *testing.T, p *harness.Program, c harness.Cmd) (id int, sent []harness.Event) {
	t.Helper()
	c.Op = "transaction"
	id = p.Do(c).ID
	if failed := p.Events(id, "failed"); len(failed) > 0 {
		t.Fatalf("%d of %d messages failed: %s", len(failed), c.Count, failed[0].Error)
	}
	return id, p.Events(id, "sent")
}

// checkTransactional looks at what consumers are handed of committed messages: each of them once, and nothing else.
func checkTransactional(t *testing.T, group string, sent, received []harness.Event) {
	t.Helper()
	want, got := harness.Bodies(sent), map[string]harness.Event{}
	for _, r := range received {
		if want[r.Body] == 0 {
			t.Errorf("%s was received", r.Body)
		}
		if _, twice := got[r.Body]; twice {
			t.Errorf("%s was received twice", r.Body)
		}
		got[r.Body] = r
	}
	for _, s := range sent {
		r := got[s.Body]
		if r.Size != s.Size || r.CRC != s.CRC || r.MsgID != s.MsgID {
			t.Errorf("%s: received %v, sent %v", s.Body, r, s)
		}
		if r.Props["TRAN_MSG"] != "true" || r.Props["PGROUP"] != group {
			t.Errorf("%s: received with the properties %v", s.Body, r.Props)
		}
	}
}

// TestTransaction: committed messages arrive once, rolled back ones never, and those that a producer does not know of
// as it says when it is asked.
func TestTransaction(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		topic, group, p := newTopic(t, 4), unique(t, "P"), start(t, k)
		var committed []harness.Event
		begin := func(local, check string) (id int, sent []harness.Event) {
			return transaction(t, p, harness.Cmd{
				Topic: topic, Group: group + "-" + local + "-" + check, Count: 3, Size: 100, Prefix: local + "-" + check, Local: local, Check: check,
			})
		}
		consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: unique(t, "G")})
		begin("rollback", "commit")
		asked, later := begin("unknown", "commit")
		refused, _ := begin("unknown", "rollback")
		_, committed = begin("commit", "rollback")
		checkTransactional(t, group+"-commit-rollback", committed, p.WaitReceived(lab.limit, consumer.ID, committed))
		for _, id := range []int{asked, refused} {
			p.Wait(patience(), fmt.Sprintf("questions to %d", id), func(all []harness.Event) bool {
				n := map[string]bool{}
				for _, e := range all {
					if e.ID == id && e.Event == "checked" {
						n[e.Body] = true
					}
				}
				return len(n) == 3
			})
			for _, e := range p.Events(id, "checked") {
				if e.Topic != topic || e.Size != 100 || e.Props["TRANSACTION_CHECK_TIMES"] == "" {
					t.Errorf("asked about %v", e)
				}
			}
		}
		received := p.WaitReceived(lab.limit, consumer.ID, later)
		var late []harness.Event
		for _, r := range received {
			if harness.Bodies(committed)[r.Body] == 0 {
				late = append(late, r)
			}
		}
		checkTransactional(t, group+"-unknown-commit", later, late)
	})
}

// TestTransactionOfAKilledProducer: another producer of the group is asked, and decides.
func TestTransactionOfAKilledProducer(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		topic, group := newTopic(t, 4), unique(t, "P")
		dies, lives := start(t, k), start(t, k)
		_, orphans := transaction(t, dies, harness.Cmd{Topic: topic, Group: group, Count: 2, Size: 100, Prefix: "orphan", Local: "unknown", Check: "unknown"})
		dies.Kill()
		_, sent := transaction(t, lives, harness.Cmd{Topic: topic, Group: group, Count: 1, Size: 100, Prefix: "own", Local: "commit", Check: "commit"})
		consumer := lives.Do(harness.Cmd{Op: "push", Topic: topic, Group: unique(t, "G")})
		all := append(sent, orphans...)
		checkTransactional(t, group, all, lives.WaitReceived(patience()+lab.limit, consumer.ID, all))
	})
}
