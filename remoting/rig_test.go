package remoting

import (
	"context"
	"log/slog"
	"net"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal/mem"
	"github.com/gantrymq/gantry/internal/memnet"
	"github.com/gantrymq/gantry/protocols"
	"github.com/gantrymq/gantry/remoting/client"
	"github.com/gantrymq/gantry/remoting/wire"
)

const (
	testNamesrv = "127.0.0.1:9876"
	testBroker  = "127.0.0.1:10911"
)

// rig is a listener over a real engine, on a network and a log in memory.
type rig struct {
	t       *testing.T
	log     *slog.Logger // nil discards
	config  core.Config  // of the engine; the system topics are added
	network memnet.Network
	engine  *core.Engine
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
		r.start(cfg)
		defer r.stop()
		test(t, r)
	})
}

// bubbleLogged is bubble with a log.
func bubbleLogged(t *testing.T, log *slog.Logger, test func(*testing.T, *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, log: log, served: make(chan error, 1)}
		r.start(Config{})
		defer r.stop()
		test(t, r)
	})
}

func (r *rig) start(cfg Config) {
	r.t.Helper()
	var err error
	r.config.SystemTopics = SystemTopics("DefaultCluster", "gantry-0")
	r.engine, err = core.Open(r.config, mem.New(mem.Options{SegmentSize: r.config.SegmentBytes}), core.Env{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.server, err = New(cfg, r.engine, protocols.Env{
		Logger: r.log, Listen: r.network.Listen, Advertiser: protocols.NewAdvertiser(protocols.Machine{}, nil, nil),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.server.Listen(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	go func() { r.served <- r.server.Serve() }()
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
	if err := r.engine.Close(ctx); err != nil {
		r.t.Errorf("close engine: %v", err)
	}
}

// raw opens a connection to the broker without a client on it.
func (r *rig) raw() net.Conn {
	r.t.Helper()
	nc, err := r.network.Dial(r.t.Context(), "127.0.0.1", testBroker)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = nc.Close() })
	return nc
}

// caller is a client whose calls must not fail.
type caller struct {
	*client.Conn
	t      testing.TB
	pushed chan *wire.Command
}

func (r *rig) dial() *caller {
	r.t.Helper()
	c := &caller{t: r.t, pushed: make(chan *wire.Command, 64)}
	c.Conn = client.New(r.raw(), func(cmd *wire.Command) { c.pushed <- cmd })
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

// call sends a request and returns its answer, which must have that code.
func (c *caller) call(want wire.ResponseCode, req *wire.Command) *wire.Command {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 3*time.Minute)
	defer cancel()
	resp, err := c.Call(ctx, req)
	if err != nil {
		c.t.Fatalf("request %d: %v", req.Code, err)
	}
	if wire.ResponseCode(resp.Code) != want {
		c.t.Fatalf("request %d is answered %d (%s), want %d", req.Code, resp.Code, resp.Remark, want)
	}
	return resp
}

// send stores a message in a queue and returns its offset.
func (c *caller) send(topic string, queue int, body string) int64 {
	c.t.Helper()
	resp := c.call(wire.Success, sendRequest(topic, queue, body))
	return number(c.t, resp, "queueOffset")
}

func sendRequest(topic string, queue int, body string) *wire.Command {
	req := wire.NewRequest(wire.SendMessageV2, "a", "pg", "b", topic, "c", defaultTopic, "d", "4",
		"e", strconv.Itoa(queue), "f", "0", "g", "1700000000000", "h", "0",
		"i", "TAGS\x01red\x02UNIQ_KEY\x01AC11000100002A9F0000018BCFE56800\x02", "j", "0", "k", "false", "m", "false")
	req.Body = []byte(body)
	return req
}

func pullRequest(topic string, queue int, offset int64, sysFlag int32) *wire.Command {
	return wire.NewRequest(wire.PullMessage, "consumerGroup", "cg", "topic", topic, "queueId", strconv.Itoa(queue),
		"queueOffset", strconv.FormatInt(offset, 10), "maxMsgNums", "32", "sysFlag", strconv.Itoa(int(sysFlag)),
		"commitOffset", "0", "suspendTimeoutMillis", "15000", "subscription", "*", "subVersion", "0", "expressionType", "TAG")
}

func number(t testing.TB, resp *wire.Command, field string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(resp.Ext.Text(field), 10, 64)
	if err != nil {
		t.Fatalf("field %s: %v", field, err)
	}
	return n
}
