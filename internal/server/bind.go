package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// taken is the error of binding an address that another process has.
type taken struct {
	addr   string
	holder string // "pid 812 (java)", "" where it cannot be found out
	err    error
}

func (e *taken) Error() string {
	if e.holder == "" {
		return e.addr + " is in use by another process"
	}
	return e.addr + " is in use by " + e.holder
}

func (e *taken) Unwrap() error { return e.err }

// bind is net.Listen for every listener: its error says who has the address.
func bind(network, addr string) (net.Listener, error) {
	// Left to itself, net takes 0.0.0.0 for all IPv6 addresses too.
	if ip, err := netip.ParseAddrPort(addr); err == nil && ip.Addr().Is4() && network == "tcp" {
		network = "tcp4"
	}
	ln, err := net.Listen(network, addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &taken{addr: addr, holder: portHolder(addr), err: err}
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("no permission to bind %s: ports below 1024 need CAP_NET_BIND_SERVICE", addr)
	case err != nil:
		return nil, fmt.Errorf("cannot bind %s: %w", addr, cause(err))
	}
	return ln, nil
}

// cause strips what net repeats of the operation and the address.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// advise turns a failed Listen into one line that says which listener failed on
// which address, why, and which setting moves it.
func (c *Config) advise(listener string, err error) error {
	t, ok := errors.AsType[*taken](err)
	if !ok {
		if text := err.Error(); strings.HasPrefix(text, listener) {
			return err
		}
		return fmt.Errorf("%s: %w", listener, err)
	}
	what := "choose another address"
	if k := c.keyOf(t.addr); k != "" {
		what += fmt.Sprintf(" with --%s (%s)", flagName(k), (&key{path: k}).env())
	}
	return fmt.Errorf("%s: %w; stop it, or %s", listener, t, what)
}

// keyOf returns the key that an address comes from: the one with its port, or
// for the VIP port, two below the broker's.
func (c *Config) keyOf(addr string) string {
	port := portOf(addr)
	for _, a := range c.addresses() {
		if portOf(a.addr) == port {
			return a.key
		}
	}
	if portOf(c.Remoting.Addr) == port+2 {
		return "remoting.addr"
	}
	return ""
}

func portOf(addr string) int {
	_, text, err := net.SplitHostPort(addr)
	if err != nil {
		return -1
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return port
}
