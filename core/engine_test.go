package core_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/mem"
)

// engines runs a test on both WALs. reopen closes the engine and opens it anew.
func engines(t *testing.T, test func(t *testing.T, e *core.Engine, reopen func() *core.Engine)) {
	for name, w := range map[string]wal.WAL{
		"mem":  mem.New(mem.Options{}),
		"file": file.New(file.Options{Dir: t.TempDir()}),
	} {
		t.Run(name, func(t *testing.T) {
			var e *core.Engine
			open := func() *core.Engine {
				var err error
				if e, err = core.Open(core.Config{}, w, core.Env{}); err != nil {
					t.Fatal(err)
				}
				return e
			}
			open()
			test(t, e, func() *core.Engine {
				if err := e.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				return open()
			})
			if err := e.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func message(topic, body, tag string) core.Message {
	m := core.Message{Topic: topic, Body: []byte(body), AutoCreate: 1}
	if tag != "" {
		m.Properties = record.AppendProperty(nil, record.PropTags, []byte(tag))
	}
	return m
}

func send(t *testing.T, c *core.Client, msgs ...core.Message) []core.SendResult {
	t.Helper()
	results, err := c.SendWait(t.Context(), &core.Batch{Messages: msgs})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	return results
}

// answer is a Pull's, copied.
type answer struct {
	status         core.PullStatus
	next, min, max core.Offset
	bodies         string
	err            error
}

func pull(c *core.Client, p core.Pull) <-chan answer {
	got := make(chan answer, 1)
	c.Pull(p, func(r *core.Records, err error) {
		if err != nil {
			got <- answer{err: err}
			return
		}
		a := answer{status: r.Status, next: r.Next, min: r.Min, max: r.Max}
		var bodies []string
		for rest := r.Bytes(); len(rest) > 0; {
			w, _ := record.Check(rest)
			bodies = append(bodies, string(w.Body()))
			rest = rest[len(w):]
		}
		a.bodies = strings.Join(bodies, " ")
		r.Release()
		got <- a
	})
	c.Submit()
	return got
}

func queueOf(t *testing.T, e *core.Engine, topic string, num int32) core.Queue {
	t.Helper()
	info, ok := e.Topic(topic)
	if !ok {
		t.Fatalf("topic %s is not there", topic)
	}
	return core.Queue{Topic: info.ID, Num: num}
}

func await(t *testing.T, c <-chan answer) answer {
	t.Helper()
	select {
	case a := <-c:
		if a.err != nil {
			t.Fatal(a.err)
		}
		return a
	case <-time.After(10 * time.Second):
		t.Fatal("no answer")
		panic("unreachable")
	}
}

func TestSendPullAndReopen(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, reopen func() *core.Engine) {
		c := e.Connect(core.ClientInfo{})
		first := send(t, c, message("t", "a", "red"), message("t", "b", "blue"), message("t", "c", ""))
		for i, r := range first {
			if r.Offset != core.Offset(i) {
				t.Fatalf("message %d has offset %d", i, r.Offset)
			}
		}
		check := func(c *core.Client, q core.Queue) {
			t.Helper()
			all := await(t, pull(c, core.Pull{Queue: q}))
			if all.status != core.PullFound || all.bodies != "a b c" || all.next != 3 || all.max != 3 {
				t.Fatalf("got %+v", all)
			}
			blue, _ := filter.Parse("TAG", "blue || green")
			some := await(t, pull(c, core.Pull{Queue: q, Filter: blue}))
			if some.bodies != "b" || some.next != 3 {
				t.Fatalf("got %+v", some)
			}
			none, _ := filter.Parse("TAG", "green")
			if a := await(t, pull(c, core.Pull{Queue: q, Filter: none})); a.status != core.PullNoMatch || a.next != 3 {
				t.Fatalf("got %+v", a)
			}
			if a := await(t, pull(c, core.Pull{Queue: q, Offset: 9})); a.status != core.PullOffsetMoved || a.next != 3 {
				t.Fatalf("got %+v", a)
			}
		}
		check(c, queueOf(t, e, "t", 0))
		e = reopen()
		c = e.Connect(core.ClientInfo{})
		check(c, queueOf(t, e, "t", 0))
		if r := send(t, c, message("t", "d", "")); r[0].Offset != 3 || r[0].Address <= first[2].Address {
			t.Fatalf("after reopening: %+v", r[0])
		}
	})
}

func TestWaitingPullIsWokenByTheMessageItWants(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, _ func() *core.Engine) {
		c := e.Connect(core.ClientInfo{})
		send(t, c, message("t", "a", "red"))
		q := queueOf(t, e, "t", 0)
		blue, _ := filter.Parse("TAG", "blue")
		got := pull(e.Connect(core.ClientInfo{}), core.Pull{Queue: q, Offset: 1, Wait: time.Minute, Filter: blue})
		send(t, c, message("t", "b", "red"))
		select {
		case a := <-got:
			t.Fatalf("woken by what it does not want: %+v", a)
		default:
		}
		send(t, c, message("t", "c", "blue"))
		if a := await(t, got); a.bodies != "c" || a.next != 3 {
			t.Fatalf("got %+v", a)
		}
	})
}

func TestUnitIsAllOrNothing(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, _ func() *core.Engine) {
		c := e.Connect(core.ClientInfo{})
		send(t, c, message("t", "a", ""))
		bad := message("t", "b", "")
		bad.Queue = 7
		_, err := c.SendWait(t.Context(), &core.Batch{Unit: true, Messages: []core.Message{message("t", "x", ""), bad}})
		if core.CodeOf(err) != core.InvalidQueue {
			t.Fatalf("error %v", err)
		}
		a := await(t, pull(c, core.Pull{Queue: queueOf(t, e, "t", 0)}))
		if a.bodies != "a" || a.max != 1 {
			t.Fatalf("a refused unit left a trace: %+v", a)
		}
	})
}

func TestColdReadsAreVerified(t *testing.T) {
	w := mem.New(mem.Options{})
	open := func() *core.Engine {
		e, err := core.Open(core.Config{SegmentBytes: 64 << 10}, w, core.Env{})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := open()
	c := e.Connect(core.ClientInfo{})
	body := strings.Repeat("x", 1000)
	for i := range 300 {
		send(t, c, message("t", fmt.Sprint(i, "-", body), ""))
	}
	e.Close(t.Context())
	e = open() // the cache is empty: everything is cold
	c = e.Connect(core.ClientInfo{})
	q := queueOf(t, e, "t", 0)
	for next := core.Offset(0); next < 300; {
		a := await(t, pull(c, core.Pull{Queue: q, Offset: next, MaxMessages: 100}))
		if a.status != core.PullFound || !strings.HasPrefix(a.bodies, fmt.Sprint(next, "-")) {
			t.Fatalf("at %d: %+v", next, a.status)
		}
		next = a.next
	}
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkSend(b *testing.B) {
	e, err := core.Open(core.Config{}, file.New(file.Options{Dir: b.TempDir()}), core.Env{})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close(b.Context())
	c := e.Connect(core.ClientInfo{})
	batch := &core.Batch{Messages: []core.Message{message("t", strings.Repeat("x", 128), "")}}
	c.SendWait(b.Context(), batch)
	const inFlight = 64
	answers := make(chan struct{}, inFlight)
	done := func(r []core.SendResult, err error) {
		if err != nil {
			panic(err)
		}
		answers <- struct{}{}
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		c.Send(batch, done)
		if n%inFlight == inFlight-1 {
			c.Submit()
			for range inFlight {
				<-answers
			}
		}
	}
	c.Submit()
}

// TestSendsOvertakeTheSyncOfTheirTopic: the send that makes a topic waits for a
// sync, those behind it are answered before, and become visible after it.
func TestSendsOvertakeTheSyncOfTheirTopic(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, _ func() *core.Engine) {
		const clients, runs, perRun = 4, 20, 25
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				c := e.Connect(core.ClientInfo{})
				answers := make(chan error, perRun)
				for run := range runs {
					b := &core.Batch{Messages: []core.Message{message(fmt.Sprint("t", run), fmt.Sprint("from-", i), "")}}
					for range perRun {
						c.Send(b, func(r []core.SendResult, err error) {
							if err == nil {
								err = r[0].Err
							}
							answers <- err
						})
					}
					c.Submit()
					for range perRun {
						if err := <-answers; err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
		c := e.Connect(core.ClientInfo{})
		for run := range runs {
			q := queueOf(t, e, fmt.Sprint("t", run), 0)
			read := 0
			for next := core.Offset(0); next < clients*perRun; {
				a := await(t, pull(c, core.Pull{Queue: q, Offset: next, MaxMessages: 1000, Wait: time.Minute}))
				read += len(strings.Fields(a.bodies))
				next = a.next
			}
			if read != clients*perRun {
				t.Fatalf("topic %d has %d messages", run, read)
			}
		}
	})
}
