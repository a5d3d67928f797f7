//go:build !race

// The race detector makes sync.Pool forget at random, and so allocates.

package remoting

import (
	"net"
	"runtime"
	"testing"

	"github.com/gantrymq/gantry/remoting/wire"
)

// TestSendAllocations holds the whole way of a send, socket to log and back, to
// less than one allocation.
func TestSendAllocations(t *testing.T) {
	addr, _ := startTCP(t)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const burst, bursts = 64, 200
	for _, s := range []wire.Serialization{wire.JSON, wire.Binary} {
		req := sendRequest("orders", 0, "a body")
		req.Serialization, req.Version = s, wire.VersionSpoken
		var frames []byte
		for range burst {
			frames = req.AppendTo(frames)
		}
		in := make([]byte, 64<<10)
		round := func() {
			if _, err := conn.Write(frames); err != nil {
				t.Fatal(err)
			}
			skipFrames(t, conn, in, burst)
		}
		for range 20 { // pools and the topic
			round()
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range bursts {
			round()
		}
		runtime.ReadMemStats(&after)
		if n := float64(after.Mallocs-before.Mallocs) / (burst * bursts); n > 0.5 {
			t.Errorf("serialization %d: %.2f allocations per send", s, n)
		} else {
			t.Logf("serialization %d: %.3f allocations per send", s, n)
		}
	}
}
