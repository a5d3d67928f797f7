package grpcv5

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // calls that are compressed in transport are read
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/tap"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
	"github.com/gantrymq/gantry/protocols"
)

// Name is the listener's name: config key, log attribute, metric label.
const Name = "grpc"

// Server is the listener.
type Server struct {
	cfg       Config
	engine    *core.Engine
	shard     core.ShardInfo // the one that this process has
	log       *slog.Logger
	listen    func(network, addr string) (net.Listener, error)
	advertise *protocols.Advertiser
	metrics   *metrics
	gate      *protocols.Gate
	sessions  sessions
	sends     sendPool
	receives  receivePool
	digest    apis.DigestType
	grpc      *grpc.Server

	ln    net.Listener   // written by Listen
	bound netip.AddrPort // of ln
	port  uint16         // of bound

	pushes       sync.WaitGroup // goroutines that send what core wants of clients
	requestBytes atomic.Int64   // of sends that are being handled

	stopping context.Context // ends with Shutdown; written by Listen
	stop     context.CancelFunc
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
		return nil, fmt.Errorf("grpc.advertise: %w", err)
	}
	trusted, err := protocols.ParseNets(cfg.ProxyFrom)
	if err != nil {
		return nil, fmt.Errorf("grpc.proxy_from: %w", err)
	}
	s := &Server{
		cfg: cfg, engine: engine, shard: engine.Shards()[0], log: env.Logger, listen: env.Listen, advertise: advertise,
		metrics:  newMetrics(env.Registerer),
		gate:     protocols.NewGate(cfg.MaxConnections, cfg.MaxConnectionsPerIP),
		digest:   apis.DigestType_MD5,
		sessions: sessions{byID: map[string]*session{}},
	}
	if cfg.Digest == DigestSHA1 {
		s.digest = apis.DigestType_SHA1
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.log = s.log.With("listener", Name)
	if s.listen == nil {
		s.listen = net.Listen
	}
	s.grpc = grpc.NewServer(append(options(),
		grpc.Creds(newHandshake(env.TLS, trusted)),
		grpc.ForceServerCodecV2(newCodec(s)),
		grpc.InTapHandle(s.stoppable),
		grpc.UnknownServiceHandler(s.unknownMethod))...)
	s.grpc.RegisterService(s.service(), s)
	return s, nil
}

// options are what differs from grpc-go's defaults for all servers.
func options() []grpc.ServerOption {
	const (
		streamWindow = 1 << 20
		connWindow   = 4 << 20
		readBuffer   = 8 << 10 // each connection has one, idle or not; larger frames go round it
		writeBuffer  = 32 << 10
	)
	return []grpc.ServerOption{
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingTimeout}),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.MaxRecvMsgSize(maxRequest),
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(connWindow),
		grpc.ReadBufferSize(readBuffer),
		grpc.WriteBufferSize(writeBuffer),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.NumStreamWorkers(uint32(2 * runtime.GOMAXPROCS(0))),
	}
}

// Name returns the listener's name.
func (s *Server) Name() string { return Name }

// Listen binds the port.
func (s *Server) Listen(ctx context.Context) ([]protocols.Bound, error) {
	ln, err := s.listen("tcp", s.cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("grpc: %w", err)
	}
	s.stopping, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.ln, s.bound = ln, protocols.AddrPort(ln.Addr())
	s.port = s.bound.Port()
	return []protocols.Bound{{Role: "grpc", Addr: ln.Addr()}}, nil
}

// Serve accepts until Shutdown.
func (s *Server) Serve() error {
	if err := s.grpc.Serve(&gated{s.ln, s}); err != nil {
		return fmt.Errorf("grpc: accept: %w", err)
	}
	return nil
}

// Shutdown sends every connection a GOAWAY, ends what waits for messages and the
// Telemetry streams, lets calls finish until ctx ends, and closes.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.ln == nil {
		return nil // never bound
	}
	s.stop()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		s.grpc.GracefulStop()
	}()
	select {
	case <-drained:
	case <-ctx.Done():
		s.grpc.Stop()
		<-drained
	}
	s.endSessions()
	s.pushes.Wait()
	if err := s.ln.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// stoppable has a Telemetry stream end when the server shuts down: grpc-go would
// wait for its client for ever. It is asked before each call.
func (s *Server) stoppable(ctx context.Context, call *tap.Info) (context.Context, error) {
	if call.FullMethodName != telemetryMethod {
		return ctx, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := context.AfterFunc(s.stopping, cancel)
	context.AfterFunc(ctx, func() { ended() })
	return ctx, nil
}

func (s *Server) endSessions() {
	s.sessions.mu.Lock()
	all := make([]*session, 0, len(s.sessions.byID))
	for _, known := range s.sessions.byID {
		all = append(all, known)
	}
	s.sessions.mu.Unlock()
	for _, known := range all {
		known.end()
	}
}
