package protocols

import (
	"net"
	"net/netip"
	"sync"
)

// Gate bounds the connections of a listener, in all and from one address.
type Gate struct {
	max, perIP int

	mu   sync.Mutex // guards what follows
	all  int
	byIP map[netip.Addr]int // only while perIP counts
}

// NewGate returns a gate; 0 is no bound.
func NewGate(maxConnections, maxPerIP int) *Gate {
	return &Gate{max: maxConnections, perIP: maxPerIP, byIP: map[netip.Addr]int{}}
}

// Enter counts a connection in, or says which limit it would break. Each one
// that entered must Leave.
func (g *Gate) Enter(ip netip.Addr) (limit string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.max > 0 && g.all >= g.max {
		return "connections", false
	}
	if g.perIP > 0 {
		if g.byIP[ip] >= g.perIP {
			return "connections_per_ip", false
		}
		g.byIP[ip]++
	}
	g.all++
	return "", true
}

// Leave counts a connection out.
func (g *Gate) Leave(ip netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.perIP == 0 {
		return
	}
	if g.byIP[ip]--; g.byIP[ip] <= 0 {
		delete(g.byIP, ip)
	}
}

// AddrPort returns the address of a TCP connection's end, an IPv4 address as
// such even where the socket is of IPv6. It is invalid for other networks.
func AddrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	at := tcp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}
