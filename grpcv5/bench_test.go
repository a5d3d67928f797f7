package grpcv5

import (
	"context"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/gantrymq/gantry/grpcv5/apis"
	"github.com/gantrymq/gantry/protocols"
)

// empty answers every send at once: what grpc-go itself costs, to compare with.
type empty struct {
	apis.UnimplementedMessagingServiceServer
}

func (empty) SendMessage(context.Context, *apis.SendMessageRequest) (*apis.SendMessageResponse, error) {
	return &apis.SendMessageResponse{}, nil
}

func benchmarkSDK(b *testing.B, addr string) *sdk {
	return (&rig{t: b}).sdkOver("bench", insecure.NewCredentials(), func(ctx context.Context, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	})
}

func benchmarkRig(b *testing.B) (*rig, *sdk) {
	r := &rig{t: b, served: make(chan error, 1)}
	r.start(Config{Addr: "127.0.0.1:0"}, protocols.Env{})
	b.Cleanup(r.stop)
	r.topic("t", "")
	c := benchmarkSDK(b, r.server.bound.String())
	b.Cleanup(c.close)
	return r, c
}

func sendEach(b *testing.B, c *sdk) {
	req := &apis.SendMessageRequest{Messages: []*apis.Message{c.message("t", "01AABBCCDDEEFF0011223344556677889900", strings.Repeat("x", 1024))}}
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			a, err := c.SendMessage(c.ctx, req)
			if err != nil || a.GetStatus().GetCode() > apis.Code_OK {
				b.Errorf("%v, %v", a, err)
				return
			}
		}
	})
}

// BenchmarkEmpty is a call of grpc-go whose handler does nothing, client included.
func BenchmarkEmpty(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := grpc.NewServer()
	apis.RegisterMessagingServiceServer(s, empty{})
	go func() { _ = s.Serve(ln) }()
	defer s.Stop()
	c := benchmarkSDK(b, ln.Addr().String())
	defer c.close()
	sendEach(b, c)
}

// BenchmarkSend is the same call, stored.
func BenchmarkSend(b *testing.B) {
	_, c := benchmarkRig(b)
	sendEach(b, c)
}

// BenchmarkReceiveAndAck receives 32 messages and acks them, which is one
// operation for each 32.
func BenchmarkReceiveAndAck(b *testing.B) {
	_, c := benchmarkRig(b)
	c.join("g", "t")
	batch := make([]*apis.Message, 32)
	for i := range batch {
		batch[i] = c.message("t", "01AABBCCDDEEFF0011223344556677889900", strings.Repeat("x", 1024))
	}
	for range b.N {
		c.send(apis.Code_OK, batch...)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for left := 32 * b.N; left > 0; {
		got, err := c.receive(c.ctx, "t", func(r *apis.ReceiveMessageRequest) { r.InvisibleDuration = durationpb.New(maxInvisible) })
		if err != nil || len(got.messages) == 0 {
			b.Fatalf("%v, %v", got.status, err)
		}
		c.ack(apis.Code_OK, got.messages...)
		left -= len(got.messages)
	}
}
