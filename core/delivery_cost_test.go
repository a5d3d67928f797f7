package core_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/mem"
)

// TestBytesPerDelivery holds what a message costs in the log that is received and
// acked by itself, frame headers apart, to 60 bytes.
func TestBytesPerDelivery(t *testing.T) {
	e, err := core.Open(core.Config{}, mem.New(mem.Options{}), core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(t.Context())
	c := e.Connect(core.ClientInfo{})
	const n = 1000
	wait(t, c, func(done func(error)) {
		c.Admin(core.PutGroup{Config: core.GroupConfig{Name: "a-group-of-consumers", From: core.FromEarliest}}, done)
	})
	for i := range n {
		send(t, c, message("t", fmt.Sprint("m", i), "tag"))
	}
	info, _ := e.Topic("t")
	receive := core.Receive{Group: "a-group-of-consumers", Queue: core.Queue{Topic: info.ID, Num: -1}, Max: 1, Invisible: time.Minute}
	before := e.Stats()
	for range n {
		r := receiveOne(t, c, receive)
		settle(t, c, core.Settlement{Receipt: r, Do: core.Ack})
	}
	after := e.Stats()
	frames := after.Frames - before.Frames
	perMessage := float64(after.FrameBytes-before.FrameBytes-frames*wal.HeaderSize) / n
	t.Logf("%.1f bytes, and %.2f frames", perMessage, float64(frames)/n)
	if perMessage > 60 {
		t.Errorf("%.1f bytes per received and acked message", perMessage)
	}
}

// receiveOne receives one message, which must be there.
func receiveOne(t *testing.T, c *core.Client, r core.Receive) (receipt core.Receipt) {
	t.Helper()
	wait(t, c, func(done func(error)) {
		c.Receive(r, func(got *core.Records, err error) {
			switch {
			case err != nil:
			case len(got.Delivered()) != 1:
				err = fmt.Errorf("%d messages received", len(got.Delivered()))
			default:
				receipt = got.Delivered()[0].Receipt
				got.Release()
			}
			done(err)
		})
	})
	return receipt
}

// settle settles deliveries, each of which must succeed.
func settle(t *testing.T, c *core.Client, all ...core.Settlement) {
	t.Helper()
	wait(t, c, func(done func(error)) {
		c.Settle(all, func(results []core.Settled) {
			var failed error
			for _, r := range results {
				if r.Err != nil {
					failed = r.Err
				}
			}
			done(failed)
		})
	})
}
