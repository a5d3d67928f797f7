package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// server is the process under test. Its life changes under mu.
type server struct {
	opts               *options
	namesrv, addr, ops string

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan error
	lives int
}

func newServer(o *options) *server {
	at := func(n int) string { return "127.0.0.1:" + strconv.Itoa(o.port+n) }
	return &server{opts: o, namesrv: at(0), addr: at(3), ops: at(4)}
}

// startLimit is how long a start may take at all.
const startLimit = time.Minute

// start starts the server and returns how long it took to be ready.
func (s *server) start(ctx context.Context) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	log, err := os.OpenFile(filepath.Join(s.opts.dir, "server.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	s.cmd = exec.Command(s.opts.binary, "serve", "--data", filepath.Join(s.opts.dir, "data"),
		"--remoting-namesrv-addr", s.namesrv, "--remoting-addr", s.addr, "--ops-addr", s.ops, "--grpc-addr", "127.0.0.1:0")
	s.cmd.Env = append(os.Environ(), "GANTRY_WAL_SEGMENT_BYTES=1MiB", "GANTRY_WAL_SNAPSHOT_BYTES=1MiB",
		"GANTRY_ENGINE_CACHE_BYTES=8MiB", "GANTRY_RETENTION_AGE="+retention.String())
	s.cmd.Stdout, s.cmd.Stderr = log, log
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return 0, err
	}
	s.lives++
	ended := make(chan error, 1)
	go func(cmd *exec.Cmd) { ended <- cmd.Wait() }(s.cmd)
	s.ended = ended
	for time.Since(began) < startLimit && ctx.Err() == nil {
		select {
		case err := <-ended:
			return 0, fmt.Errorf("the server ended at once: %w; see %s", errors.Join(err), log.Name())
		case <-time.After(5 * time.Millisecond):
		}
		if s.ready() {
			return time.Since(began), nil
		}
	}
	return 0, fmt.Errorf("the server is not ready after %v; see %s", time.Since(began), log.Name())
}

func (s *server) ready() bool {
	resp, err := http.Get("http://" + s.ops + "/readyz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// stop asks the server to end, and waits for it.
func (s *server) stop() (time.Duration, error) {
	took, err := s.end(syscall.SIGTERM)
	if err != nil {
		return took, fmt.Errorf("it ended with %w", err)
	}
	return took, nil
}

// kill takes the server away.
func (s *server) kill() (time.Duration, error) {
	took, _ := s.end(syscall.SIGKILL)
	return took, nil
}

func (s *server) end(signal syscall.Signal) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	began := time.Now()
	if err := s.cmd.Process.Signal(signal); err != nil {
		return 0, err
	}
	select {
	case err := <-s.ended:
		return time.Since(began), err
	case <-time.After(startLimit):
		return startLimit, errors.Join(errors.New("no end"), s.cmd.Process.Kill())
	}
}

// whileUp runs fn while no restart is under way.
func (s *server) whileUp(fn func(life int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(s.lives)
}
