package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ReadyLimit is how long a server may take until it is ready.
const ReadyLimit = 20 * time.Second

// Server is a gantry process on fixed ports of its own, with a data folder that outlives restarts.
type Server struct {
	Namesrv, Broker, GRPC, Ops string // addresses

	bin, data, log string
	env            []string
	cmd            *exec.Cmd
	exited         chan struct{} // closed when cmd has ended
}

// NewServer prepares a server that keeps everything in dir. env is added to its environment.
func NewServer(dir string, env ...string) (*Server, error) {
	bin, err := binary()
	if err != nil {
		return nil, err
	}
	// Broker, VIP (two below) and the two others.
	ports, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Namesrv: loopback(ports[0]), Broker: loopback(ports[1]), Ops: loopback(ports[2]), GRPC: loopback(ports[3]),
		bin: bin, data: filepath.Join(dir, "data"), log: filepath.Join(dir, "server.log"), env: env,
	}
	if os.Getenv("GANTRY_WAL_ENGINE") == "kafka" { // withkafka: each server has a log of its own
		s.env = append([]string{fmt.Sprintf("GANTRY_WAL_TOPIC=wal-%d-%d", os.Getpid(), ports[0])}, s.env...)
	}
	return s, nil
}

// binary finds the server: GANTRY_BIN, or what make build leaves.
func binary() (string, error) {
	path := os.Getenv("GANTRY_BIN")
	if path == "" {
		root, err := filepath.Abs(filepath.Join(ModuleDir(), ".."))
		if err != nil {
			return "", err
		}
		path = filepath.Join(root, "bin", "gantry")
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no server to test: make build, or set GANTRY_BIN or GANTRY_CONFORMANCE_NAMESRV: %w", err)
	}
	return filepath.Abs(path)
}

// ModuleDir returns the folder of this module: go test runs each test in its package's folder.
func ModuleDir() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.next.mod")); err == nil {
			return dir
		}
	}
	return "."
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freePorts finds ports whose own and whose VIP port, two below, nobody listens on. They lie below the range from
// which systems give ports to outgoing connections: a client that dials a server that is down must not get its port.
func freePorts(n int) ([]int, error) {
	var found []int
	for range 500 {
		port := 20000 + 4*rand.IntN(2500)
		if taken(port) || taken(port-2) {
			continue
		}
		found = append(found, port)
		if len(found) == n {
			return found, nil
		}
	}
	return nil, errors.New("no free ports between 20000 and 30000")
}

func taken(port int) bool {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return true
	}
	l.Close()
	return false
}

// Start starts the process and waits until it is ready.
func (s *Server) Start(ctx context.Context) error {
	if err := s.Launch(); err != nil {
		return err
	}
	return s.WaitReady(ctx)
}

// Launch starts the process without waiting for it.
func (s *Server) Launch() error {
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	s.cmd = exec.Command(s.bin, "serve", "--data", s.data)
	s.cmd.Env = append(os.Environ(),
		"GANTRY_REMOTING_NAMESRV_ADDR="+s.Namesrv, "GANTRY_REMOTING_ADDR="+s.Broker, "GANTRY_OPS_ADDR="+s.Ops,
		"GANTRY_GRPC_ADDR="+s.GRPC)
	s.cmd.Env = append(s.cmd.Env, s.env...)
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		return err
	}
	cmd, exited := s.cmd, make(chan struct{})
	s.exited = exited
	go func() { cmd.Wait(); close(exited) }()
	return nil
}

// WaitReady returns when /readyz answers 200.
func (s *Server) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ReadyLimit)
	defer cancel()
	retry := time.NewTicker(5 * time.Millisecond)
	defer retry.Stop()
	for {
		if s.ready(ctx) {
			return nil
		}
		select {
		case <-retry.C:
		case <-s.exited:
			return fmt.Errorf("the server ended (%v) before it was ready\n%s", s.cmd.ProcessState, s.Log())
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready after %v\n%s", ReadyLimit, s.Log())
		}
	}
}

// Ready tells whether /readyz answers 200.
func (s *Server) Ready(ctx context.Context) bool { return s.ready(ctx) }

func (s *Server) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Ops+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Stop asks the server to end (SIGTERM) and checks that it does, and with status 0.
func (s *Server) Stop() error {
	if s.cmd == nil {
		return nil
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.exited:
	case <-time.After(40 * time.Second):
		s.Kill()
		return fmt.Errorf("the server did not end within 40 s of SIGTERM\n%s", s.Log())
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("the server ended with status %d after SIGTERM\n%s", code, s.Log())
	}
	return nil
}

// Kill ends the server as a crash would (SIGKILL) and waits for its end.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Kill()
	<-s.exited
}

// Log returns the end of what the server wrote.
func (s *Server) Log() string {
	b, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
