package conformance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
)

// TestSend: a topic that nobody created takes sends of every kind, with four queues, and what was sent arrives.
func TestSend(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		for _, mode := range []string{"sync", "async", "oneway"} {
			t.Run(mode, func(t *testing.T) {
				const count = 8
				topic, p := unique(t, "T"), start(t, k)
				sends := p.Do(harness.Cmd{Op: "send", Mode: mode, Topic: topic, Count: count, Size: 100, Tag: "TagA", Keys: "key-1"})
				sent := p.Events(sends.ID, "sent")
				if mode == "oneway" {
					sent = p.Events(sends.ID, "oneway")
					waitRouteFor(t, topic, 10*time.Second) // nothing tells when a one-way send has made its topic
				}
				broker := brokerAddr(t, topic)
				if mode != "oneway" {
					checkAcknowledged(t, broker, sent, count)
					checkDistinctIDs(t, sent)
				}
				if got := p.Do(harness.Cmd{Op: "queues", Topic: topic}).Queues; len(got) != 4 {
					t.Errorf("the topic made by sending has the queues %v, want 4", got)
				}
				consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: unique(t, "G")})
				received := p.WaitReceived(lab.limit, consumer.ID, sent)
				checkContent(t, sent, received)
				for _, r := range received {
					if r.Tag != "TagA" || r.Keys != "key-1" || r.Attempt != 0 {
						t.Errorf("%s: received with tag %q, keys %q, attempt %d", r.Body, r.Tag, r.Keys, r.Attempt)
					}
					if want := r.StoreHost; want != "/"+broker && want != broker {
						t.Errorf("%s: received with store host %s, the broker is at %s", r.Body, want, broker)
					}
				}
			})
		}
	})
}

func checkDistinctIDs(t *testing.T, events []harness.Event) {
	t.Helper()
	seen := map[string]string{}
	for _, e := range events {
		if e.MsgID == "" {
			t.Errorf("%s has no message id", e.Body)
		}
		if other, taken := seen[e.MsgID]; taken && other != e.Body {
			t.Errorf("%s and %s have the same message id %s", other, e.Body, e.MsgID)
		}
		seen[e.MsgID] = e.Body
	}
}

// TestBatch: a batch takes consecutive offsets of one queue, and each of its messages is one for a consumer.
func TestBatch(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		for _, size := range []int{20, 104_000} { // ten of the larger make 1 MB
			t.Run(fmt.Sprint(10*size), func(t *testing.T) {
				const count = 10
				topic, p := unique(t, "T"), start(t, k)
				sent := p.Send(harness.Cmd{Mode: "batch", Topic: topic, Count: count, Size: size})
				checkAcknowledged(t, brokerAddr(t, topic), sent, count)
				consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: unique(t, "G")})
				received := p.WaitReceived(lab.limit, consumer.ID, sent)
				if k.Version == "5.3.3" && lab.foreign {
					// The 5.x client gives the batch an id beside those of its messages, and Apache's broker
					// gives it to every message.
					for i := range sent {
						sent[i].MsgID = ""
					}
				} else {
					checkDistinctIDs(t, received)
				}
				checkContent(t, sent, received)
			})
		}
	})
}

// TestCompressed: bodies over 4 KB travel compressed, and every client gets the plain body, whoever sent it.
func TestCompressed(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, sender harness.Kind) {
		topic := unique(t, "T")
		sent := start(t, sender).Send(harness.Cmd{Topic: topic, Count: 4, Size: 6000})
		sent = append(sent, start(t, sender).Send(harness.Cmd{Topic: topic, Count: 2, Size: 200_000, Prefix: "large"})...)
		waitRoute(t, topic)
		for _, k := range receivers() {
			p := start(t, k)
			consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: unique(t, "G")})
			checkContent(t, sent, p.WaitReceived(lab.limit, consumer.ID, sent))
		}
	})
}

// receivers are the kinds without those that differ in their headers only: bodies do not depend on those.
func receivers() []harness.Kind {
	var out []harness.Kind
	for _, k := range lab.kinds {
		if !slices.ContainsFunc(out, func(o harness.Kind) bool { return o.Lang == k.Lang && o.Version == k.Version }) {
			out = append(out, k)
		}
	}
	return out
}

// TestOtherCompression: Java can compress by LZ4 and Zstandard, which Go's client cannot read: it gets the body in a way
// that it can. Apache's broker gives it the bytes as they are, so that this is asked of our server only.
func TestOtherCompression(t *testing.T) {
	if lab.foreign {
		t.Skip("asked of our own server only")
	}
	eachKind(t, harness.Kind.Java, func(t *testing.T, sender harness.Kind) {
		for _, compression := range []string{"LZ4", "ZSTD"} {
			topic := unique(t, "T")
			sent := start(t, sender).Send(harness.Cmd{Topic: topic, Count: 4, Size: 6000, Compression: compression})
			for _, k := range receivers() {
				p := start(t, k)
				consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: unique(t, "G")})
				checkContent(t, sent, p.WaitReceived(lab.limit, consumer.ID, sent))
			}
		}
	})
}

// TestVIPChannel: clients that are told to use the VIP channel send to the port two below the broker's.
func TestVIPChannel(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		topic, p := newTopic(t, 4), start(t, k)
		sent := p.Send(harness.Cmd{Topic: topic, Count: 4, VIP: 1})
		checkAcknowledged(t, brokerAddr(t, topic), sent, 4)
	})
}

// TestRefused: a message over the limit is refused in a way that the client tells its user, and the client goes on.
func TestRefused(t *testing.T) {
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		topic, p := newTopic(t, 4), start(t, k)
		const illegal = 13 // MESSAGE_ILLEGAL
		sends := p.Do(harness.Cmd{Op: "send", Topic: topic, Size: 4<<20 + 1, Incompressible: 1})
		failed := p.Events(sends.ID, "failed")
		if len(failed) != 1 {
			t.Fatalf("a body of 4 MB and a byte was not refused: %v", p.Events(sends.ID, "sent"))
		}
		// Go's client keeps the code to itself.
		if k.Java() && failed[0].Code != illegal {
			t.Errorf("a body of 4 MB and a byte was refused with %d (%s), want %d", failed[0].Code, failed[0].Error, illegal)
		}
		sent := p.Send(harness.Cmd{Topic: topic, Size: 4 << 20, Incompressible: 1})
		checkAcknowledged(t, brokerAddr(t, topic), sent, 1)
	})
}
