package sim

import (
	"fmt"
	"slices"

	"github.com/gantrymq/gantry/core/internal/shard"
)

// memberLease is how long a client is a member without a heartbeat, in ms.
const memberLease = 120_000

// members is who should be a member of which group. The engine forgets it with
// each restart.
type members struct {
	w  *world
	of map[*client]*membership
}

// membership is what a client said last.
type membership struct {
	groups []string
	until  int64
}

func newMembers(w *world) members { return members{w, map[*client]*membership{}} }

func (m *members) reset()           { clear(m.of) }
func (m *members) closed(c *client) { delete(m.of, c) }

// list returns the client ids in a group. A client whose lease ends about now is
// in doubt: then ok is false.
func (m *members) list(group string) (ids []string, ok bool) {
	for _, c := range m.w.clients {
		s := m.of[c]
		if s == nil || !slices.Contains(s.groups, group) {
			continue
		}
		if late := m.w.now - s.until; late > 10 {
			continue
		} else if late > -10 {
			return nil, false
		}
		ids = append(ids, c.id())
	}
	return ids, true
}

func (c *client) id() string { return fmt.Sprintf("client-%d", c.num) }

// stepHeartbeat has a client say what it is.
func (w *world) stepHeartbeat() {
	c := w.anyClient()
	state := shard.ClientState{ClientID: c.id(), Language: "GO", Version: 1}
	s := &membership{}
	for i := range w.groups {
		if w.rng.IntN(2) == 0 {
			s.groups = append(s.groups, w.groupName(i))
			state.Consumers = append(state.Consumers, shard.Consumer{Group: w.groupName(i), Broadcast: w.rng.IntN(4) == 0})
		}
	}
	for i := range producerGroups {
		if w.rng.IntN(3) == 0 {
			state.Producers = append(state.Producers, producerGroup(i))
		}
	}
	c.producers = append(c.producers, state.Producers...) // those of before until it is decided
	c.updating++
	call := &call{what: "heartbeat", client: c, unknown: func() { c.updating = 0 }}
	answered := w.begin(call)
	c.conn.Update(state, func(_ shard.UpdateResult, err error) {
		if !answered() || call.ended {
			return
		}
		if c.updating--; c.updating == 0 && err == nil {
			c.producers = state.Producers
		}
		if err != nil {
			code, _ := w.refusal(err)
			w.check(w.excused(code), "V1", "a heartbeat fails: %v", err)
			delete(w.oracle.members.of, c)
			c.updating = 1 << 20 // who knows
			return
		}
		w.check(!w.disk.failed, "L9", "a heartbeat is answered after a failed call")
	})
	c.submit()
	s.until = w.now + memberLease
	w.oracle.members.of[c] = s
}

// stepLeave has a client leave a group.
func (w *world) stepLeave() {
	c := w.anyClient()
	if c.updating > 0 {
		return // a heartbeat may wait for the disk, and a leave overtakes it
	}
	group := w.groupName(w.rng.IntN(w.groups))
	c.updating++
	call := &call{what: "leave", client: c, unknown: func() { c.updating = 0 }}
	answered := w.begin(call)
	c.conn.Leave("", group, func(err error) {
		if answered() && !call.ended {
			c.updating--
			w.excuse(err)
		}
	})
	c.submit()
	if s := w.oracle.members.of[c]; s != nil {
		s.groups = slices.DeleteFunc(slices.Clone(s.groups), func(g string) bool { return g == group })
	}
}

// stepMembers asks who is there.
func (w *world) stepMembers() {
	if slices.ContainsFunc(w.clients, func(c *client) bool { return c.updating > 0 }) {
		return
	}
	c := w.anyClient()
	group := w.groupName(w.rng.IntN(w.groups))
	want, ok := w.oracle.members.list(group)
	round := w.step
	answered := w.begin(&call{what: "members", client: c})
	c.conn.Members(group, func(list []shard.Member, err error) {
		if !answered() || w.excuse(err) || !ok || w.step != round {
			return
		}
		var got []string
		for _, m := range list {
			got = append(got, m.ClientID)
		}
		w.check(slices.Equal(got, want), "members", "group %s has %v, expected %v", group, got, want)
	})
	c.submit()
	w.advance(w.stepMax)
	for _, m := range w.oracle.members.of {
		if m.until < w.now-10 && slices.Contains(m.groups, group) {
			sometimes("member.expired")
		}
	}
}

// excuse judges an error that only a failed log or a stop may cause.
func (w *world) excuse(err error) bool {
	if err == nil {
		return false
	}
	code, _ := w.refusal(err)
	w.check(w.excused(code), "V1", "a call fails: %v", err)
	return true
}
