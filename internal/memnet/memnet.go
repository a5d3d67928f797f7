// Package memnet is a network in memory: listeners and connections without
// sockets, so that a listener can be tested in a synctest bubble, where a
// goroutine that waits for the network must be seen to wait.
//
// A connection is a net.Pipe: a write waits for the reader of the other end.
package memnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// Network is a set of addresses to listen on. The zero value is an empty one.
type Network struct {
	mu        sync.Mutex // guards what follows
	listeners map[netip.AddrPort]*listener
	lastPort  uint16
}

// firstPort is where the network's own choice of ports begins.
const firstPort = 49152

// Listen opens a listener, like net.Listen. Port 0 takes a free one.
func (n *Network) Listen(_, addr string) (net.Listener, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if at.Port() == 0 {
		at = netip.AddrPortFrom(at.Addr(), n.port())
	}
	if n.listeners[at] != nil {
		return nil, fmt.Errorf("listen on %s: address already in use", addr)
	}
	if n.listeners == nil {
		n.listeners = map[netip.AddrPort]*listener{}
	}
	l := &listener{network: n, addr: at, incoming: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[at] = l
	return l, nil
}

func (n *Network) port() uint16 {
	n.lastPort = max(n.lastPort+1, firstPort)
	return n.lastPort
}

// Dial connects to addr from the given address, whose port may be 0.
func (n *Network) Dial(ctx context.Context, from, addr string) (net.Conn, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	}
	host, err := netip.ParseAddr(from)
	if err != nil {
		return nil, fmt.Errorf("dial from %s: %w", from, err)
	}
	n.mu.Lock()
	l := n.listeners[at]
	local := netip.AddrPortFrom(host, n.port())
	n.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("dial %s: connection refused", addr)
	}
	near, far := net.Pipe()
	select {
	case l.incoming <- &conn{Conn: far, local: at, remote: local}:
		return &conn{Conn: near, local: local, remote: at}, nil
	case <-l.closed:
		return nil, fmt.Errorf("dial %s: connection refused", addr)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

type listener struct {
	network  *Network
	addr     netip.AddrPort
	incoming chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.closed:
		return nil, errClosed
	}
}

var errClosed = errors.Join(errors.New("memnet: listener closed"), net.ErrClosed)

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		delete(l.network.listeners, l.addr)
	})
	return nil
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// conn is one end of a connection; it has TCP addresses.
type conn struct {
	net.Conn
	local, remote netip.AddrPort
}

func (c *conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }
