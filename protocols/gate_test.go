package protocols

import (
	"net"
	"net/netip"
	"testing"
)

func TestGate(t *testing.T) {
	one, two := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	g := NewGate(3, 2)
	for _, step := range []struct {
		ip    netip.Addr
		limit string
	}{{one, ""}, {one, ""}, {one, "connections_per_ip"}, {two, ""}, {two, "connections"}} {
		if limit, ok := g.Enter(step.ip); limit != step.limit || ok != (limit == "") {
			t.Errorf("%v: limit %q, %v; want %q", step.ip, limit, ok, step.limit)
		}
	}
	for _, ip := range []netip.Addr{one, one, two} {
		g.Leave(ip)
	}
	if g.all != 0 || len(g.byIP) != 0 {
		t.Errorf("%d are left, %v by address", g.all, g.byIP)
	}
}

func TestGateWithoutBounds(t *testing.T) {
	g := NewGate(0, 0)
	for range 100 {
		if limit, ok := g.Enter(netip.Addr{}); !ok {
			t.Fatalf("limit %q", limit)
		}
	}
}

func TestAddrPort(t *testing.T) {
	mapped := &net.TCPAddr{IP: net.ParseIP("::ffff:10.0.0.1"), Port: 7}
	if got := AddrPort(mapped).String(); got != "10.0.0.1:7" {
		t.Errorf("%s", got)
	}
	if AddrPort(&net.UnixAddr{}).IsValid() {
		t.Error("a Unix address has an IP address")
	}
}
