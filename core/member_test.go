package core_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/gantrymq/gantry/core"
)

// peer is a client that notes what is pushed to it.
type peer struct {
	*core.Client
	mu     sync.Mutex
	pushed []string
}

func newPeer(e *core.Engine) *peer {
	p := &peer{}
	p.Client = e.Connect(core.ClientInfo{Push: func(c core.Command) {
		p.mu.Lock()
		p.pushed = append(p.pushed, c.Group)
		p.mu.Unlock()
	}})
	return p
}

func (p *peer) taken() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.pushed
	p.pushed = nil
	return got
}

// wait runs a call and waits for its done.
func wait(t *testing.T, c *core.Client, call func(done func(error))) {
	t.Helper()
	errs := make(chan error, 1)
	call(func(err error) { errs <- err })
	c.Submit()
	if err := <-errs; err != nil {
		t.Fatal(err)
	}
}

func (p *peer) heartbeat(t *testing.T, id string, tags string) (changed bool) {
	t.Helper()
	wait(t, p.Client, func(done func(error)) {
		p.Update(core.ClientState{ClientID: id, Consumers: []core.Consumer{{
			Group:         "g",
			Subscriptions: []core.Subscription{{Topic: "t", Expression: tags}},
		}}}, func(r core.UpdateResult, err error) {
			changed = r.Changed
			done(err)
		})
	})
	p.members(t) // members are told right after the answer: by now they have been
	return changed
}

func (p *peer) members(t *testing.T) (ids []string) {
	t.Helper()
	wait(t, p.Client, func(done func(error)) {
		p.Members("g", func(list []core.Member, err error) {
			for _, m := range list {
				ids = append(ids, m.ClientID)
			}
			done(err)
		})
	})
	return ids
}

func TestMembersAreToldOfEachOther(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, _ func() *core.Engine) {
		a, b := newPeer(e), newPeer(e)
		if !a.heartbeat(t, "a", "*") {
			t.Fatal("the first heartbeat changed nothing")
		}
		if got := a.taken(); !slices.Equal(got, []string{"g"}) {
			t.Fatalf("the new member itself was told %v", got)
		}
		if a.heartbeat(t, "a", "*") || a.taken() != nil {
			t.Fatal("a repeated heartbeat changed something")
		}
		b.heartbeat(t, "b", "*")
		if a.taken() == nil || b.taken() == nil {
			t.Fatal("a member was not told of the second one")
		}
		if !b.heartbeat(t, "b", "red") || a.taken() == nil {
			t.Fatal("a changed subscription was not told")
		}
		if got := a.members(t); !slices.Equal(got, []string{"a", "b"}) {
			t.Fatalf("members %v", got)
		}
		if _, ok := e.Topic("%RETRY%g"); !ok {
			t.Fatal("the group has no retry topic")
		}
		b.Close()
		if got := a.members(t); !slices.Equal(got, []string{"a"}) || a.taken() == nil {
			t.Fatalf("after a close: members %v", got)
		}
		again := newPeer(e) // a new connection of the same client, before the old one is seen to end
		again.heartbeat(t, "a", "*")
		a.Close()
		if got := again.members(t); !slices.Equal(got, []string{"a"}) {
			t.Fatalf("after a reconnect: members %v", got)
		}
		wait(t, again.Client, func(done func(error)) { again.Leave("", "g", done) })
		if got := again.members(t); len(got) != 0 {
			t.Fatalf("after leaving: members %v", got)
		}
	})
}

func committed(t *testing.T, c *core.Client, q core.Queue) string {
	t.Helper()
	var got string
	wait(t, c, func(done func(error)) {
		c.Offsets([]core.OffsetQuery{{Queue: q, Kind: core.OffsetCommitted, Group: "g"}}, func(infos []core.OffsetInfo, err error) {
			if got = fmt.Sprint(infos[0].Offset); infos[0].Err != nil {
				got = core.CodeOf(infos[0].Err).String()
			}
			done(err)
		})
	})
	return got
}

func TestCommitResetAndReopen(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, reopen func() *core.Engine) {
		c := e.Connect(core.ClientInfo{})
		for range 5 {
			send(t, c, message("t", "x", ""))
		}
		q := queueOf(t, e, "t", 0)
		expect := func(want string) {
			t.Helper()
			if got := committed(t, c, q); got != want {
				t.Fatalf("committed %s, want %s", got, want)
			}
		}
		commit := func(o core.CursorOffset) {
			o.Group, o.Queue = "g", q
			wait(t, c, func(done func(error)) { c.Commit([]core.CursorOffset{o}, done) })
		}
		expect("offset not found")
		commit(core.CursorOffset{Offset: 4})
		expect("4")
		c.Commit([]core.CursorOffset{{Group: "g", Queue: q, Offset: 5}}, nil)
		c.Submit()
		expect("5") // one-way, and seen at once
		e = reopen()
		c = e.Connect(core.ClientInfo{})
		expect("5") // an orderly stop writes what was gathered
		commit(core.CursorOffset{Offset: 1, Reset: true})
		commit(core.CursorOffset{Offset: 5}) // by a client that does not know yet
		expect("1")
		e = reopen()
		c = e.Connect(core.ClientInfo{})
		a := await(t, pull(c, core.Pull{Queue: q, Group: "g", Offset: 5}))
		if a.status != core.PullOffsetMoved || a.next != 1 {
			t.Fatalf("the pull after a reset: %+v", a)
		}
		if a = await(t, pull(c, core.Pull{Queue: q, Group: "g", Offset: 1})); a.status != core.PullFound {
			t.Fatalf("the second pull after a reset: %+v", a)
		}
		commit(core.CursorOffset{Offset: 2})
		expect("2")
	})
}
