package core_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrymq/gantry/core"
)

func admin(t *testing.T, c *core.Client, op core.AdminOp) {
	t.Helper()
	wait(t, c, func(done func(error)) { c.Admin(op, done) })
}

func TestGroupsAreShownAsTheyWereMadeDurable(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, reopen func() *core.Engine) {
		want := core.GroupConfig{
			Name: "g", Order: core.OrderFIFO, MaxAttempts: 4, Disabled: true,
			Backoff:    core.Backoff{Steps: []time.Duration{time.Second, time.Minute}},
			Attributes: map[string]string{"team": "billing"},
		}
		admin(t, e.Connect(core.ClientInfo{}), core.PutGroup{Config: want})
		newPeer(e).heartbeat(t, "a", "*") // of the same group: changes nothing
		for range 2 {
			got, ok := e.Group("g")
			if !ok {
				t.Fatal("the group is not there")
			}
			if diff := cmp.Diff(want, got.GroupConfig); diff != "" {
				t.Errorf("the group is not as it was made (-want +got):\n%s", diff)
			}
			if all := e.Groups(); len(all) != 1 || all[0].ID != got.ID {
				t.Errorf("all groups: %v", all)
			}
			e = reopen()
		}
		admin(t, e.Connect(core.ClientInfo{}), core.DeleteGroup{Name: "g"})
		if _, ok := e.Group("g"); ok {
			t.Error("a deleted group is shown")
		}
	})
}

func TestADisabledGroupGetsNothing(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, _ func() *core.Engine) {
		c := e.Connect(core.ClientInfo{})
		queue := send(t, c, message("t", "1", ""))[0].Queue
		admin(t, c, core.PutGroup{Config: core.GroupConfig{Name: "g", Disabled: true}})
		if got := <-pull(c, core.Pull{Queue: queue, Group: "g"}); core.CodeOf(got.err) != core.NoPermission {
			t.Errorf("a disabled group's pull: %v, want NoPermission", got.err)
		}
		if a := await(t, pull(c, core.Pull{Queue: queue, Group: "other"})); a.bodies != "1" {
			t.Errorf("another group's pull: %q", a.bodies)
		}
	})
}

func TestAResetReachesAPullThatWaits(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, _ func() *core.Engine) {
		c := e.Connect(core.ClientInfo{})
		queue := send(t, c, message("t", "1", ""))[0].Queue
		wait(t, c, func(done func(error)) { c.Commit([]core.CursorOffset{{Group: "g", Queue: queue, Offset: 1}}, done) })
		other := pull(c, core.Pull{Queue: queue, Group: "other", Offset: 1, Wait: time.Minute})
		waits := pull(c, core.Pull{Queue: queue, Group: "g", Offset: 1, Wait: time.Minute})
		wait(t, c, func(done func(error)) {
			c.Commit([]core.CursorOffset{{Group: "g", Queue: queue, Offset: 0, Reset: true}}, done)
		})
		if a := await(t, waits); a.status != core.PullOffsetMoved || a.next != 0 {
			t.Errorf("the pull that waited: %+v", a)
		}
		select {
		case a := <-other:
			t.Errorf("another group's pull: %+v", a)
		default:
		}
		c.Close()
		await(t, other)
	})
}
