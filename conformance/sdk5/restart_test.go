package sdk5

import (
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
	"github.com/gantrymq/gantry/conformance/rawclient"
)

// back is how long clients may take to go on once the server is there again: they look at their streams and routes
// only now and then.
const back = 60 * time.Second

// TestRestart: clients that run while the server ends in order, and while it is killed, go on by themselves, and what was
// acknowledged is received.
func TestRestart(t *testing.T) {
	if lab.foreign {
		t.Skip("the server under test was not started here")
	}
	eachSDK(t, push, func(t *testing.T, s *sdk) {
		server, err := harness.NewServer(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Kill)
		topic, group := "RestartTopic", "RestartGroup"
		c := dial(t, server.Broker)
		if err := c.CreateTypedTopic(t.Context(), topic, queues, "NORMAL"); err != nil {
			t.Fatal(err)
		}
		if err := c.PutGroup(t.Context(), rawclient.Group{Name: group, Retries: 16}); err != nil {
			t.Fatal(err)
		}
		sender, receiver := s.startAt(t, server.GRPC, s.tls), s.startAt(t, server.GRPC, s.tls)
		consumer := receiver.Do(harness.Cmd{Op: "push", Topic: topic, Group: group}).ID
		load := sender.Do(harness.Cmd{Op: "load", Target: producer(sender, topic), Topic: topic, Rate: 50}).ID
		waitFlow(sender, load, receiver, consumer, time.Now())
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
			begin := time.Now()
			waitFlow(sender, load, receiver, consumer, begin)
			t.Logf("%s: messages flow again after %v", end.name, time.Since(begin).Round(time.Millisecond))
		}
		sender.Stop(load)
		receiver.WaitReceived(back, consumer, sender.Events(load, "sent"))
	})
}

// waitFlow waits until a message that was sent and acknowledged after a time has been received.
func waitFlow(sender *harness.Program, load int, receiver *harness.Program, consumer int, after time.Time) {
	fresh := map[string]bool{}
	sender.Wait(back, "a send is acknowledged", func(all []harness.Event) bool {
		for _, e := range all {
			if e.Event == "sent" && e.ID == load && e.At.After(after) {
				fresh[e.Body] = true
			}
		}
		return len(fresh) > 20
	})
	receiver.Wait(back, "a message sent since then is received", func(all []harness.Event) bool {
		for _, e := range all {
			if e.Event == "received" && e.ID == consumer && fresh[e.Body] {
				return true
			}
		}
		return false
	})
}
