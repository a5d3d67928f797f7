package grpcv5

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal/mem"
	"github.com/gantrymq/gantry/grpcv5/apis"
	"github.com/gantrymq/gantry/internal/memnet"
	"github.com/gantrymq/gantry/protocols"
)

const testAddr = "127.0.0.1:8081"

// rig is a listener over a real engine, on a network and a log in memory.
type rig struct {
	t       testing.TB
	network memnet.Network
	wal     *mem.WAL
	engine  *core.Engine
	failed  bool // the log was killed: the engine does not end well
	server  *Server
	served  chan error
}

// bubble runs a test with a rig in virtual time.
func bubble(t *testing.T, test func(*testing.T, *rig)) {
	t.Helper()
	bubbleWith(t, Config{}, test)
}

func bubbleWith(t *testing.T, cfg Config, test func(*testing.T, *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, served: make(chan error, 1)}
		r.start(cfg, protocols.Env{Listen: r.network.Listen})
		defer r.stop()
		test(t, r)
	})
}

func (r *rig) start(cfg Config, env protocols.Env) {
	r.t.Helper()
	var err error
	if r.wal == nil {
		r.wal = mem.New(mem.Options{})
	}
	if r.engine, err = core.Open(core.Config{}, r.wal, core.Env{}); err != nil {
		r.t.Fatal(err)
	}
	env.Advertiser = protocols.NewAdvertiser(protocols.Machine{}, nil, nil)
	if r.server, err = New(cfg, r.engine, env); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.server.Listen(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	go func() { r.served <- r.server.Serve() }()
}

// restart ends the server, and starts one on what is in the log.
func (r *rig) restart() {
	r.t.Helper()
	r.stop()
	r.start(r.server.cfg, protocols.Env{Listen: r.network.Listen})
}

func (r *rig) stop() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.server.Shutdown(ctx); err != nil {
		r.t.Errorf("shutdown: %v", err)
	}
	if err := <-r.served; err != nil {
		r.t.Errorf("serve: %v", err)
	}
	if err := r.engine.Close(ctx); err != nil && !r.failed {
		r.t.Errorf("close engine: %v", err)
	}
}

// topic makes a topic of a kind; "" is one without message.type.
func (r *rig) topic(name, kind string) {
	r.t.Helper()
	cfg := core.TopicConfig{Name: name, ReadQueues: 4, WriteQueues: 4, Perm: core.PermRead | core.PermWrite}
	if kind != "" {
		cfg.Attributes = map[string]string{core.AttrKind: kind}
	}
	r.admin(core.PutTopic{Config: cfg})
}

func (r *rig) admin(op core.AdminOp) {
	r.t.Helper()
	c := r.engine.Connect(core.ClientInfo{})
	done := make(chan error, 1)
	c.Admin(op, func(err error) { done <- err })
	c.Submit()
	if err := <-done; err != nil {
		r.t.Fatal(err)
	}
	c.Close()
}

// sdk is a client with the stubs, as an SDK is one.
type sdk struct {
	apis.MessagingServiceClient
	t    testing.TB
	conn *grpc.ClientConn
	ctx  context.Context // with the headers
	id   string
}

// sdk connects a client. An empty id sends no headers.
func (r *rig) sdk(id string) *sdk {
	r.t.Helper()
	return r.sdkOver(id, insecure.NewCredentials(), r.dial)
}

// pinging connects a client that pings, whether it has calls or not.
func (r *rig) pinging(each time.Duration) *sdk {
	r.t.Helper()
	return r.sdkOver("pinging", insecure.NewCredentials(), r.dial, grpc.WithKeepaliveParams(keepalive.ClientParameters{
		Time: each, Timeout: each, PermitWithoutStream: true,
	}), grpc.WithIdleTimeout(0))
}

func (r *rig) dial(ctx context.Context, _ string) (net.Conn, error) {
	return r.network.Dial(ctx, "127.0.0.1", testAddr)
}

func (r *rig) sdkOver(id string, creds credentials.TransportCredentials, dial func(context.Context, string) (net.Conn, error), more ...grpc.DialOption) *sdk {
	r.t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+testAddr, append(more, grpc.WithTransportCredentials(creds), grpc.WithContextDialer(dial))...)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx := context.Background()
	if id != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, headerClientID, id, "x-mq-language", "GO", "x-mq-protocol", "v2",
			"authorization", "MQv2-HMAC-SHA1 Credential=//Rocketmq, SignedHeaders=x-mq-date-time, Signature=", "x-mq-date-time", "20260102T030405Z")
	}
	return &sdk{MessagingServiceClient: apis.NewMessagingServiceClient(conn), t: r.t, conn: conn, ctx: ctx, id: id}
}

func (c *sdk) close() { _ = c.conn.Close() }

func resource(name string) *apis.Resource { return &apis.Resource{Name: name} }

// must fails the test unless a call ended well, with that code.
func must[A answer](c *sdk, want apis.Code) func(A, error) A {
	c.t.Helper()
	return func(a A, err error) A {
		c.t.Helper()
		if err != nil {
			c.t.Fatalf("%T: %v", a, err)
		}
		if got := a.GetStatus().GetCode(); got != want {
			c.t.Fatalf("%T is answered %v (%s), want %v", a, got, a.GetStatus().GetMessage(), want)
		}
		return a
	}
}

// message is a message as SDKs make it.
func (c *sdk) message(topic, id, body string) *apis.Message {
	return &apis.Message{
		Topic: resource(topic), Body: []byte(body),
		SystemProperties: &apis.SystemProperties{
			MessageId: id, MessageType: apis.MessageType_NORMAL, BodyEncoding: apis.Encoding_IDENTITY, BornHost: "client-host",
		},
	}
}

func (c *sdk) send(want apis.Code, messages ...*apis.Message) *apis.SendMessageResponse {
	c.t.Helper()
	return must[*apis.SendMessageResponse](c, want)(c.SendMessage(c.ctx, &apis.SendMessageRequest{Messages: messages}))
}
