package conformance

import (
	"fmt"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
)

// reconnectLimit is how long clients may take to go on after the server is back. Clients of Java 4.9 and Go do not
// notice that a waiting pull was lost with its connection: that queue rests until the pull's own time-out, 30 s, and
// then until their next heartbeat if a server wants that first.
const reconnectLimit = 70 * time.Second

// TestRestart: clients that run while the server ends in order, and while it is killed, go on by themselves, and what
// was acknowledged is received.
func TestRestart(t *testing.T) {
	if lab.foreign {
		t.Skip("the server under test was not started here")
	}
	t.Parallel()
	eachKind(t, nil, func(t *testing.T, k harness.Kind) {
		t.Parallel() // mostly waiting, and each with a server of its own
		server, err := harness.NewServer(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Kill)
		sender, consumer := lab.builds.Start(t, k, server.Namesrv), lab.builds.Start(t, k, server.Namesrv)
		topic := unique(t, "T")
		sender.Send(harness.Cmd{Topic: topic, Prefix: "first"}) // makes the topic
		push := consumer.Do(harness.Cmd{Op: "push", Topic: topic, Group: unique(t, "G")})
		load := sender.Do(harness.Cmd{Op: "load", Topic: topic, Rate: 100})
		waitFlow(t, sender, load.ID, consumer, push.ID, time.Now())

		for _, end := range []struct {
			name string
			do   func() error
		}{
			{"ended by SIGTERM", server.Stop},
			{"killed", func() error { server.Kill(); return nil }},
		} {
			if err := end.do(); err != nil {
				t.Fatal(err)
			}
			if err := server.Start(t.Context()); err != nil {
				t.Fatalf("start after it was %s: %v", end.name, err)
			}
			back := time.Now()
			waitFlow(t, sender, load.ID, consumer, push.ID, back)
			t.Logf("%s: messages flow again after %v", end.name, time.Since(back).Round(time.Millisecond))
		}
		sender.Stop(load.ID)
		sent := sender.Events(load.ID, "sent")
		checkPlaces(t, sent)
		waitAllReceived(t, reconnectLimit, "after two restarts", sent, []member{{"consumer", consumer, push.ID}})
	})
}

// waitFlow waits until messages that were sent after a time have been received.
func waitFlow(t *testing.T, sender *harness.Program, load int, consumer *harness.Program, push int, after time.Time) {
	t.Helper()
	fresh := map[string]bool{}
	sender.Wait(reconnectLimit, "a send is acknowledged", func(all []harness.Event) bool {
		n := 0
		for _, e := range all {
			if e.Event == "sent" && e.ID == load && e.At.After(after) {
				fresh[e.Body] = true
				n++
			}
		}
		return n >= 20
	})
	consumer.Wait(reconnectLimit, "a message sent since then is received", func(all []harness.Event) bool {
		for _, e := range all {
			if e.Event == "received" && e.ID == push && fresh[e.Body] {
				return true
			}
		}
		return false
	})
}

// checkPlaces checks that no two acknowledged messages were given the same place.
func checkPlaces(t *testing.T, sent []harness.Event) {
	t.Helper()
	places := map[string]string{}
	for _, e := range sent {
		place := fmt.Sprintf("queue %d offset %d", e.Queue, e.Offset)
		if other, taken := places[place]; taken {
			t.Errorf("%s and %s were both acknowledged at %s", other, e.Body, place)
		}
		places[place] = e.Body
	}
}
