package grpcv5

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/protocols"
)

// Config is the listener's configuration. The zero value of a field takes its default.
type Config struct {
	// Addr is where it listens; default 127.0.0.1:8081.
	Addr string
	// Advertise is the host, or host:port, that clients are told to dial; default
	// auto: what each client dialled.
	Advertise string
	// MaxConnections bounds the connections; default 20,000.
	MaxConnections int
	// MaxConnectionsPerIP bounds those of one address; default 0, no bound.
	MaxConnectionsPerIP int
	// RequestBytes bounds the sends that are being handled, all together; what comes
	// beyond is told to back off. Default 256 MiB.
	RequestBytes int64
	// ProxyFrom lists the networks of load balancers whose PROXY headers are believed;
	// default none.
	ProxyFrom string
	// MaxDelay is how far ahead a delayed message may be; default 24 h, as upstream.
	MaxDelay time.Duration
	// Digest is the checksum of delivered bodies: md5, as upstream's, or sha1, which
	// costs half of it. Default md5.
	Digest string
	// MaxBodyBytes is the largest body, which clients are told; default 4 MiB.
	MaxBodyBytes int
}

// What Config.Digest may be.
const (
	DigestMD5  = "md5"
	DigestSHA1 = "sha1"
)

const (
	defaultAddr           = "127.0.0.1:8081"
	defaultMaxConnections = 20_000
	defaultRequestBytes   = 256 << 20
	defaultMaxDelay       = 24 * time.Hour
	defaultMaxBodyBytes   = 4 << 20
)

// Limits that have no setting.
const (
	// maxRequest is the largest request, as upstream: a batch may have many bodies.
	maxRequest = 130 << 20
	// maxSmallRequest bounds all requests but sends.
	maxSmallRequest = 4 << 20
	// maxHeaders bounds the headers of a call, maxClientID the client's id in them.
	maxHeaders  = 64 << 10
	maxClientID = 512
	// maxStreams is how many calls a connection may have open at once: a receive of
	// each consumer behind one proxy, say.
	maxStreams = 100_000
	// maxSessions bounds the clients that are known.
	maxSessions = 1_000_000
	// handshakeTimeout is what a new connection has until it speaks HTTP/2.
	handshakeTimeout = 10 * time.Second
	// minPing is how often a client may ping, with calls or without: C++ does each
	// 60 s, and grpc-go's default of 5 min would send it away.
	minPing = 5 * time.Second
	// A connection is asked for a sign of life after pingAfter without traffic, and
	// closed after pingTimeout without one.
	pingAfter   = 60 * time.Second
	pingTimeout = 20 * time.Second
)

// Default returns the configuration with all defaults filled in.
func Default() Config { return Config{}.withDefaults() }

func (c Config) withDefaults() Config {
	c.Addr = orDefault(c.Addr, defaultAddr)
	c.Advertise = orDefault(c.Advertise, "auto")
	c.MaxConnections = orDefault(c.MaxConnections, defaultMaxConnections)
	c.RequestBytes = orDefault(c.RequestBytes, defaultRequestBytes)
	c.MaxDelay = orDefault(c.MaxDelay, defaultMaxDelay)
	c.Digest = orDefault(c.Digest, DigestMD5)
	c.MaxBodyBytes = orDefault(c.MaxBodyBytes, defaultMaxBodyBytes)
	return c
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	c = c.withDefaults()
	_, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("grpc.addr: %q is not host:port: %w", c.Addr, err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("grpc.addr: port %q of %q is not 0 to 65535", port, c.Addr)
	}
	if c.MaxConnections < 0 || c.MaxConnectionsPerIP < 0 || c.RequestBytes < 0 || c.MaxDelay < 0 {
		return fmt.Errorf("grpc: limits must not be negative")
	}
	if c.Digest != DigestMD5 && c.Digest != DigestSHA1 {
		return fmt.Errorf("grpc.digest: %q is neither %s nor %s", c.Digest, DigestMD5, DigestSHA1)
	}
	if _, err := protocols.ParseNets(c.ProxyFrom); err != nil {
		return fmt.Errorf("grpc.proxy_from: %w", err)
	}
	return nil
}
