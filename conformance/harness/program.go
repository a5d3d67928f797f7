package harness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// CommandLimit is how long a command may take: longer than any client's own time-out.
const CommandLimit = 60 * time.Second

// Program is a running client program.
type Program struct {
	name   string
	t      testing.TB
	cmd    *exec.Cmd
	in     io.WriteCloser
	errOut bytes.Buffer // read after exited is closed
	exited chan struct{}

	mu      sync.Mutex
	next    int           // guarded by mu, like all below: the last command's id
	events  []Event       // in the order they were written
	changed chan struct{} // closed and replaced when events grows
}

// Start runs a client program against a name server and waits until it takes commands. It is closed with the test.
func (b *Builds) Start(t testing.TB, k Kind, namesrv string) *Program {
	t.Helper()
	return Run(t, k.String(), b.command(k, namesrv, t.TempDir()))
}

// Run starts a client program and waits until it takes commands. It is closed with the test.
func Run(t testing.TB, name string, cmd *exec.Cmd) *Program {
	t.Helper()
	p := &Program{name: name, t: t, cmd: cmd, exited: make(chan struct{}), changed: make(chan struct{})}
	p.cmd.Stderr = &p.errOut
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in = in
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start client %s: %v", name, err)
	}
	go p.read(out)
	t.Cleanup(p.Close)
	p.Wait(CommandLimit, "ready", func(all []Event) bool { return len(all) > 0 })
	return p
}

func (p *Program) read(out io.Reader) {
	defer close(p.exited)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		e := Event{At: time.Now()}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue // a library that prints
		}
		p.mu.Lock()
		p.events = append(p.events, e)
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
	p.cmd.Wait()
}

// Begin sends a command and returns its id without waiting for its end.
func (p *Program) Begin(c Cmd) int {
	p.t.Helper()
	p.mu.Lock()
	p.next++
	c.ID = p.next
	p.mu.Unlock()
	line, err := json.Marshal(c)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		p.t.Fatalf("client %s: command %s: %v\n%s", p.name, line, err, p.stderr())
	}
	return c.ID
}

// End waits for the end of a command, and returns its last event and whether it succeeded.
func (p *Program) End(id int) (Event, bool) {
	p.t.Helper()
	var last Event
	p.Wait(CommandLimit, fmt.Sprintf("end of command %d", id), func(all []Event) bool {
		for _, e := range all {
			if e.ID == id && (e.Event == "done" || e.Event == "error") {
				last = e
				return true
			}
		}
		return false
	})
	return last, last.Event == "done"
}

// Try runs a command to its end, which may be an error.
func (p *Program) Try(c Cmd) (Event, bool) {
	p.t.Helper()
	return p.End(p.Begin(c))
}

// Do runs a command that must succeed.
func (p *Program) Do(c Cmd) Event {
	p.t.Helper()
	e, ok := p.Try(c)
	if !ok {
		p.t.Fatalf("client %s: %+v: %s", p.name, c, e.Error)
	}
	return e
}

// Send sends messages that must all be acknowledged, and returns the acknowledgements.
func (p *Program) Send(c Cmd) []Event {
	p.t.Helper()
	c.Op = "send"
	e := p.Do(c)
	if failed := p.Events(e.ID, "failed"); len(failed) > 0 {
		p.t.Fatalf("client %s: send: %d of %d failed: %s", p.name, len(failed), max(c.Count, 1), failed[0].Error)
	}
	return p.Events(e.ID, "sent")
}

// Stop ends what a command started.
func (p *Program) Stop(id int) {
	p.t.Helper()
	p.Do(Cmd{Op: "stop", Target: id})
}

// Events returns the events of one name that a command has led to so far.
func (p *Program) Events(id int, name string) []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return selectEvents(p.events, id, name)
}

func selectEvents(all []Event, id int, name string) []Event {
	var out []Event
	for _, e := range all {
		if e.ID == id && e.Event == name {
			out = append(out, e)
		}
	}
	return out
}

// Wait returns when a condition on the program's events holds; after limit it fails the test.
func (p *Program) Wait(limit time.Duration, what string, holds func(all []Event) bool) {
	p.t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for {
		p.mu.Lock()
		ok, changed := holds(p.events), p.changed
		p.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			p.t.Fatalf("client %s: %s: not within %v\n%s", p.name, what, limit, p.tail())
		case <-p.exited:
			p.mu.Lock()
			ok = holds(p.events)
			p.mu.Unlock()
			if !ok {
				p.t.Fatalf("client %s: %s: the program ended\n%s\n%s", p.name, what, p.tail(), p.stderr())
			}
			return
		}
	}
}

// WaitReceived waits until a consumer has been handed every message sent, and returns all it was handed.
func (p *Program) WaitReceived(limit time.Duration, id int, sent []Event) []Event {
	p.t.Helper()
	p.Wait(limit, fmt.Sprintf("%d messages of consumer %d", len(sent), id), func(all []Event) bool {
		got := Bodies(selectEvents(all, id, "received"))
		for _, e := range sent {
			if got[e.Body] == 0 {
				return false
			}
		}
		return true
	})
	return p.Events(id, "received")
}

// WaitCount waits until a consumer has been handed n different messages, whichever, and returns all it was handed.
func (p *Program) WaitCount(limit time.Duration, id, n int) []Event {
	p.t.Helper()
	p.Wait(limit, fmt.Sprintf("%d messages of consumer %d", n, id), func(all []Event) bool {
		return len(Bodies(selectEvents(all, id, "received"))) >= n
	})
	return p.Events(id, "received")
}

// Bodies counts how often each body occurs.
func Bodies(events []Event) map[string]int {
	count := map[string]int{}
	for _, e := range events {
		count[e.Body]++
	}
	return count
}

// Kill ends the program as a crash would (SIGKILL).
func (p *Program) Kill() {
	p.cmd.Process.Kill()
	<-p.exited
}

// Close lets the program end what it runs and waits for it; the test's end calls it too.
func (p *Program) Close() {
	p.in.Close()
	select {
	case <-p.exited:
	case <-time.After(15 * time.Second):
		p.Kill() // a client that waits for a server that is gone
	}
}

// tail returns the last events, for a failure message.
func (p *Program) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d events, the last:\n", len(p.events))
	for _, e := range p.events[max(0, len(p.events)-8):] {
		fmt.Fprintf(&b, "  %+v\n", e)
	}
	return b.String()
}

func (p *Program) stderr() string {
	select {
	case <-p.exited:
		return p.errOut.String()
	default:
		return ""
	}
}
