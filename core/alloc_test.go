//go:build !race

// The race detector makes sync.Pool forget at random, and so allocates.

package core_test

import (
	"testing"

	"github.com/gantrymq/gantry/core"
)

// TestAllocations holds the engine to less than one allocation per message.
func TestAllocations(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, _ func() *core.Engine) {
		c := e.Connect(core.ClientInfo{})
		const n = 256
		batch := &core.Batch{Messages: []core.Message{message("t", "body", "tag")}}
		answers := make(chan struct{}, n)
		done := func([]core.SendResult, error) { answers <- struct{}{} }
		sends := func() {
			for range n {
				c.Send(batch, done)
			}
			c.Submit()
			for range n {
				<-answers
			}
		}
		sends()
		q := queueOf(t, e, "t", 0)
		got := func(r *core.Records, err error) { r.Release(); answers <- struct{}{} }
		pulls := func() {
			for i := range n / 32 {
				c.Pull(core.Pull{Queue: q, Offset: core.Offset(i * 32)}, got)
			}
			c.Submit()
			for range n / 32 {
				<-answers
			}
		}
		if a := testing.AllocsPerRun(20, sends) / n; a > 1 {
			t.Errorf("%.2f allocations per message sent", a)
		}
		if a := testing.AllocsPerRun(20, pulls) / n; a > 1 {
			t.Errorf("%.2f allocations per message pulled", a)
		} else {
			t.Logf("%.3f allocations per message pulled", a)
		}
	})
}
