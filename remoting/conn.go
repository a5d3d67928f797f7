package remoting

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/remoting/wire"
)

// conn is one connection. What has no other note belongs to its reader.
type conn struct {
	server        *Server
	conn          net.Conn
	stream        net.Conn // what is read: conn, or TLS over it
	greeted       bool     // the first bytes were looked at
	remote, local netip.AddrPort
	out           outBuffer // any goroutine
	in            readBuffer
	draining      atomic.Bool // set by Shutdown; never unset
	deadlines     deadlines
	socket        socketReader

	cmd       wire.Command // the request that is being handled
	client    *core.Client // nil until a request needs it
	storeHost netip.AddrPort
	left      bool  // the client is closed
	queued    bool  // calls wait for Submit
	started   int64 // requests that were handed to a handler

	names       map[string]*name
	filters     map[filterText]*filter.Filter
	filterBytes int // of their texts
	volumes     map[pair]*volume
	sending     sendScratch
	commit      [1]core.CursorOffset
	member      membership
	ordered     map[string]bool // groups in which the client has held locks
	questions   questions       // any goroutine
	old         atomic.Bool     // its last heartbeat was that of a client that reads old formats only
	pushed      int32           // opaque of the last request to the client; guarded by the out buffer
}

func newConn(s *Server, nc net.Conn, remote, local netip.AddrPort) *conn {
	c := &conn{server: s, conn: nc, stream: nc, remote: remote, local: local}
	c.in = readBuffer{pools: s.readPools, budget: s.budget}
	c.out = outBuffer{
		conn: nc, sent: s.metrics.sent, pool: &s.outPool,
		run: s.goroutines.Go, room: make(chan struct{}, 1),
	}
	c.out.try = c.out.writeFD
	c.socket.bind(c)
	c.deadlines.start(time.Now())
	return c
}

func (c *conn) log() *slog.Logger { return c.server.log.With("conn", c.remote.String()) }

// serve is the reader: it returns when the connection is to be closed, and why.
func (c *conn) serve() (reason string) {
	for {
		if err := c.burst(); err != nil {
			return c.closeReason(err)
		}
		if c.draining.Load() {
			return c.goodbye()
		}
		if err := c.fill(); err != nil {
			if errors.Is(err, errDraining) {
				return c.goodbye()
			}
			return c.closeReason(err)
		}
		c.secure()
	}
}

// burst handles all whole frames that are there, and submits what they ask of
// core as one run. It returns once the client has taken enough of the answers.
func (c *conn) burst() error {
	taken := 0
	defer func() { c.server.metrics.received.Add(float64(taken)) }()
	for {
		b := c.in.bytes()
		size, err := wire.FrameSize(b)
		if err != nil {
			c.submit()
			return &framingError{err}
		}
		if size == 0 || size > len(b) {
			break
		}
		taken += size
		err = c.frame(b[:size:size])
		c.in.skip(size)
		if err != nil {
			c.submit()
			return err
		}
	}
	if taken > 0 {
		c.submit()
		c.out.flush()
		if c.out.waitRoom() {
			c.server.metrics.limits.WithLabelValues("out_buffer").Inc()
		}
	}
	c.deadlines.burst(time.Now(), taken > 0, c.in.len() > 0)
	return nil
}

func (c *conn) submit() {
	if c.queued {
		c.queued = false
		c.client.Submit()
	}
}

// frame handles one whole frame.
func (c *conn) frame(frame []byte) error {
	cmd := &c.cmd
	if err := cmd.Decode(frame); err != nil {
		return c.badHeader(frame, err)
	}
	if cmd.IsResponse() {
		c.answer(cmd.Opaque, cmd)
		return nil
	}
	rt := c.server.router.find(wire.RequestCode(cmd.Code))
	rt.requests.Inc()
	c.handle(rt, request{
		conn: c, route: rt, opaque: cmd.Opaque, version: cmd.Version,
		serialization: cmd.Serialization, oneway: cmd.IsOneway(),
	})
	return nil
}

// badHeader answers a frame whose header cannot be decoded; only where nobody
// can be told whose request it is, the connection ends.
func (c *conn) badHeader(frame []byte, err error) error {
	rt := &c.server.router.unsupported
	rt.requests.Inc()
	opaque, ok := wire.Opaque(frame)
	if !ok {
		return &framingError{err}
	}
	c.started++
	r := request{conn: c, route: rt, opaque: opaque, serialization: wire.Serialization(frame[4])}
	r.refuse(wire.SystemError, "the header of the request cannot be read: "+err.Error())
	return nil
}

// handle calls the handler of a request.
func (c *conn) handle(rt *route, r request) {
	c.started++
	if c.draining.Load() {
		r.goAway()
		return
	}
	defer func() {
		if p := recover(); p != nil {
			c.log().Error("handler panicked", "request", rt.name, "err", p, "stack", string(debug.Stack()))
			r.refuse(wire.SystemError, fmt.Sprintf("%s failed: internal error", rt.name))
		}
	}()
	rt.handle(c, r)
}

// core returns the client that stands for this connection, for a call that the
// burst's end submits.
func (c *conn) core() *core.Client {
	if c.client == nil {
		c.connect()
	}
	c.queued = true
	return c.client
}

func (c *conn) connect() {
	_, c.storeHost = c.told()
	c.client = c.server.engine.Connect(core.ClientInfo{
		Protocol: Name, Remote: c.remote, StoreHost: c.storeHost,
		Push: c.push, Flush: c.out.flush,
	})
}

// told returns the broker's address as this client is told it: for routes, and
// as the host of messages.
func (c *conn) told() (hostPort string, ipv4 netip.AddrPort) {
	local := c.local
	if ip := c.server.brokerAddr.Addr(); !ip.IsUnspecified() {
		// The broker listens on this address only, whatever port was asked.
		local = netip.AddrPortFrom(ip, local.Port())
	}
	return c.server.advertise.Endpoint(local, c.remote, c.server.brokerAddr.Port())
}

// close releases everything. It runs once, in the reader.
func (c *conn) close() {
	c.out.close()
	_ = c.conn.Close()
	c.leave()
	c.server.peers.remove(c, c.member.state.ClientID)
	c.questions.close()
	c.in.drop()
}

// leave ends what the connection is to core: waits end, memberships go. Calls
// that were made are still answered.
func (c *conn) leave() {
	if c.client != nil && !c.left {
		c.left = true
		c.client.Close()
	}
}

// framingError says that the place of the next frame is not known.
type framingError struct{ err error }

func (e *framingError) Error() string { return e.err.Error() }

// closeReason logs what is worth it and returns the label of the metric.
func (c *conn) closeReason(err error) string {
	if f, ok := errors.AsType[*framingError](err); ok {
		c.server.log.Debug("connection closed: what comes is not the remoting protocol", "conn", c.remote.String(), "err", f.err)
		return "framing"
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return c.deadlines.expired
	case errors.Is(err, errNoMemory):
		return "memory"
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe), errors.Is(err, syscall.ECONNRESET):
		return "client"
	}
	c.server.log.Debug("connection closed", "conn", c.remote.String(), "err", err)
	return "error"
}
