package core_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gantrymq/gantry/core"
)

func TestCursorsAreListed(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, _ func() *core.Engine) {
		c := e.Connect(core.ClientInfo{})
		send(t, c, message("a", "1", ""), message("b", "2", ""))
		a, b := queueOf(t, e, "a", 0), queueOf(t, e, "b", 0)
		wait(t, c, func(done func(error)) {
			c.Commit([]core.CursorOffset{{Group: "g2", Queue: a, Offset: 1}, {Group: "g1", Queue: b, Offset: 1}}, done)
		})
		c.Commit([]core.CursorOffset{{Group: "g1", Queue: a, Offset: 1}, {Group: "g1", Queue: b, Offset: 0}}, nil) // one-way
		list := func(q core.CursorQuery) (all []core.CursorInfo) {
			wait(t, c, func(done func(error)) {
				c.Cursors(q, func(found []core.CursorInfo, err error) {
					all = append(all, found...)
					done(err)
				})
			})
			return all
		}
		want := []core.CursorInfo{
			{Group: "g1", Topic: "a", Queue: a, Offset: 1},
			{Group: "g1", Topic: "b", Queue: b, Offset: 0},
			{Group: "g2", Topic: "a", Queue: a, Offset: 1},
		}
		if diff := cmp.Diff(want, list(core.CursorQuery{})); diff != "" {
			t.Errorf("all (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want[:2], list(core.CursorQuery{Group: "g1"})); diff != "" {
			t.Errorf("of g1 (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want[2:], list(core.CursorQuery{Group: "g2", Topic: "a"})); diff != "" {
			t.Errorf("of g2 in a (-want +got):\n%s", diff)
		}
	})
}

func TestStoreTimesOfOffsets(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, _ func() *core.Engine) {
		c := e.Connect(core.ClientInfo{})
		first := send(t, c, message("t", "1", ""))[0]
		last := send(t, c, message("t", "2", ""))[0]
		queue := first.Queue
		admin(t, c, core.PutTopic{Config: core.TopicConfig{Name: "empty", ReadQueues: 1, WriteQueues: 1, Perm: 6}})
		queries := []core.OffsetQuery{
			{Queue: queue, Kind: core.OffsetTimeAt, At: 0},
			{Queue: queue, Kind: core.OffsetTimeAt, At: 1},
			{Queue: queue, Kind: core.OffsetTimeAt, At: -1},
			{Queue: queue, Kind: core.OffsetTimeAt, At: 2},
			{Queue: queueOf(t, e, "empty", 0), Kind: core.OffsetTimeAt, At: -1},
		}
		var got []int64
		wait(t, c, func(done func(error)) {
			c.Offsets(queries, func(infos []core.OffsetInfo, err error) {
				for i := range infos {
					got = append(got, infos[i].Time)
				}
				done(err)
			})
		})
		if diff := cmp.Diff([]int64{first.StoreTime, last.StoreTime, last.StoreTime, -1, -1}, got); diff != "" {
			t.Errorf("times (-want +got):\n%s", diff)
		}
	})
}

func TestLiveClientsAreListed(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, _ func() *core.Engine) {
		one, two := newPeer(e), newPeer(e)
		two.heartbeat(t, "two", "*")
		state := core.ClientState{ClientID: "one", Language: "GO", Version: 3, Producers: []string{"p"}}
		wait(t, one.Client, func(done func(error)) {
			one.Update(state, func(_ core.UpdateResult, err error) { done(err) })
		})
		clients := func() (all []core.LiveClient) {
			wait(t, two.Client, func(done func(error)) {
				two.Clients(func(list []core.LiveClient, err error) {
					all = append(all, list...)
					done(err)
				})
			})
			return all
		}
		all := clients()
		if len(all) != 2 || all[1].ClientID != "two" || all[0].Seen == 0 {
			t.Fatalf("clients %+v", all)
		}
		if diff := cmp.Diff(state, all[0].ClientState, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("one (-want +got):\n%s", diff)
		}
		one.Close()
		if all := clients(); len(all) != 1 {
			t.Errorf("after one has gone: %+v", all)
		}
	})
}
