package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/vfs"
	"github.com/gantrymq/gantry/protocols"
)

// door is a listener for tests: it binds one port and does what it is told.
type door struct {
	name   string
	addr   string
	env    protocols.Env
	engine *core.Engine
	events *events

	serveErr chan error // what Serve fails with
	down     chan struct{}
	ln       net.Listener
}

var _ protocols.Listener = (*door)(nil)

func (d *door) Name() string { return d.name }

func (d *door) Listen(context.Context) ([]protocols.Bound, error) {
	ln, err := d.env.Listen("tcp", d.addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.name, err)
	}
	d.ln = ln
	d.events.add(d.name + " listen")
	return []protocols.Bound{{Role: "broker", Addr: ln.Addr()}}, nil
}

func (d *door) Serve() error {
	d.events.add(d.name + " serve")
	select {
	case err := <-d.serveErr:
		return err
	case <-d.down:
		return nil
	}
}

func (d *door) Shutdown(context.Context) error {
	d.events.add(d.name + " shutdown")
	close(d.down)
	return d.ln.Close()
}

// events is what happened, in order.
type events struct {
	mu   sync.Mutex
	list []string
}

func (e *events) add(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, what)
}

func (e *events) all() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.list...)
}

func (e *events) has(what string) bool {
	for _, had := range e.all() {
		if had == what {
			return true
		}
	}
	return false
}

// process is a server that runs in this test.
type process struct {
	t      *testing.T
	cancel context.CancelFunc
	ended  chan error
	lines  *lines
	doors  []*door
	events *events
	disk   vfs.FS
	broken atomic.Bool // writes and syncs of the log fail
}

// start runs a server with the given doors, each on a free port or, as
// name@addr, on that one.
func start(t *testing.T, flags map[string]string, names ...string) *process {
	t.Helper()
	p := newProcess(t, vfs.OS())
	for _, name := range names {
		name, addr, given := strings.Cut(name, "@")
		if !given {
			addr = "127.0.0.1:0"
		}
		p.doors = append(p.doors, &door{
			name: name, addr: addr, events: p.events,
			serveErr: make(chan error, 1), down: make(chan struct{}),
		})
	}
	p.run(flags, Options{listeners: p.listeners})
	return p
}

func newProcess(t *testing.T, disk vfs.FS) *process {
	return &process{t: t, disk: disk, ended: make(chan error, 1), lines: newLines(), events: &events{}}
}

// run runs the server on the process's disk.
func (p *process) run(flags map[string]string, opts Options) {
	p.t.Helper()
	if flags["data"] == "" {
		flags["data"] = p.t.TempDir()
	}
	if flags["ops.addr"] == "" {
		flags["ops.addr"] = "127.0.0.1:0"
	}
	flags["engine.cache_bytes"] = "4MiB"
	flags["wal.segment_bytes"] = "1MiB"
	cfg, err := Load(Sources{Flags: flags})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	p.cancel = cancel
	if opts.wal == nil {
		opts.wal = p.wal
	}
	opts.Version, opts.Stderr = "test", p.lines
	opts.certificate = func(*Config) (*tls.Config, error) { return nil, nil } // its folder may be on no real disk
	go func() { p.ended <- Run(ctx, cfg, opts) }()
}

func (p *process) listeners(_ *Config, engine *core.Engine, env protocols.Env) ([]protocols.Listener, error) {
	var all []protocols.Listener
	for _, d := range p.doors {
		d.engine, d.env = engine, env
		all = append(all, d)
	}
	return all, nil
}

// wal is the usual log on a disk that can break.
func (p *process) wal(_ context.Context, cfg *Config, log *slog.Logger) (wal.WAL, error) {
	disk := vfs.Wrap(p.disk, func(op vfs.Op) vfs.Verdict {
		if (op.Kind == vfs.OpSync || op.Kind == vfs.OpWrite) && p.broken.Load() {
			return vfs.Verdict{Err: syscall.EIO}
		}
		return vfs.Verdict{}
	})
	return file.New(file.Options{Dir: cfg.Data, FS: disk, SegmentSize: cfg.WAL.SegmentBytes, Logger: log}), nil
}

// end waits for Run.
func (p *process) end() error {
	p.t.Helper()
	select {
	case err := <-p.ended:
		return err
	case <-time.After(10 * time.Second):
		p.t.Fatal("the server has not ended after 10 s")
		return nil
	}
}

func (p *process) stop() error {
	p.t.Helper()
	p.cancel()
	return p.end()
}

// addr waits for the line that says where a listener listens.
func (p *process) addr(listener string) string {
	p.t.Helper()
	return p.lines.wait(p.t, func(l line) bool { return l["msg"] == "listening" && l["listener"] == listener })["addr"].(string)
}

func (p *process) ready() { p.t.Helper(); p.lines.wait(p.t, message("ready")) }

func message(text string) func(line) bool { return func(l line) bool { return l["msg"] == text } }

// line is one line of the JSON log.
type line map[string]any

// lines collects a log.
type lines struct {
	mu   sync.Mutex
	part string
	all  []line
	more chan struct{} // closed and replaced at each line
}

func newLines() *lines { return &lines{more: make(chan struct{})} }

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part += string(b)
	for {
		text, rest, ok := strings.Cut(l.part, "\n")
		if !ok {
			return len(b), nil
		}
		l.part = rest
		var parsed line
		if err := json.Unmarshal([]byte(text), &parsed); err != nil {
			return 0, err
		}
		l.all = append(l.all, parsed)
		close(l.more)
		l.more = make(chan struct{})
	}
}

func (l *lines) wait(t *testing.T, want func(line) bool) line {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for seen := 0; ; {
		l.mu.Lock()
		all, more := l.all, l.more
		l.mu.Unlock()
		for ; seen < len(all); seen++ {
			if want(all[seen]) {
				return all[seen]
			}
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("the line did not come within 10 s; there are: %v", all)
		}
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestLife(t *testing.T) {
	t.Parallel()
	p := start(t, map[string]string{}, "first", "second")
	p.ready()
	admin := "http://" + p.addr("ops")
	if status, body := get(t, admin+"/readyz?verbose"); status != 200 || body != "ok\n[+] process\n[+] shard\n" {
		t.Errorf("/readyz: %d %q", status, body)
	}
	if status, body := get(t, admin+"/metrics"); status != 200 || !strings.Contains(body, "\ngantry_sent_messages_total 0\n") || !strings.Contains(body, `gantry_build_info{`) {
		t.Errorf("/metrics: %d %s", status, body)
	}
	if err := p.stop(); err != nil {
		t.Errorf("stopped with %v", err)
	}
	happened := p.events.all()
	if len(happened) != 6 || happened[0] != "first listen" || happened[1] != "second listen" {
		t.Errorf("both bind before either serves, and all are shut down: %v", happened)
	}
	for _, d := range p.doors {
		if !p.events.has(d.name+" serve") || !p.events.has(d.name+" shutdown") {
			t.Errorf("%s: %v", d.name, happened)
		}
	}
	if _, err := http.Get(admin); err == nil {
		t.Error("the admin port is still open")
	}
}

func TestRestartKeepsWhatWasStored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, map[string]string{"data": dir}, "door")
	p.ready()
	c := p.doors[0].engine.Connect(core.ClientInfo{Protocol: "test"})
	results, err := c.SendWait(t.Context(), &core.Batch{Messages: []core.Message{{Topic: "kept", Queue: -1, AutoCreate: 1, Body: []byte("x")}}})
	if err != nil || results[0].Err != nil {
		t.Fatal(err, results)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p = start(t, map[string]string{"data": dir}, "door")
	p.ready()
	if end := p.queueEnd("kept"); end.Err != nil || end.Offset != 1 {
		t.Errorf("the queue ends at %+v, want 1", end)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	taken := ln.Addr().String()
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Skip("no /proc")
	}
	self := fmt.Sprintf("pid %d (%s)", os.Getpid(), strings.TrimSpace(string(comm)))

	t.Run("admin", func(t *testing.T) {
		t.Parallel()
		began := time.Now()
		err := start(t, map[string]string{"ops.addr": taken}, "door").end()
		want := "ops: " + taken + " is in use by " + self + "; stop it, or choose another address with --ops-addr (GANTRY_OPS_ADDR)"
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %v, at most a second is allowed", took)
		}
	})
	t.Run("listener", func(t *testing.T) {
		t.Parallel()
		began := time.Now()
		p := start(t, map[string]string{"remoting.addr": taken}, "free", "remoting@"+taken)
		err := p.end()
		want := "remoting: " + taken + " is in use by " + self + "; stop it, or choose another address with --remoting-addr (GANTRY_REMOTING_ADDR)"
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %v, at most a second is allowed", took)
		}
		if p.events.has("free serve") || !p.events.has("free shutdown") {
			t.Errorf("the other listener is closed again and never serves: %v", p.events.all())
		}
	})
}

func TestVIPPortBelongsToTheBrokersKey(t *testing.T) {
	t.Parallel()
	cfg, err := Load(Sources{Flags: map[string]string{"remoting.addr": "127.0.0.1:20911"}})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"127.0.0.1:20911": "remoting.addr", "127.0.0.1:20909": "remoting.addr", "127.0.0.1:9876": "remoting.namesrv_addr", "127.0.0.1:8082": "ops.addr", "127.0.0.1:1": "",
	} {
		if got := cfg.keyOf(addr); got != want {
			t.Errorf("%s belongs to %q, want %q", addr, got, want)
		}
	}
}

// TestWildcardMeansIPv4: who writes 0.0.0.0 has not asked for IPv6.
func TestWildcardMeansIPv4(t *testing.T) {
	t.Parallel()
	ln, err := bind("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if addr := ln.Addr().String(); !strings.HasPrefix(addr, "0.0.0.0:") {
		t.Errorf("bound to %s", addr)
	}
}

func TestSecondProcessOnTheSameFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, map[string]string{"data": dir}, "door")
	p.ready()
	err := start(t, map[string]string{"data": dir}, "door").end()
	want := "cannot start: data folder " + dir + " is in use by another process; stop that one, or choose another folder with --data (GANTRY_DATA)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

func TestListenerThatFailsEndsTheServer(t *testing.T) {
	t.Parallel()
	p := start(t, map[string]string{}, "broken", "fine")
	p.ready()
	p.doors[0].serveErr <- errors.New("out of sockets")
	if err := p.end(); err == nil || err.Error() != "broken: out of sockets" {
		t.Errorf("got %v", err)
	}
	if !p.events.has("fine shutdown") {
		t.Errorf("the other listener goes too: %v", p.events.all())
	}
}

// TestShardThatFails proves that a broken disk ends acknowledgements and
// readiness, but not the process: whoever runs it reads why, and decides.
func TestShardThatFails(t *testing.T) {
	t.Parallel()
	p := start(t, map[string]string{"wal.flush": "sync"}, "door")
	p.ready()
	c := p.doors[0].engine.Connect(core.ClientInfo{Protocol: "test"})
	send := func() error {
		results, err := c.SendWait(t.Context(), &core.Batch{Messages: []core.Message{{Topic: "t", Queue: -1, AutoCreate: 1, Body: []byte("x")}}})
		if err == nil {
			err = results[0].Err
		}
		return err
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	p.broken.Store(true)
	if err := send(); err == nil {
		t.Fatal("a send was acknowledged that is not synced")
	}
	said := p.lines.wait(t, func(l line) bool { return l["level"] == "ERROR" })
	if !strings.Contains(fmt.Sprint(said["err"]), "input/output error") {
		t.Errorf("the log says %v", said)
	}
	admin := "http://" + p.addr("ops")
	if status, body := get(t, admin+"/readyz"); status != 503 || !strings.Contains(body, "[-] shard: ") || !strings.Contains(body, "input/output error") {
		t.Errorf("/readyz: %d %q", status, body)
	}
	if status, _ := get(t, admin+"/livez"); status != 200 {
		t.Errorf("/livez: %d", status)
	}
	if _, body := get(t, admin+"/metrics"); !strings.Contains(body, "\ngantry_shard_failed 1\n") {
		t.Errorf("/metrics: %s", body)
	}
	if err := send(); core.CodeOf(err) != core.Unavailable {
		t.Errorf("sends fail with %v, want unavailable", err)
	}
	if err := p.stop(); err == nil || !strings.Contains(err.Error(), "the shard has failed") {
		t.Errorf("stopped with %v", err)
	}
}

func TestLogAndBanner(t *testing.T) {
	t.Parallel()
	read, write := io.Pipe()
	defer read.Close()
	cfg, err := Load(Sources{Flags: map[string]string{"data": t.TempDir() + "/new", "ops.addr": "127.0.0.1:0", "log.format": "text"}})
	if err != nil {
		t.Fatal(err)
	}
	p := &process{events: &events{}}
	p.doors = []*door{{name: "remoting", addr: "127.0.0.1:0", events: p.events, serveErr: make(chan error, 1), down: make(chan struct{})}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, cfg, Options{Version: "1.2.3", Stderr: write, listeners: p.listeners})
		write.Close()
	}()
	banner := &strings.Builder{}
	in := bufio.NewScanner(read)
	for in.Scan() {
		fmt.Fprintln(banner, in.Text())
		if strings.HasPrefix(in.Text(), "Try: ") {
			break
		}
	}
	cancel()
	_, _ = io.Copy(io.Discard, read)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"gantry 1.2.3  data " + cfg.Data + " (file, new)  auth loopback: no remote clients",
		"RocketMQ 4.x/5.x", "clients are told " + p.doors[0].ln.Addr().String(),
		"Admin              http://127.0.0.1:", `Try: gantry send hello "first message" ; gantry receive hello`,
	} {
		if !strings.Contains(banner.String(), want) {
			t.Errorf("the banner lacks %q:\n%s", want, banner)
		}
	}
	if strings.Contains(banner.String(), "msg=listening") {
		t.Errorf("the banner says it already:\n%s", banner)
	}
}
