package remoting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/protocols"
)

// Name is the listener's name: config key, log attribute, metric label.
const Name = "remoting"

// Server is the listener: the name server's, the broker's and the VIP port.
type Server struct {
	cfg       Config
	engine    *core.Engine
	shard     core.ShardInfo // the one that this process has
	log       *slog.Logger
	listen    func(network, addr string) (net.Listener, error)
	advertise *protocols.Advertiser
	metrics   *metrics
	router    *router
	gate      *protocols.Gate
	budget    *semaphore.Weighted // of incomplete frames
	readPools *readPools
	outPool   sync.Pool // of *[]byte
	sendPool  sync.Pool // of *sendCall

	listeners  []listener     // written by Listen
	brokerAddr netip.AddrPort // where the broker is bound; written by Listen
	nameAddr   netip.AddrPort // where the name server is, likewise
	started    time.Time

	asking   *semaphore.Weighted // of requests that ask core much
	traffic  traffic
	peers    peers
	withheld atomic.Int32 // permission bits that the broker does not give (25)
	wiped    atomic.Bool  // routes say that nothing can be sent (205)

	ctx    context.Context // ends when connections must not linger any more
	cancel context.CancelFunc
	// goroutines are the readers and the writers of connections.
	goroutines sync.WaitGroup

	mu       sync.Mutex // guards what follows
	conns    map[*conn]struct{}
	draining bool
}

type listener struct {
	role string
	net.Listener
}

var _ protocols.Listener = (*Server)(nil)

// New returns a listener for an engine. Nothing is bound yet.
func New(cfg Config, engine *core.Engine, env protocols.Env) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	advertise, err := env.Advertiser.With(cfg.Advertise)
	if err != nil {
		return nil, fmt.Errorf("remoting.advertise: %w", err)
	}
	m := newMetrics(env.Registerer)
	s := &Server{
		cfg: cfg, engine: engine, shard: engine.Shards()[0], log: env.Logger, listen: env.Listen, advertise: advertise,
		metrics: m, router: newRouter(m),
		gate:      protocols.NewGate(cfg.MaxConnections, cfg.MaxConnectionsPerIP),
		budget:    semaphore.NewWeighted(partialBudget),
		asking:    semaphore.NewWeighted(maxAsking),
		started:   time.Now(),
		readPools: newReadPools(),
		conns:     map[*conn]struct{}{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.log = s.log.With("listener", Name)
	if s.listen == nil {
		s.listen = net.Listen
	}
	s.traffic.rates.take(engine.Stats(), s.started.UnixMilli())
	s.outPool.New = func() any { return new([]byte) }
	s.sendPool.New = newSendCall
	return s, nil
}

// Name returns the listener's name.
func (s *Server) Name() string { return Name }

// Listen binds all ports.
func (s *Server) Listen(ctx context.Context) ([]protocols.Bound, error) {
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	ports := []struct{ role, addr string }{{"namesrv", s.cfg.NamesrvAddr}, {"broker", s.cfg.Addr}}
	if vip, ok := vipAddr(s.cfg.Addr); ok {
		ports = append(ports, struct{ role, addr string }{"vip", vip})
	}
	var bound []protocols.Bound
	for _, p := range ports {
		ln, err := s.listen("tcp", p.addr)
		if err != nil {
			s.closeListeners()
			return nil, fmt.Errorf("remoting (%s): %w", p.role, err)
		}
		s.listeners = append(s.listeners, listener{p.role, ln})
		bound = append(bound, protocols.Bound{Role: p.role, Addr: ln.Addr()})
		switch p.role {
		case "broker":
			s.brokerAddr = protocols.AddrPort(ln.Addr())
		case "namesrv":
			s.nameAddr = protocols.AddrPort(ln.Addr())
		}
	}
	return bound, nil
}

// Serve accepts until Shutdown.
func (s *Server) Serve() error {
	var g errgroup.Group
	for _, ln := range s.listeners {
		g.Go(func() error {
			if err := protocols.Accept(ln, s.log, s.accept); err != nil {
				return fmt.Errorf("remoting (%s): accept: %w", ln.role, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// accept starts a connection.
func (s *Server) accept(nc net.Conn) {
	remote, local := protocols.AddrPort(nc.RemoteAddr()), protocols.AddrPort(nc.LocalAddr())
	if limit, ok := s.gate.Enter(remote.Addr()); !ok {
		s.metrics.refused.WithLabelValues(limit).Inc()
		_ = nc.Close()
		return
	}
	if !s.serveConn(newConn(s, nc, remote, local)) {
		s.gate.Leave(remote.Addr())
		_ = nc.Close()
	}
}

// run is the goroutine of a connection.
func (s *Server) run(c *conn) {
	reason := c.serve()
	c.close()
	s.remove(c)
	s.gate.Leave(c.remote.Addr())
	s.metrics.connections.Dec()
	s.metrics.closed.WithLabelValues(reason).Inc()
}

// serveConn starts the goroutine of a connection, unless the server shuts down.
// Shutdown waits for those that were started before it.
func (s *Server) serveConn(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.conns[c] = struct{}{}
	s.metrics.accepted.Inc()
	s.metrics.connections.Inc()
	s.goroutines.Go(func() { s.run(c) })
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Shutdown takes no more connections, lets the others finish until ctx ends, and
// closes them.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.cancel == nil {
		return nil // never bound
	}
	err := s.closeListeners()
	for _, c := range s.drain() {
		c.draining.Store(true)
		_ = c.conn.SetReadDeadline(longAgo) // wakes its reader
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		s.goroutines.Wait()
	}()
	select {
	case <-finished:
	case <-ctx.Done():
		s.cancel()
		s.closeAll()
		<-finished
	}
	s.cancel()
	return err
}

// drain stops new connections and returns those that are open.
func (s *Server) drain() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	all := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}

func (s *Server) closeAll() {
	for _, c := range s.drain() {
		_ = c.conn.Close()
	}
}

func (s *Server) closeListeners() error {
	var errs []error
	for _, ln := range s.listeners {
		if err := ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
