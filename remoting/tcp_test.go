package remoting

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal/mem"
	"github.com/gantrymq/gantry/protocols"
	"github.com/gantrymq/gantry/remoting/client"
	"github.com/gantrymq/gantry/remoting/wire"
)

// startTCP starts a listener on real sockets, whose reads and writes take other
// paths than those of pipes, and returns the broker's address.
func startTCP(t testing.TB) (string, *Server) {
	t.Helper()
	engine, err := core.Open(core.Config{SystemTopics: SystemTopics("DefaultCluster", "gantry-0")}, mem.New(mem.Options{}), core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := protocols.ServerTLS("", "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server, err := New(Config{NamesrvAddr: "127.0.0.1:0", Addr: "127.0.0.1:0"}, engine,
		protocols.Env{Advertiser: protocols.NewAdvertiser(protocols.Machine{}, nil, nil), TLS: cert})
	if err != nil {
		t.Fatal(err)
	}
	bound, err := server.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := engine.Close(ctx); err != nil {
			t.Errorf("close engine: %v", err)
		}
	})
	return bound[1].Addr.String(), server
}

func TestTCPSendAndLargePull(t *testing.T) {
	addr, _ := startTCP(t)
	c := dialTCP(t, addr)
	body := string(make([]byte, 1<<20)) // many reads and writes each way
	for range 4 {
		c.send("large", 0, body)
	}
	for offset := range int64(4) {
		req := pullRequest("large", 0, offset, wire.PullSubscription)
		resp := c.call(wire.Success, req)
		m, err := wire.DecodeMessage(resp.Body)
		if err != nil || string(m.Body) != body || m.QueueOffset != offset {
			t.Fatalf("message at %d: %d bytes, offset %d, %v", offset, len(m.Body), m.QueueOffset, err)
		}
	}
}

func TestTCPAnswersThatTheSocketDoesNotTake(t *testing.T) {
	addr, _ := startTCP(t)
	producer := dialTCP(t, addr)
	for range 4 {
		producer.send("large", 0, string(make([]byte, 200_000)))
	}
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	const count = 200 // 40 MB, far more than the sockets hold
	var requests []byte
	for i := range count {
		req := pullRequest("large", 0, int64(i%4), 0)
		req.Opaque, req.Version = int32(i), 409
		requests = req.AppendTo(requests)
	}
	go func() { _, _ = nc.Write(requests) }()
	producer.send("large", 1, "meanwhile")
	seen := map[int32]bool{}
	for len(seen) < count {
		cmd, err := client.ReadCommand(nc)
		if err != nil {
			t.Fatalf("after %d answers: %v", len(seen), err)
		}
		if seen[cmd.Opaque] {
			t.Fatalf("request %d is answered twice", cmd.Opaque)
		}
		seen[cmd.Opaque] = true
		switch wire.ResponseCode(cmd.Code) {
		case wire.Success:
			if m, err := wire.DecodeMessage(cmd.Body); err != nil || m.QueueOffset != int64(cmd.Opaque%4) {
				t.Fatalf("request %d gets offset %d, %v", cmd.Opaque, m.QueueOffset, err)
			}
		case wire.PullRetryImmediately:
		default:
			t.Fatalf("request %d is answered %d", cmd.Opaque, cmd.Code)
		}
	}
}

func TestTCPIdleConnectionsHoldNoBuffers(t *testing.T) {
	addr, server := startTCP(t)
	for range 20 {
		c := dialTCP(t, addr)
		c.send("orders", 0, "x")
	}
	deadline := time.Now().Add(10 * time.Second)
	for held(server) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d of 20 idle connections hold a buffer", held(server))
		}
		runtime.Gosched()
	}
}

// held counts the connections that own memory for writing, or count against the
// budget of incomplete frames. The read buffer itself is the reader's alone.
func held(s *Server) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for c := range s.conns {
		c.out.mu.Lock()
		if c.out.buf != nil || c.out.busy {
			n++
		}
		c.out.mu.Unlock()
	}
	return n
}

func dialTCP(t testing.TB, addr string) *caller {
	t.Helper()
	conn, err := client.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &caller{Conn: conn, t: t}
}

// BenchmarkSend measures the whole server with a client that does next to
// nothing: bursts of 64 prepared frames over one loopback connection.
func BenchmarkSend(b *testing.B) {
	addr, _ := startTCP(b)
	const burst = 64
	for _, s := range []struct {
		name string
		kind wire.Serialization
	}{{"json", wire.JSON}, {"binary", wire.Binary}} {
		b.Run(s.name, func(b *testing.B) {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			req := sendRequest("bench", 0, string(make([]byte, 128)))
			req.Serialization, req.Version = s.kind, wire.VersionSpoken
			var frames []byte
			for range burst {
				frames = req.AppendTo(frames)
			}
			b.ReportAllocs()
			in := make([]byte, 64<<10)
			for n := 0; n < b.N; n += burst {
				if _, err := conn.Write(frames); err != nil {
					b.Fatal(err)
				}
				skipFrames(b, conn, in, burst)
			}
		})
	}
}

func skipFrames(t testing.TB, r io.Reader, buf []byte, count int) {
	have := 0
	for count > 0 {
		n, err := r.Read(buf[have:])
		if err != nil {
			t.Fatal(err)
		}
		have += n
		for have >= 4 {
			size := 4 + int(binary.BigEndian.Uint32(buf))
			if have < size {
				break
			}
			have = copy(buf, buf[size:have])
			count--
		}
	}
}
