package grpcv5

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/gantrymq/gantry/protocols"
)

// conn is a connection: what grpc-go reads and writes, or what is below its TLS.
// Handlers find it as the AuthInfo of their peer.
type conn struct {
	net.Conn
	server        *Server
	remote, local netip.AddrPort // as the PROXY header says, if there was one; fixed after the handshake
	begin         []byte         // bytes that were looked at before; grpc-go's reader only

	closing sync.Once
	latest  atomic.Pointer[session] // of the last call

	mu       sync.Mutex // guards what follows
	closed   bool
	sessions map[*session]struct{}
}

var _ credentials.AuthInfo = (*conn)(nil)

// AuthType implements credentials.AuthInfo.
func (c *conn) AuthType() string { return "gantry" }

// Read gives what the handshake has looked at first.
func (c *conn) Read(b []byte) (int, error) {
	if len(c.begin) > 0 {
		n := copy(b, c.begin)
		c.begin = c.begin[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// Close ends the connection, and tells the sessions that used it.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.closing.Do(func() {
		c.server.gate.Leave(protocols.AddrPort(c.Conn.RemoteAddr()).Addr())
		c.server.metrics.connections.Dec()
		for s := range c.leave() {
			s.disconnected()
		}
	})
	return err
}

func (c *conn) leave() map[*session]struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	sessions := c.sessions
	c.closed, c.sessions = true, nil
	return sessions
}

// uses notes that a session is used by this connection. It reports whether the
// connection is open, and whether the session is new to it.
func (c *conn) uses(s *session) (open, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false, false
	}
	if _, known := c.sessions[s]; known {
		return true, false
	}
	if c.sessions == nil {
		c.sessions = map[*session]struct{}{}
	}
	c.sessions[s] = struct{}{}
	return true, true
}

// connOf returns the connection of a call.
func connOf(ctx context.Context) *conn {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	c, _ := p.AuthInfo.(*conn)
	return c
}

// gated is a listening socket that refuses connections beyond the limits.
type gated struct {
	net.Listener
	server *Server
}

// Accept implements net.Listener. Errors that pass are grpc-go's to handle.
func (g *gated) Accept() (net.Conn, error) {
	for {
		nc, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		remote := protocols.AddrPort(nc.RemoteAddr())
		limit, ok := g.server.gate.Enter(remote.Addr())
		if !ok {
			g.server.metrics.refused.WithLabelValues(limit).Inc()
			_ = nc.Close()
			continue
		}
		g.server.metrics.connections.Inc()
		return &conn{Conn: nc, server: g.server, remote: remote, local: protocols.AddrPort(nc.LocalAddr())}, nil
	}
}
