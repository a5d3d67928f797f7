package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// broker process in this test: gantry serve, on ports of the system's choice.
type serving struct {
	t           *testing.T
	addr, admin string // of the name-server role
	cancel      context.CancelFunc
	ended       chan result
}

// serve runs gantry serve on a folder and waits until it is ready.
func serve(t *testing.T, dir string, more ...string) *serving {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &serving{t: t, cancel: cancel, ended: make(chan result, 1)}
	log := &watchedLog{ready: make(chan string, 1)}
	args := append([]string{
		"serve", "--data", dir, "--remoting-addr", "127.0.0.1:0", "--remoting-namesrv-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0", "--ops-addr", "127.0.0.1:0",
	}, more...)
	go func() {
		code := run(ctx, args, &surroundings{
			stdin: strings.NewReader(""), stdout: log, stderr: log,
			getenv: func(name string) (string, bool) {
				value, ok := map[string]string{"GANTRY_ENGINE_CACHE_BYTES": "4MiB", "GANTRY_WAL_SEGMENT_BYTES": "1MiB"}[name]
				return value, ok
			},
		})
		s.ended <- result{code: code, stderr: log.text()}
	}()
	t.Cleanup(cancel)
	select {
	case s.addr = <-log.ready:
		log.mu.Lock()
		s.admin = log.admin
		log.mu.Unlock()
	case got := <-s.ended:
		t.Fatalf("serve ended at once: %+v", got)
	case <-time.After(10 * time.Second):
		t.Fatalf("serve is not ready after 10 s: %s", log.text())
	}
	return s
}

// stop does what the first SIGTERM does, and waits for the end.
func (s *serving) stop() {
	s.t.Helper()
	s.cancel()
	select {
	case got := <-s.ended:
		if got.code != exitDone {
			s.t.Errorf("serve ended with %d:\n%s", got.code, got.stderr)
		}
	case <-time.After(20 * time.Second):
		s.t.Fatal("serve has not ended after 20 s")
	}
}

// gantry runs a command against the server.
func (s *serving) gantry(stdin string, args ...string) result {
	s.t.Helper()
	return gantry(s.t.Context(), stdin, []string{"GANTRY_SERVER=" + s.addr, "GANTRY_ADMIN=" + s.admin}, args...)
}

// must is gantry for commands that have to succeed; it returns the lines of stdout.
func (s *serving) must(stdin string, args ...string) []string {
	s.t.Helper()
	got := s.gantry(stdin, args...)
	if got.code != exitDone {
		s.t.Fatalf("gantry %q: %d %s", args, got.code, got.stderr)
	}
	return strings.Split(strings.TrimSuffix(got.stdout, "\n"), "\n")
}

// watchedLog collects a server's log and tells the name server's address when it
// is ready.
type watchedLog struct {
	mu    sync.Mutex
	all   bytes.Buffer
	seen  int
	addr  string
	admin string // the admin port's
	ready chan string
}

func (l *watchedLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all.Write(b)
	for {
		line, _, whole := bytes.Cut(l.all.Bytes()[l.seen:], []byte("\n"))
		if !whole {
			return len(b), nil
		}
		l.seen += len(line) + 1
		var entry struct{ Msg, Role, Addr string }
		if json.Unmarshal(line, &entry) != nil {
			continue
		}
		switch {
		case entry.Msg == "listening" && entry.Role == "namesrv":
			l.addr = entry.Addr
		case entry.Msg == "listening" && entry.Role == "admin":
			l.admin = entry.Addr
		case entry.Msg == "ready":
			l.ready <- l.addr
		}
	}
}

func (l *watchedLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRefusedFolder: a supervisor sees exit code 1, an operator one line.
func TestRefusedFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/shard-0000/log", 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/shard-0000/log/notes.txt", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := gantry(t.Context(), "", nil, "serve", "--data", dir, "--ops-addr", "127.0.0.1:0")
	want := "gantry: cannot start: " + dir + "/shard-0000/MANIFEST: it is missing, but there are segments; the log was left as it is\n"
	if got.code != exitFailed || got.stdout != "" || !strings.HasSuffix(got.stderr, want) || strings.Count(got.stderr, "gantry: ") != 1 {
		t.Errorf("%+v\nwant %s", got, want)
	}
}

func TestSendAndReceive(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	defer s.stop()

	if got := s.gantry("", "receive", "hello"); got.code != exitNotFound || !strings.Contains(got.stderr, `topic "hello" does not exist`) {
		t.Errorf("receive from no topic: %+v", got)
	}
	sent := s.must("", "send", "hello", "first", "second message", "--tag", "a", "--key", "k1", "--key", "k2", "--property", "colour=red")
	if len(sent) != 2 || !strings.HasPrefix(sent[0], "hello queue ") {
		t.Errorf("send printed %q", sent)
	}
	s.must("third\nfourth\n", "send", "hello")
	equal(t, s.must("", "receive", "hello"), "first", "second message", "third", "fourth")
	equal(t, s.must("", "receive", "hello", "--tag", "a || b"), "first", "second message")
	equal(t, s.must("", "receive", "hello", "--max", "3"), "first", "second message", "third")
	equal(t, s.must("", "receive", "hello", "--from", "latest"), "")

	var all []incoming
	if err := json.Unmarshal([]byte(strings.Join(s.must("", "receive", "hello", "-o", "json"), "\n")), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 4 || all[0].Body != "first" || all[0].Tag != "a" || strings.Join(all[0].Keys, ",") != "k1,k2" || all[0].Properties["colour"] != "red" {
		t.Errorf("as JSON: %+v", all)
	}
	if lines := s.must("", "receive", "hello", "-o", "jsonl"); len(lines) != 4 {
		t.Errorf("as JSON lines: %q", lines)
	}
}

func TestGroupGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serve(t, dir)
	for i := range 10 {
		s.must("", "send", "work", fmt.Sprint(i), "--queue", fmt.Sprint(i%4))
	}
	first := s.must("", "receive", "work", "--group", "g", "--max", "4")
	equal(t, first, "0", "1", "2", "3")
	s.stop()
	s = serve(t, dir)
	defer s.stop()
	equal(t, s.must("", "receive", "work", "--group", "g"), "4", "5", "6", "7", "8", "9")
	equal(t, s.must("", "receive", "work", "--group", "g"), "")
	equal(t, s.must("", "receive", "work", "--max", "1"), "0")
}

func TestTopics(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	defer s.stop()
	s.must("", "topic", "create", "orders", "-q", "8")
	s.must("", "send", "by-send", "x")
	list := "\n" + strings.Join(s.must("", "topic", "list"), "\n") + "\n"
	for topic, queues := range map[string]string{"orders": "8 queues", "by-send": "4 queues"} {
		if !strings.Contains(list, fmt.Sprintf("\n%-40s %s\n", topic, queues)) {
			t.Errorf("%s with %s is not in the list:%s", topic, queues, list)
		}
	}
	equal(t, s.must("", "topic", "list", "-o", "jsonl"), `{"topic":"by-send","read_queues":4,"write_queues":4}`, `{"topic":"orders","read_queues":8,"write_queues":8}`)
	if all := s.must("", "topic", "list", "--all"); len(all) < 10 {
		t.Errorf("--all shows %q", all)
	}
	if got := s.gantry("", "topic", "create", "no good"); got.code != exitFailed || !strings.Contains(got.stderr, `create topic "no good"`) {
		t.Errorf("a name that cannot be: %+v", got)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	defer s.stop()
	s.must("", "send", "news", "old")
	got := make(chan result, 1)
	out := &signalled{first: make(chan struct{})}
	go func() {
		code := run(t.Context(), []string{"receive", "news", "--follow", "--max", "3", "-s", s.addr}, &surroundings{
			stdin: strings.NewReader(""), stdout: out, stderr: out, getenv: func(string) (string, bool) { return "", false },
		})
		got <- result{code: code, stdout: out.text()}
	}()
	<-out.first
	s.must("", "send", "news", "new", "newer", "--queue", "1")
	select {
	case r := <-got:
		if r.code != exitDone || r.stdout != "old\nnew\nnewer\n" {
			t.Errorf("followed %+v", r)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("not all has come after 10 s: %q", out.text())
	}
}

// signalled is an output that tells of its first bytes.
type signalled struct {
	mu    sync.Mutex
	all   strings.Builder
	first chan struct{}
}

func (s *signalled) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all.Len() == 0 {
		close(s.first)
	}
	return s.all.Write(b)
}

func (s *signalled) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// TestStopLosesNothingAcknowledged stops the server in the middle of sends from
// several connections, starts it again, and looks for what was acknowledged.
func TestStopLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	const senders = 8
	dir := t.TempDir()
	s := serve(t, dir)
	s.must("", "topic", "create", "busy")

	var acked sync.Map // body to where it went
	var count, failed atomic.Int64
	enough := make(chan struct{})
	var group sync.WaitGroup
	for id := range senders {
		group.Go(func() {
			b, err := dial(t.Context(), s.addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer b.close()
			for n := 0; ; n++ {
				body := fmt.Sprintf("%d-%d", id, n)
				at, err := b.send(t.Context(), outgoing{topic: "busy", queue: -1, body: []byte(body)})
				if err != nil {
					failed.Add(1)
					return // the server goes
				}
				acked.Store(body, fmt.Sprintf("%d/%d", at.Queue, at.Offset))
				if count.Add(1) == 500 {
					close(enough)
				}
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(20 * time.Second):
		t.Fatal("500 sends have not been answered within 20 s")
	}
	s.stop()
	group.Wait()
	if failed.Load() != senders {
		t.Errorf("%d of %d senders met the end of the server", failed.Load(), senders)
	}

	s = serve(t, dir)
	defer s.stop()
	found := make(map[string]string)
	for _, line := range s.must("", "receive", "busy", "-o", "jsonl") {
		var m incoming
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if at, twice := found[m.Body]; twice {
			t.Errorf("%s is at %s and at %d/%d", m.Body, at, m.Queue, m.Offset)
		}
		found[m.Body] = fmt.Sprintf("%d/%d", m.Queue, m.Offset)
	}
	lost := 0
	acked.Range(func(body, at any) bool {
		if found[body.(string)] != at {
			lost++
		}
		return true
	})
	if lost > 0 {
		t.Errorf("%d of %d acknowledged messages are not where they were said to be", lost, count.Load())
	}
}
