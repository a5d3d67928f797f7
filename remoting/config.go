package remoting

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Config is the listener's configuration. The zero value of a field takes its default.
type Config struct {
	// NamesrvAddr is the name server's address; default 127.0.0.1:9876.
	NamesrvAddr string `yaml:"namesrv_addr"`
	// Addr is the broker's address; default 127.0.0.1:10911. Clients send over
	// its port less 2 too ("VIP"), which is bound unless the port is 0.
	Addr string `yaml:"addr"`
	// Advertise is the host, or host:port, that clients are told to dial;
	// default auto: the address by which they reached the server.
	Advertise string `yaml:"advertise"`
	// DataDir is the folder that disk figures are about; set by the server.
	DataDir string `yaml:"-"`
	// MaxConnections bounds the connections of all ports; default 20,000.
	MaxConnections int `yaml:"max_connections"`
	// MaxConnectionsPerIP bounds those of one address; default 0, no bound.
	MaxConnectionsPerIP int `yaml:"max_connections_per_ip"`
}

const (
	defaultNamesrvAddr    = "127.0.0.1:9876"
	defaultAddr           = "127.0.0.1:10911"
	defaultMaxConnections = 20_000

	// vipDistance is what clients subtract from a broker's port for its VIP port.
	vipDistance = 2
)

// Limits of a connection.
const (
	// firstFrameTimeout is what a new connection has for its first frame.
	firstFrameTimeout = 10 * time.Second
	// frameTimeout is what a frame has from its first byte to its last.
	frameTimeout = 30 * time.Second
	// idleTimeout closes connections without traffic; clients send a heartbeat
	// or a route poll every 30 s, and close after 120 s themselves.
	idleTimeout = 120 * time.Second
	// writeTimeout is what a client has to take writeChunk bytes.
	writeTimeout = 60 * time.Second
	writeChunk   = 256 << 10
	// maxOut is what may wait to be written before the client's requests are no
	// longer read. One answer more fits.
	maxOut = 1 << 20
	// partialBudget bounds the memory of frames that are not complete, over all
	// connections.
	partialBudget = 64 << 20
	// goodbyeTimeout is how long a connection may go on being answered with
	// GO_AWAY after its last request was finished.
	goodbyeTimeout = 200 * time.Millisecond
)

func (c Config) withDefaults() Config {
	if c.NamesrvAddr == "" {
		c.NamesrvAddr = defaultNamesrvAddr
	}
	if c.Addr == "" {
		c.Addr = defaultAddr
	}
	if c.Advertise == "" {
		c.Advertise = "auto"
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = defaultMaxConnections
	}
	return c
}

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	c = c.withDefaults()
	if _, err := parseAddr("namesrv_addr", c.NamesrvAddr); err != nil {
		return err
	}
	port, err := parseAddr("addr", c.Addr)
	if err != nil {
		return err
	}
	if port == 1 || port == vipDistance {
		return fmt.Errorf("remoting.addr: port %d leaves no port for VIP, which is %d below", port, vipDistance)
	}
	if c.MaxConnections < 0 || c.MaxConnectionsPerIP < 0 {
		return fmt.Errorf("remoting.max_connections and max_connections_per_ip must not be negative")
	}
	return nil
}

func parseAddr(key, addr string) (port int, err error) {
	_, text, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, fmt.Errorf("remoting.%s: %q is not host:port: %w", key, addr, err)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("remoting.%s: port %q of %q is not 0 to 65535", key, text, addr)
	}
	return int(n), nil
}

// vipAddr returns the VIP address that belongs to a broker address; none where
// the port is left to the system.
func vipAddr(addr string) (string, bool) {
	host, text, err := net.SplitHostPort(addr)
	port, err2 := strconv.Atoi(text)
	if err != nil || err2 != nil || port <= vipDistance {
		return "", false
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port-vipDistance)), true
}
