package protocols

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"

	"github.com/prometheus/client_golang/prometheus"
)

// Listener is one protocol on its ports. All listeners bind before any serves,
// so that a taken port is found before a client is answered.
type Listener interface {
	// Name is the config key, the log attribute and the metric label.
	Name() string
	// Listen binds, and returns the addresses it got (for port 0) by what each is for.
	Listen(ctx context.Context) ([]Bound, error)
	// Serve accepts until Shutdown, after which it returns nil.
	Serve() error
	// Shutdown says goodbye in the protocol's words, drains until ctx ends, closes.
	Shutdown(ctx context.Context) error
}

// Bound is an address that a listener is bound to.
type Bound struct {
	Role string // namesrv, broker, vip: what the banner calls it
	Addr net.Addr
}

// Env is what every listener takes from the server.
type Env struct {
	Logger     *slog.Logger          // nil discards
	Registerer prometheus.Registerer // nil registers nothing
	// Listen opens a listening socket; nil is net.Listen. Tests give memory.
	Listen func(network, addr string) (net.Listener, error)
	// Advertiser answers which address a client is told. Never nil.
	Advertiser *Advertiser
	// TLS is what ports serve TLS with; nil: none do.
	TLS *tls.Config
}
