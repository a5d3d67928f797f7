package protocols

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
)

// Machine is what the choice of an advertised address depends on.
type Machine struct {
	// Container: the process is in a container whose ports may be published on
	// a host (not in Kubernetes, where pods reach each other directly).
	Container bool
	// Gateway is the default gateway; invalid where there is none.
	Gateway netip.Addr
	// Subnets are those of the interfaces.
	Subnets []netip.Prefix
	// IPv4 is the first IPv4 address that is not a loopback one; invalid if none.
	IPv4 netip.Addr
	// Resolve looks a host name up.
	Resolve func(host string) ([]string, error)
	// Hostname and Getenv fill the templates of an advertised host.
	Hostname string
	Getenv   func(string) string
}

// ThisMachine looks at the machine that the process runs on.
func ThisMachine() Machine {
	m := Machine{Resolve: net.LookupHost, Getenv: os.Getenv}
	m.Subnets, m.IPv4 = interfaces()
	m.Hostname, _ = os.Hostname()
	_, err := os.Stat("/.dockerenv")
	m.Container = err == nil && os.Getenv("KUBERNETES_SERVICE_HOST") == ""
	if routes, err := os.Open("/proc/net/route"); err == nil {
		m.Gateway = defaultGateway(routes)
		_ = routes.Close()
	}
	return m
}

func interfaces() (subnets []netip.Prefix, ipv4 netip.Addr) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, ipv4 // nothing is known: then no peer is taken for one behind NAT
	}
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		subnets = append(subnets, p.Masked())
		if ip := p.Addr(); ip.Is4() && !ip.IsLoopback() && !ipv4.IsValid() {
			ipv4 = ip
		}
	}
	return subnets, ipv4
}

// defaultGateway finds the gateway in the text of /proc/net/route: lines of
// interface, destination, gateway and more, the addresses in hexadecimal and in
// the machine's byte order.
func defaultGateway(routes io.Reader) netip.Addr {
	lines := bufio.NewScanner(routes)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 3 || f[1] != "00000000" {
			continue
		}
		raw, err := hex.DecodeString(f[2])
		if err != nil || len(raw) != 4 || bytes.Equal(raw, make([]byte, 4)) {
			continue
		}
		var ip [4]byte
		binary.NativeEndian.PutUint32(ip[:], binary.BigEndian.Uint32(raw))
		return netip.AddrFrom4(ip)
	}
	return netip.Addr{}
}
