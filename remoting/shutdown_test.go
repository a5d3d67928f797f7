package remoting

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

func TestShutdownAnswersHeldPolls(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.send("orders", 0, "first")
		polled := make(chan time.Duration)
		go func() {
			began := time.Now()
			c.call(wire.PullNotFound, pullRequest("orders", 0, 1, wire.PullSuspend))
			polled <- time.Since(began)
		}()
		time.Sleep(time.Second)
		finished := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			finished <- r.server.Shutdown(ctx)
		}()
		if took := <-polled; took > 1100*time.Millisecond {
			t.Errorf("the poll was answered after %v", took)
		}
		// What comes now is told to go away, each in its own words.
		c.call(wire.GoAway, sendRequest("orders", 0, "late"))
		old := sendRequest("orders", 0, "late")
		old.Version, old.Language = 409, wire.Java
		c.call(wire.ServiceNotAvailable, old)
		began := time.Now()
		if err := <-finished; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("shutdown took %v more", took)
		}
		<-c.Done()
	})
}

func TestShutdownTakesNoNewConnections(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		if err := r.server.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if nc, err := r.network.Dial(t.Context(), "127.0.0.1", testBroker); err == nil {
			_ = nc.Close()
			t.Error("a connection is taken")
		}
	})
}

func TestShutdownWaitsForNobodyLongerThanItMay(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		for range 8 {
			c.send("orders", 0, string(make([]byte, 200_000)))
		}
		stuck := r.raw() // has answers that it does not read
		for range 3 {
			write(t, stuck, pullRequest("orders", 0, 0, 0).AppendTo(nil))
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		if err := r.server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("shutdown took %v, may take 5 s", took)
		}
	})
}
