package core_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrymq/gantry/core"
)

// lock asks for queues and returns the numbers of those it was given.
func lock(t *testing.T, c *core.Client, owner string, queues ...core.Queue) (got []int32) {
	t.Helper()
	wait(t, c, func(done func(error)) {
		c.Lock(core.Locks{Group: "g", Owner: owner, Queues: queues}, func(q []core.Queue, err error) {
			for i := range q {
				got = append(got, q[i].Num)
			}
			done(err)
		})
	})
	return got
}

func TestAQueueHasOneOwner(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, reopen func() *core.Engine) {
		a, b := e.Connect(core.ClientInfo{}), e.Connect(core.ClientInfo{})
		admin(t, a, core.PutTopic{Config: core.TopicConfig{Name: "t", ReadQueues: 3, WriteQueues: 3, Perm: 6}})
		queues := []core.Queue{queueOf(t, e, "t", 0), queueOf(t, e, "t", 1), queueOf(t, e, "t", 2)}
		check := func(what string, want, got []int32) {
			t.Helper()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		check("a takes two", []int32{0, 1}, lock(t, a, "a", queues[:2]...))
		check("b takes what is left", []int32{2}, lock(t, b, "b", queues...))
		check("a renews", []int32{0, 1}, lock(t, a, "a", queues...))
		wait(t, a, func(done func(error)) {
			a.Unlock(core.Locks{Group: "g", Owner: "a", Queues: []core.Queue{queues[1], queues[2]}}, done)
		})
		check("b takes what a gave back", []int32{1, 2}, lock(t, b, "b", queues...))

		// A new connection of the same client has its locks; the old one's end takes none away.
		again := e.Connect(core.ClientInfo{})
		check("a comes again", []int32{0}, lock(t, again, "a", queues...))
		a.Close()
		check("its old connection has ended", []int32{1, 2}, lock(t, b, "b", queues...))
		again.Close()
		check("a has gone", []int32{0, 1, 2}, lock(t, b, "b", queues...))

		// After a restart the owner that the log knows has one lease more.
		e = reopen()
		a, b = e.Connect(core.ClientInfo{}), e.Connect(core.ClientInfo{})
		check("a, after a restart", nil, lock(t, a, "a", queues...))
		check("b, after a restart", []int32{0, 1, 2}, lock(t, b, "b", queues...))

		// Who leaves the group has no locks in it.
		wait(t, b, func(done func(error)) {
			b.Update(core.ClientState{ClientID: "b", Consumers: []core.Consumer{{Group: "g"}}}, func(_ core.UpdateResult, err error) { done(err) })
		})
		wait(t, b, func(done func(error)) { b.Leave("", "g", done) })
		check("b has left", []int32{0, 1, 2}, lock(t, a, "a", queues...))
		wait(t, a, func(done func(error)) { a.Admin(core.DeleteTopic{Name: "t"}, done) })
		check("the topic is deleted", nil, lock(t, a, "a", queues...))
	})
}
