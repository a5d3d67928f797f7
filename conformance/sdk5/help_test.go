package sdk5

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
)

// Answers whose numbers an SDK may show.
const (
	illegalFilter   = 40010
	illegalLease    = 40011
	illegalDelivery = 40012
	invalidReceipt  = 40013
	wrongType       = 40014
	topicNotFound   = 40402
	internalError   = 50001 // what Apache answers where it does not say more
)

// arrival is how long a message may take to reach a consumer that runs.
const arrival = 20 * time.Second

// producer starts a producer for a topic.
func producer(p *harness.Program, topic string) int {
	return p.Do(harness.Cmd{Op: "producer", Topic: topic}).ID
}

// poll is how long an empty receive takes. The Rust client's deadline is the poll's time itself, which Apache refuses below
// what it thinks enough.
func (s *sdk) poll() time.Duration {
	if lab.foreign && s.name == "rust" {
		return 8 * time.Second
	}
	return 5 * time.Second
}

// simple starts a simple consumer.
func (s *sdk) simple(p *harness.Program, topic, group string) int {
	return p.Do(harness.Cmd{Op: "simple", Topic: topic, Group: group, Await: s.poll().Milliseconds()}).ID
}

// receive is one call of a simple consumer that must succeed, with however many messages.
func receive(p *harness.Program, consumer, most int, lease time.Duration) []harness.Event {
	done := p.Do(harness.Cmd{Op: "receive", Target: consumer, Max: most, Invisible: lease.Milliseconds()})
	return p.Events(done.ID, "received")
}

// collect receives until n messages have come, and fails when they take too long. None may come twice.
func collect(t *testing.T, p *harness.Program, consumer, n int, lease time.Duration) []harness.Event {
	t.Helper()
	var all []harness.Event
	deadline := time.Now().Add(arrival)
	for len(all) < n {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d messages after %v", len(all), n, arrival)
		}
		all = append(all, receive(p, consumer, 32, lease)...)
	}
	for body, count := range harness.Bodies(all) {
		if count > 1 {
			t.Errorf("%s came %d times", body, count)
		}
	}
	return all
}

func ack(p *harness.Program, consumer int, messages []harness.Event) {
	for _, m := range messages {
		p.Do(harness.Cmd{Op: "ack", Target: consumer, Message: m.Message})
	}
}

// checkContent checks that each message sent came once, with what it was sent with.
func checkContent(t *testing.T, sent, received []harness.Event, c harness.Cmd) {
	t.Helper()
	got := map[string]harness.Event{}
	for _, e := range received {
		got[e.Body] = e
	}
	for _, s := range sent {
		r, ok := got[s.Body]
		switch {
		case !ok:
			t.Errorf("%s did not come", s.Body)
			continue
		case r.Size != s.Size || r.CRC != s.CRC:
			t.Errorf("%s: received %d bytes with checksum %d, sent %d with %d", s.Body, r.Size, r.CRC, s.Size, s.CRC)
		case r.MsgID != s.MsgID:
			t.Errorf("%s: received as %s, sent as %s", s.Body, r.MsgID, s.MsgID)
		case r.Topic != c.Topic || r.Tag != c.Tag || sorted(r.Keys) != sorted(c.Keys) || r.MessageGroup != c.MessageGroup:
			t.Errorf("%s: received topic %q, tag %q, keys %q, message group %q; sent %+v", s.Body, r.Topic, r.Tag, r.Keys, r.MessageGroup, c)
		case !maps.Equal(r.Props, c.Props):
			t.Errorf("%s: received properties %v, sent %v", s.Body, r.Props, c.Props)
		case r.Attempt != 1:
			t.Errorf("%s: attempt %d, want 1", s.Body, r.Attempt)
		}
		if age := s.At.Sub(time.UnixMilli(r.Born)); age < -time.Second || age > 10*time.Second {
			t.Errorf("%s: born %v before it was sent", s.Body, age)
		}
	}
}

// checkFailed checks that a command failed, with a code if the SDK shows codes.
func checkFailed(t *testing.T, what string, ok bool, e harness.Event, code int) {
	t.Helper()
	if ok {
		t.Errorf("%s succeeded, want it refused with %d", what, code)
		return
	}
	if e.Code != 0 && e.Code != code {
		t.Errorf("%s: code %d, want %d: %s", what, e.Code, code, e.Error)
	}
}

// between checks how long something took.
func between(t *testing.T, what string, took, least, most time.Duration) {
	t.Helper()
	if took < least || took > most {
		t.Errorf("%s took %v, want %v to %v", what, took.Round(time.Millisecond), least, most)
	}
}

// sorted puts words in order: to some clients keys are a set.
func sorted(list string) string {
	fields := strings.Fields(list)
	slices.Sort(fields)
	return strings.Join(fields, " ")
}

func words(list ...string) string { return strings.Join(list, " ") }
