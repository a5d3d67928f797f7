package ops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/prometheus/client_golang/prometheus"
)

// Config is the admin port's configuration.
type Config struct {
	Addr  string
	Pprof bool // serve /debug/pprof
}

// Env is what the admin port takes from the process.
type Env struct {
	Logger   *slog.Logger // nil discards
	Registry *prometheus.Registry
	Listen   func(network, addr string) (net.Listener, error) // nil is net.Listen
	// Ready lists what must hold before clients may come, each with what is wrong
	// with it. It is called for each request and must not block.
	Ready func() []Check
	// Engine returns the engine once it serves, nil before. nil: there is none to look at.
	Engine func() *core.Engine
}

// Server is the admin port.
type Server struct {
	cfg  Config
	env  Env
	http *http.Server
	ln   net.Listener
}

// New makes the admin port. Nothing is bound before Listen.
func New(cfg Config, env Env) *Server {
	if env.Logger == nil {
		env.Logger = slog.New(slog.DiscardHandler)
	}
	if env.Listen == nil {
		env.Listen = net.Listen
	}
	s := &Server{cfg: cfg, env: env}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(env.Logger.Handler(), slog.LevelDebug),
	}
	return s
}

// Listen binds the port and returns the address it got.
func (s *Server) Listen() (net.Addr, error) {
	ln, err := s.env.Listen("tcp", s.cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("ops: %w", err)
	}
	s.ln = ln
	return ln.Addr(), nil
}

// Serve answers until Shutdown, after which it returns nil.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("ops: %w", err)
	}
	return nil
}

// Shutdown waits for the requests in work until ctx ends, and closes the port.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("ops: %w", err), s.http.Close())
	}
	return nil
}

// handler is the table of pages.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", s.livez)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /healthz", s.readyz)
	mux.Handle("GET /metrics", metricsHandler(s.env.Registry))
	mux.HandleFunc("GET /groups", s.groups)
	mux.HandleFunc("GET /groups/{name...}", s.group)
	mux.HandleFunc("GET /{$}", s.index)
	if s.cfg.Pprof {
		profiles(mux)
	}
	return sameSite(mux, s.cfg.Addr)
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, "gantry admin port: /livez /readyz /healthz (?verbose) /metrics /groups /groups/NAME\n")
}
