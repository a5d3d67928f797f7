package core_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/mem"
)

// small makes a storage that seals and takes snapshots all the time.
func small(age time.Duration) core.Config {
	return core.Config{
		SegmentBytes: 64 << 10, SnapshotBytes: 32 << 10, CacheBytes: 1,
		Retention: core.Retention{Age: age},
	}
}

func smallLogs(t *testing.T) map[string]wal.WAL {
	return map[string]wal.WAL{
		"mem":  mem.New(mem.Options{SegmentSize: 64 << 10}),
		"file": file.New(file.Options{Dir: t.TempDir(), SegmentSize: 64 << 10}),
	}
}

// until waits for a state that background work brings about.
func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !reached(); {
		if time.Now().After(deadline) {
			t.Fatal("never came: ", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func keyed(topic string, i int) core.Message {
	m := message(topic, fmt.Sprint("body-", i), "tag")
	m.Properties = record.AppendProperty(m.Properties, record.PropKeys, fmt.Append(nil, "other key-", i))
	return m
}

func TestSealedSegmentsAnswerAsTheLogDid(t *testing.T) {
	for name, w := range smallLogs(t) {
		t.Run(name, func(t *testing.T) {
			const n = 3000
			e, err := core.Open(small(time.Hour), w, core.Env{})
			if err != nil {
				t.Fatal(err)
			}
			c := e.Connect(core.ClientInfo{})
			addresses := make([]core.Address, n)
			for i := range n {
				addresses[i] = send(t, c, keyed("t", i))[0].Address
			}
			until(t, "sealed segments and snapshots", func() bool { s := e.Stats(); return s.Sealed > 5 && s.Snapshots > 0 })
			q := queueOf(t, e, "t", 0)
			check := func(c *core.Client) {
				t.Helper()
				for next := core.Offset(0); next < n; {
					a := await(t, pull(c, core.Pull{Queue: q, Offset: next, MaxMessages: 100}))
					if a.status != core.PullFound || !strings.HasPrefix(a.bodies+" ", fmt.Sprintf("body-%d ", next)) {
						t.Fatalf("at %d: %+v", next, a)
					}
					next = a.next
				}
				for _, i := range []int{0, 1, n / 2, n - 1} {
					if got := lookup(t, c, addresses[i]); got != fmt.Sprint("body-", i) {
						t.Fatalf("at the address of message %d: %q", i, got)
					}
					if got := query(t, c, core.KeyQuery{Topic: "t", Key: fmt.Sprint("key-", i)}); got != fmt.Sprint("body-", i) {
						t.Fatalf("by the key of message %d: %q", i, got)
					}
				}
				if got := query(t, c, core.KeyQuery{Topic: "t", Key: "other", Max: 3}); got != fmt.Sprintf("body-%d body-%d body-%d", n-1, n-2, n-3) {
					t.Fatalf("by a key of all messages: %q", got)
				}
				if got := lookup(t, c, addresses[7]+1); got != "message not found" {
					t.Fatalf("inside a record: %q", got)
				}
			}
			check(c)
			if err := e.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if e, err = core.Open(small(time.Hour), w, core.Env{}); err != nil {
				t.Fatal(err)
			}
			c = e.Connect(core.ClientInfo{})
			check(c)
			if r := send(t, c, keyed("t", n)); r[0].Offset != n {
				t.Fatalf("the next message has offset %d", r[0].Offset)
			}
			if err := e.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// texts returns a callback for Lookup and Query, and what it will have got.
func texts(t *testing.T, c *core.Client, call func(done func(*core.Records, error))) string {
	t.Helper()
	got := make(chan string, 1)
	call(func(r *core.Records, err error) {
		if err != nil {
			got <- core.CodeOf(err).String()
			return
		}
		var bodies []string
		for rest := r.Bytes(); len(rest) > 0; {
			w, _ := record.Check(rest)
			bodies = append(bodies, string(w.Body()))
			rest = rest[len(w):]
		}
		r.Release()
		got <- strings.Join(bodies, " ")
	})
	c.Submit()
	return <-got
}

func lookup(t *testing.T, c *core.Client, at core.Address) string {
	t.Helper()
	return texts(t, c, func(done func(*core.Records, error)) { c.Lookup(at, done) })
}

func query(t *testing.T, c *core.Client, q core.KeyQuery) string {
	t.Helper()
	return texts(t, c, func(done func(*core.Records, error)) { c.Query(q, done) })
}

func TestRetentionForgetsAndOffsetsStay(t *testing.T) {
	for name, w := range smallLogs(t) {
		t.Run(name, func(t *testing.T) {
			const n = 3000
			e, err := core.Open(small(time.Millisecond), w, core.Env{})
			if err != nil {
				t.Fatal(err)
			}
			c := e.Connect(core.ClientInfo{})
			var first core.Address
			for i := range n {
				if a := send(t, c, keyed("t", i))[0].Address; i == 0 {
					first = a
				}
			}
			until(t, "forgotten segments", func() bool { return e.Stats().Forgotten > 3 })
			q := queueOf(t, e, "t", 0)
			check := func(c *core.Client) core.Offset {
				t.Helper()
				a := await(t, pull(c, core.Pull{Queue: q, Offset: 0}))
				b := answer{status: core.PullOffsetMoved, next: a.min}
				for b.status == core.PullOffsetMoved { // as long as more is forgotten meanwhile
					a.min = b.next
					b = await(t, pull(c, core.Pull{Queue: q, Offset: a.min}))
				}
				if a.status != core.PullOffsetMoved || a.min == 0 || a.max != n {
					t.Fatalf("at 0: %+v", a)
				}
				if !strings.HasPrefix(b.bodies, fmt.Sprintf("body-%d ", a.min)) {
					t.Fatalf("at the first offset %d: %+v", a.min, b)
				}
				if got := lookup(t, c, first); got != "message not found" {
					t.Fatalf("at a forgotten address: %q", got)
				}
				return a.min
			}
			before := check(c)
			if err := e.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if e, err = core.Open(small(time.Hour), w, core.Env{}); err != nil {
				t.Fatal(err)
			}
			c = e.Connect(core.ClientInfo{})
			if after := check(c); after < before {
				t.Fatalf("the first offset was %d and is %d", before, after)
			}
			if err := e.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestConsumedRetentionWaitsForEveryGroup(t *testing.T) {
	for name, w := range smallLogs(t) {
		t.Run(name, func(t *testing.T) {
			config := small(time.Millisecond)
			config.Retention.Consumed = true
			e, err := core.Open(config, w, core.Env{})
			if err != nil {
				t.Fatal(err)
			}
			c := e.Connect(core.ClientInfo{})
			send(t, c, keyed("t", 0))
			q := queueOf(t, e, "t", 0)
			commit := func(group string, offset core.Offset) {
				t.Helper()
				wait(t, c, func(done func(error)) {
					c.Commit([]core.CursorOffset{{Group: group, Queue: q, Offset: offset}}, done)
				})
			}
			commit("fast", 1)
			commit("slow", 1)
			const n = 3000
			for i := 1; i < n; i++ {
				send(t, c, keyed("t", i))
			}
			commit("fast", n)
			until(t, "snapshots and seals", func() bool {
				send(t, c, keyed("other", n)) // the log must grow for them
				s := e.Stats()
				return s.Snapshots > 2 && s.Sealed > 5
			})
			if got := e.Stats().Forgotten; got != 0 {
				t.Fatalf("%d segments were forgotten that a group has not read", got)
			}
			commit("slow", n)
			until(t, "forgotten segments", func() bool {
				send(t, c, keyed("other", n)) // a new segment makes it look again
				return e.Stats().Forgotten > 2
			})
			if err := e.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestDeletedTopicGoesOnWithItsOffsets(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, reopen func() *core.Engine) {
		c := e.Connect(core.ClientInfo{})
		send(t, c, message("t", "a", ""), message("t", "b", ""))
		q := queueOf(t, e, "t", 0)
		c.Commit([]core.CursorOffset{{Group: "g", Queue: q, Offset: 1}}, nil)
		waiting := make(chan error, 1)
		c.Pull(core.Pull{Queue: q, Offset: 2, Wait: time.Minute}, func(_ *core.Records, err error) { waiting <- err })
		wait(t, c, func(done func(error)) { c.Admin(core.DeleteTopic{Name: "t"}, done) })
		if err := <-waiting; core.CodeOf(err) != core.TopicNotFound {
			t.Fatalf("a waiting pull was told %v", err)
		}
		if _, ok := e.Topic("t"); ok {
			t.Fatal("the topic is still there")
		}
		// Empty, it ends where it begins: a reader that waits at its end is not sent away.
		wait(t, c, func(done func(error)) {
			c.Admin(core.PutTopic{Config: core.TopicConfig{Name: "t", ReadQueues: 1, WriteQueues: 1, Perm: core.PermRead | core.PermWrite}}, done)
		})
		for range 2 {
			q = queueOf(t, e, "t", 0)
			if a := await(t, pull(c, core.Pull{Queue: q, Offset: 2})); a.status != core.PullNotFound || a.min != 2 || a.max != 2 {
				t.Fatalf("a pull from the topic made anew: %+v", a)
			}
			e = reopen()
			c = e.Connect(core.ClientInfo{})
		}
		if r := send(t, c, message("t", "c", "")); r[0].Offset != 2 {
			t.Fatalf("the topic made anew begins at %d", r[0].Offset)
		}
		a := await(t, pull(c, core.Pull{Queue: queueOf(t, e, "t", 0), Offset: 0}))
		if a.status != core.PullOffsetMoved || a.next != 2 {
			t.Fatalf("a pull at an old offset: %+v", a)
		}
	})
}

func TestFullDiskRefusesSendsOnly(t *testing.T) {
	w := mem.New(mem.Options{SegmentSize: 64 << 10, Bytes: 512 << 10})
	config := small(time.Hour)
	e, err := core.Open(config, w, core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	c := e.Connect(core.ClientInfo{})
	var full error
	for i := 0; full == nil && i < 10_000; i++ {
		results, err := c.SendWait(t.Context(), &core.Batch{Messages: []core.Message{keyed("t", i)}})
		if full = err; err == nil {
			full = results[0].Err
		}
	}
	if core.CodeOf(full) != core.DiskFull {
		t.Fatalf("the send that found no room: %v", full)
	}
	q := queueOf(t, e, "t", 0)
	wait(t, c, func(done func(error)) {
		c.Commit([]core.CursorOffset{{Group: "g", Queue: q, Offset: 1}}, done)
	})
	wait(t, c, func(done func(error)) { c.Admin(core.DeleteTopic{Name: "t"}, done) })
	w.SetBytes(4 << 20)
	until(t, "sends taken again", func() bool {
		results, err := c.SendWait(t.Context(), &core.Batch{Messages: []core.Message{keyed("t", 1)}})
		return err == nil && results[0].Err == nil
	})
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestDeletedTopicIsReplayed: the part of a segment that is sealed after a restart
// has the messages of a topic that was deleted before it, the index has not.
func TestDeletedTopicIsReplayed(t *testing.T) {
	for name, w := range smallLogs(t) {
		t.Run(name, func(t *testing.T) {
			e, err := core.Open(small(time.Hour), w, core.Env{})
			if err != nil {
				t.Fatal(err)
			}
			c := e.Connect(core.ClientInfo{})
			send(t, c, message("gone", "a", ""))
			wait(t, c, func(done func(error)) { c.Admin(core.DeleteTopic{Name: "gone"}, done) })
			if err := e.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if e, err = core.Open(small(time.Hour), w, core.Env{}); err != nil {
				t.Fatal(err)
			}
			c = e.Connect(core.ClientInfo{})
			for i := 0; e.Stats().Sealed == 0; i++ {
				send(t, c, keyed("t", i))
			}
			if err := e.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}
