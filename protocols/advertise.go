package protocols

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// resolveAgain is the age at which a looked-up address is looked up anew.
	resolveAgain = time.Minute
	// maxSuspects bounds the clients that are remembered as warned about.
	maxSuspects = 4096
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// Advertiser decides which address a client is told to dial. The rules:
//
//  1. What is configured (host or host:port) is told to everyone.
//  2. Otherwise a client is told the address by which it reached the server:
//     right on a laptop, in a network and between pods.
//  3. In a container, a client that is the default gateway is a process on the
//     host that came through a published port: it is told 127.0.0.1. One from
//     outside the container's subnets came through address translation: it is
//     told as in 2, which will probably fail, so this is logged and counted.
//
// The zero value follows rule 2. Methods may be called by any goroutine.
type Advertiser struct {
	machine    Machine
	log        *slog.Logger
	suspects   *suspects
	configured atomic.Pointer[configured]
}

// configured is an advertised host, with the address it had when last looked up.
type configured struct {
	host string
	port uint16 // 0: the listener's own

	ip        atomic.Pointer[netip.Addr]
	checked   atomic.Int64 // when ip was looked up, ms since 1970
	resolving atomic.Bool
}

// NewAdvertiser returns an advertiser that follows rules 2 and 3. A nil logger
// discards, a nil registerer registers nothing.
func NewAdvertiser(m Machine, log *slog.Logger, reg prometheus.Registerer) *Advertiser {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	a := &Advertiser{machine: m, log: log, suspects: &suspects{seen: map[netip.Addr]bool{}}}
	a.register(reg)
	return a
}

// With returns an advertiser with a setting of its own: "", "auto", a host or
// host:port. The host may hold {host}, {pod} and {env:NAME}.
func (a *Advertiser) With(setting string) (*Advertiser, error) {
	b := &Advertiser{machine: a.machine, log: a.log, suspects: a.suspects}
	return b, b.Set(setting)
}

// Set changes what is advertised; clients are told at their next look at a route.
func (a *Advertiser) Set(setting string) error {
	if setting == "" || setting == "auto" {
		a.configured.Store(nil)
		return nil
	}
	c, err := a.parse(setting)
	if err != nil {
		return fmt.Errorf("advertise %q: %w", setting, err)
	}
	a.resolve(c)
	a.configured.Store(c)
	return nil
}

// Told returns the host that the client behind remote is told, which reached us
// at local, as text for routes and as the IPv4 address for message hosts.
func (a *Advertiser) Told(local, remote netip.AddrPort) (host string, ipv4 netip.Addr) {
	if c := a.configured.Load(); c != nil {
		return c.host, a.address(c, local.Addr())
	}
	ip := a.auto(local.Addr().Unmap(), remote.Addr().Unmap())
	return ip.String(), a.ipv4(ip)
}

// Endpoint is Told with a port: the configured one, or else that of the listener.
func (a *Advertiser) Endpoint(local, remote netip.AddrPort, port uint16) (hostPort string, ipv4 netip.AddrPort) {
	host, ip := a.Told(local, remote)
	if c := a.configured.Load(); c != nil && c.port != 0 {
		port = c.port
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port))), netip.AddrPortFrom(ip, port)
}

// Configured reports whether clients are told what is configured, whatever they dialled.
func (a *Advertiser) Configured() bool { return a.configured.Load() != nil }

// Suspects returns the number of client addresses that came through address
// translation and are probably told an address they cannot reach.
func (a *Advertiser) Suspects() int {
	if a.suspects == nil {
		return 0
	}
	return a.suspects.count()
}

func (a *Advertiser) auto(local, remote netip.Addr) netip.Addr {
	if !a.machine.Container || remote.IsLoopback() {
		return local
	}
	if remote == a.machine.Gateway {
		return loopback
	}
	if a.translated(remote) && a.suspects.add(remote) {
		a.log.Warn("a client reached us through NAT and will probably fail: set advertise to the host's address",
			"client", remote.String(), "told", local.String())
	}
	return local
}

// translated reports whether remote is outside all of our subnets.
func (a *Advertiser) translated(remote netip.Addr) bool {
	for _, p := range a.machine.Subnets {
		if p.Contains(remote) {
			return false
		}
	}
	return len(a.machine.Subnets) > 0
}

// ipv4 returns ip where it is one, else an address of the machine that is: not
// every client reads an IPv6 address in a message.
func (a *Advertiser) ipv4(ip netip.Addr) netip.Addr {
	switch {
	case ip.Is4():
		return ip
	case a.machine.IPv4.Is4() && !ip.IsLoopback():
		return a.machine.IPv4
	}
	return loopback
}

func (a *Advertiser) parse(setting string) (*configured, error) {
	text, err := a.expand(setting)
	if err != nil {
		return nil, err
	}
	c := &configured{host: strings.Trim(text, "[]")}
	if host, port, err := net.SplitHostPort(text); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("port %q is not 1 to 65535", port)
		}
		c.host, c.port = host, uint16(n)
	}
	if c.host == "" || strings.ContainsAny(c.host, " ,;/") {
		return nil, fmt.Errorf("%q is not a host", c.host)
	}
	if ip, err := netip.ParseAddr(c.host); err == nil && ip.IsUnspecified() {
		return nil, fmt.Errorf("no client can dial %s: name an address or host of this machine", ip)
	}
	return c, nil
}

// expand fills in the templates {host}, {pod} and {env:NAME}.
func (a *Advertiser) expand(setting string) (string, error) {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(setting, "{")
		out.WriteString(before)
		if !ok {
			return out.String(), nil
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return "", fmt.Errorf("a { has no }")
		}
		value := a.template(name)
		if value == "" {
			return "", fmt.Errorf("{%s} is empty; known are {host}, {pod} and {env:NAME}", name)
		}
		out.WriteString(value)
		setting = after
	}
}

func (a *Advertiser) template(name string) string {
	if a.machine.Getenv == nil {
		return ""
	}
	env, isEnv := strings.CutPrefix(name, "env:")
	switch {
	case isEnv:
		return a.machine.Getenv(env)
	case name == "host":
		return a.machine.Hostname
	case name == "pod":
		if pod := a.machine.Getenv("POD_NAME"); pod != "" {
			return pod
		}
		return a.machine.Hostname
	}
	return ""
}

// address returns the IPv4 address of a configured host; while it cannot be
// looked up, what the client dialled.
func (a *Advertiser) address(c *configured, local netip.Addr) netip.Addr {
	if time.Since(time.UnixMilli(c.checked.Load())) > resolveAgain && c.resolving.CompareAndSwap(false, true) {
		go func() {
			defer c.resolving.Store(false)
			a.resolve(c)
		}()
	}
	if ip := c.ip.Load(); ip != nil {
		return a.ipv4(*ip)
	}
	return a.ipv4(local.Unmap())
}

func (a *Advertiser) resolve(c *configured) {
	c.checked.Store(time.Now().UnixMilli())
	if ip, err := netip.ParseAddr(c.host); err == nil {
		ip = ip.Unmap()
		c.ip.Store(&ip)
		return
	}
	if a.machine.Resolve == nil {
		return
	}
	ips, err := a.machine.Resolve(c.host)
	if err != nil {
		a.log.Warn("the advertised host cannot be looked up here; clients are told it all the same", "host", c.host, "err", err)
		return
	}
	for _, text := range ips {
		if ip, err := netip.ParseAddr(text); err == nil && ip.Is4() {
			c.ip.Store(&ip)
			return
		}
	}
}

// suspects are the client addresses that were warned about.
type suspects struct {
	mu   sync.Mutex // guards seen
	seen map[netip.Addr]bool
}

// add reports whether the address is new.
func (s *suspects) add(ip netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[ip] || len(s.seen) >= maxSuspects {
		return false
	}
	s.seen[ip] = true
	return true
}

func (s *suspects) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}
