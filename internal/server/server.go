package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/kafka"
	"github.com/gantrymq/gantry/internal/ops"
	"github.com/gantrymq/gantry/protocols"
)

// Options are what Run takes from main.
type Options struct {
	Version string
	Stderr  io.Writer // log and banner; nil: os.Stderr

	// Tests give their own of these; nil is what listeners.go says.
	listeners   listenersFunc
	wal         walFunc
	certificate certificateFunc
}

// Run is the life of a gantry process: it returns when ctx has ended and all is
// closed, or with the first thing that failed.
//
//	admin port → log → engine (recovers) → bind every listener → ready → serve
//	→ ctx ends: not ready → listeners say goodbye → engine → log (last sync) → admin port
//
// When the shard fails, the process stays: nothing is acknowledged any more,
// /readyz says why, and whoever runs it decides what comes next.
func Run(ctx context.Context, cfg Config, opts Options) error {
	if opts.Stderr == nil {
		opts.Stderr = os.Stderr
	}
	if opts.listeners == nil {
		opts.listeners = listeners
	}
	if opts.wal == nil {
		opts.wal = newWAL
	}
	if opts.certificate == nil {
		opts.certificate = certificate
	}
	s := &server{
		cfg:     cfg,
		opts:    opts,
		log:     newLogger(&cfg.Log, opts.Stderr),
		started: time.Now(),
	}
	return s.run(ctx)
}

// server is one process. Its fields are set in the order in which they are
// opened, by the goroutine of Run.
type server struct {
	cfg     Config
	opts    Options
	log     *slog.Logger
	started time.Time
	health  health

	fresh     bool // the data folder was made by this start
	wal       wal.WAL
	engine    *core.Engine
	serving   atomic.Pointer[core.Engine] // the engine, once it is open
	listeners []protocols.Listener
	bound     []boundListener
}

// boundListener is a listener that holds its ports.
type boundListener struct {
	protocols.Listener
	addrs []protocols.Bound
}

func (s *server) run(ctx context.Context) (err error) {
	if limit := limitMemory(s.cfg.Engine.CacheBytes); limit > 0 {
		s.log.Info("heap limited by the container", "bytes", limit)
	}
	s.health.phase("starting")
	registry := ops.NewRegistry(s.opts.Version, s.cfg.Auth == AuthOff)
	admin := ops.New(s.cfg.Ops, ops.Env{
		Logger:   s.log.With("listener", "ops"),
		Registry: registry,
		Listen:   bind,
		Ready:    s.health.checks,
		Engine:   s.serving.Load,
	})
	adminAddr, err := admin.Listen()
	if err != nil {
		return s.cfg.advise("ops", err)
	}
	var adminGroup errgroup.Group
	adminGroup.Go(admin.Serve)
	defer func() {
		err = errors.Join(err, s.withGrace(ctx, admin.Shutdown), adminGroup.Wait())
		if err == nil {
			s.log.Info("stopped")
		}
	}()

	if err := s.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if err := errors.Join(ops.CollectEngine(registry, s.engine), s.collectWAL(registry)); err != nil {
		return err
	}

	certificate, err := s.opts.certificate(&s.cfg)
	if err != nil {
		return fmt.Errorf("cannot start: %w", err)
	}
	s.listeners, err = s.opts.listeners(&s.cfg, s.engine, protocols.Env{
		Logger:     s.log,
		Registerer: registry,
		Listen:     bind,
		Advertiser: protocols.NewAdvertiser(protocols.ThisMachine(), s.log, registry),
		TLS:        certificate,
	})
	if err != nil {
		return err
	}
	if err := s.bind(ctx); err != nil {
		return errors.Join(err, s.goodbye(ctx))
	}
	return s.serve(ctx, adminAddr)
}

// open opens the log, and the engine over it, which recovers.
func (s *server) open(ctx context.Context) error {
	s.health.phase("recovering the log")
	_, err := os.Stat(s.cfg.Data)
	s.fresh = errors.Is(err, os.ErrNotExist)
	if s.wal, err = s.opts.wal(ctx, &s.cfg, s.log); err != nil {
		return fmt.Errorf("cannot start: %w", err)
	}
	s.engine, err = core.Open(s.cfg.core(), s.wal, core.Env{Logger: s.log})
	if errors.Is(err, wal.ErrLocked) {
		err = fmt.Errorf("data folder %s is %w; stop that one, or choose another folder with --data (GANTRY_DATA)",
			s.cfg.Data, wal.ErrLocked)
	}
	if corrupt, ok := errors.AsType[*wal.CorruptError](err); ok {
		err = refused(corrupt)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot start: %w", err), s.wal.Close())
	}
	s.serving.Store(s.engine)
	s.health.watch("shard", s.engine.Err)
	if k, ok := s.wal.(*kafka.WAL); ok {
		s.health.watch("log", func() error { return lagging(k) })
	}
	return nil
}

// refused says which data cannot be served, in words for an operator.
func refused(e *wal.CorruptError) error {
	at := e.Place
	if e.LSN > 0 {
		at += fmt.Sprintf(" at LSN %d", e.LSN)
	}
	return fmt.Errorf("%s: %s; the log was left as it is", at, e.Why)
}

// close ends what open has opened. What the engine says of a shard that has
// failed was logged when it failed, and is the reason why Run fails.
func (s *server) close(ctx context.Context) error {
	failed := s.engine.Err()
	err := s.withGrace(ctx, s.engine.Close)
	if failed != nil {
		err = fmt.Errorf("the shard has failed: %w", failed)
	}
	return errors.Join(err, s.wal.Close())
}

// bind takes every listener's ports before any serves.
func (s *server) bind(ctx context.Context) error {
	s.health.phase("binding the listeners")
	for _, l := range s.listeners {
		addrs, err := l.Listen(ctx)
		if err != nil {
			return s.cfg.advise(l.Name(), err)
		}
		s.bound = append(s.bound, boundListener{l, addrs})
	}
	return nil
}

// serve runs until ctx ends or a listener fails, and takes the listeners down.
func (s *server) serve(ctx context.Context, admin net.Addr) error {
	group, running := errgroup.WithContext(ctx)
	for _, l := range s.bound {
		group.Go(func() error {
			if err := l.Serve(); err != nil {
				return fmt.Errorf("%s: %w", l.Name(), err)
			}
			return nil
		})
	}
	s.health.phase("")
	s.announce(ctx, admin)
	s.watchShard(running)

	s.health.phase("stopping")
	s.log.Info("stopping", "grace", s.cfg.Grace.String())
	return errors.Join(s.goodbye(ctx), group.Wait())
}

// watchShard waits for the end, and says once when the shard fails before it.
func (s *server) watchShard(running context.Context) {
	select {
	case <-running.Done():
		return
	case <-s.engine.Failed():
	}
	s.log.Error("the shard has failed: nothing is stored or acknowledged any more; "+
		"see to its log, then restart", "err", s.engine.Err(), "data", s.cfg.Data)
	<-running.Done()
}

// goodbye shuts down all bound listeners at the same time.
func (s *server) goodbye(ctx context.Context) error {
	var group errgroup.Group
	for _, l := range s.bound {
		group.Go(func() error { return s.withGrace(ctx, l.Shutdown) })
	}
	return group.Wait()
}

// withGrace runs one step of stopping; ctx has usually ended already.
func (s *server) withGrace(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Grace)
	defer cancel()
	return step(ctx)
}

// announce says what was bound: a log line per address, which other programs
// read, or the banner, where a person does.
func (s *server) announce(ctx context.Context, admin net.Addr) {
	level := slog.LevelInfo
	if s.cfg.Log.human(s.opts.Stderr) {
		level = slog.LevelDebug
		fmt.Fprint(s.opts.Stderr, s.banner(admin))
	}
	listening := func(listener, role string, addr net.Addr) {
		s.log.Log(ctx, level, "listening", "listener", listener, "role", role, "addr", addr.String())
	}
	for _, l := range s.bound {
		for _, b := range l.addrs {
			listening(l.Name(), b.Role, b.Addr)
		}
	}
	listening("ops", "admin", admin)
	s.log.Log(ctx, level, "ready", "version", s.opts.Version, "data", s.cfg.Data,
		"auth", s.cfg.Auth, "flush", s.cfg.WAL.Flush, "took", time.Since(s.started).Round(time.Millisecond).String())
	if s.cfg.Auth == AuthOff {
		s.log.Warn("auth is off: everyone who reaches a port may send and receive")
	}
}
