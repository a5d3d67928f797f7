package remoting

import (
	"context"
	"encoding/binary"
	"io"
	"net"
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
func startTCP(t testing.TB) string {
	t.Helper()
	engine, err := core.Open(core.Config{SystemTopics: SystemTopics("DefaultCluster", "gantry-0")}, mem.New(mem.Options{}), core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := New(Config{NamesrvAddr: "127.0.0.1:0", Addr: "127.0.0.1:0"}, engine,
		protocols.Env{Advertiser: protocols.NewAdvertiser(protocols.Machine{}, nil, nil)})
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
	return bound[1].Addr.String()
}

func TestTCPSendAndLargePull(t *testing.T) {
	addr := startTCP(t)
	conn, err := client.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{Conn: conn, t: t}
	defer func() { _ = c.Close() }()
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

// BenchmarkSend measures the whole server with a client that does next to
// nothing: bursts of 64 prepared frames over one loopback connection.
func BenchmarkSend(b *testing.B) {
	addr := startTCP(b)
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

func skipFrames(b *testing.B, r io.Reader, buf []byte, count int) {
	have := 0
	for count > 0 {
		n, err := r.Read(buf[have:])
		if err != nil {
			b.Fatal(err)
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
