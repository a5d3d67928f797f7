package sim

import (
	"slices"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

func (w *world) drawGroup() *popGroup {
	if s := w.drawShare(); s != nil {
		return s.group
	}
	return nil
}

// stepPutGroup makes a group, or changes its settings.
func (w *world) stepPutGroup() {
	g := w.drawGroup()
	if g == nil {
		return
	}
	config := model.GroupConfig{Name: g.name, MaxAttempts: pick(w.rng, w.attempts...), Attributes: map[string]string{"round": "x"}}
	config.Order = g.configs[len(g.configs)-1].Order
	if w.ordering {
		config.Order = model.GroupOrder(w.rng.IntN(3))
	}
	if g.id == 0 {
		config.From = model.StartFrom(w.rng.IntN(2))
	} else {
		config.From = g.configs[len(g.configs)-1].From
	}
	config.Disabled = w.rng.IntN(10) == 0
	config.Backoff = model.Backoff{Steps: []time.Duration{time.Second}}
	w.putGroup(g, config)
}

func (w *world) putGroup(g *popGroup, config model.GroupConfig) {
	c, life := w.anyClient(), g.life
	mine := len(g.configs)
	g.configs = append(g.configs, popConfig{config, never})
	asked := w.now
	g.stir(w)
	answered := w.begin(&call{what: "put group", client: c})
	c.conn.Admin(shard.PutGroup{Config: config}, func(err error) {
		if !answered() || g.life != life {
			return
		}
		g.stir(w)
		if err != nil {
			if _, definite := w.refusal(err); !w.excuse(err) || definite {
				g.configs[mine].until = min(g.configs[mine].until, w.now)
			}
			return
		}
		w.check(!w.disk.failed, "L9", "a group is made after a failed call")
		for i := range mine { // what was asked for before
			g.configs[i].until = min(g.configs[i].until, w.now)
		}
		if g.configs[mine].Order != g.configs[max(mine-1, 0)].Order && g.inFlight() {
			sometimes("pop.order_turned")
		}
		w.note("group", uint64(w.now-asked))
	})
	c.submit()
}

// stir notes that a group is not what it was.
func (g *popGroup) stir(w *world) {
	for _, s := range g.order {
		s.disturb(w, 10)
	}
}

func (g *popGroup) inFlight() bool {
	for _, s := range g.order {
		for _, k := range s.cursors {
			for _, h := range k.holds {
				if h.done == no && h.first != 0 {
					return true
				}
			}
		}
	}
	return false
}

// stepDeleteGroup deletes a group, once nothing but waiting calls is under way.
func (w *world) stepDeleteGroup() {
	g := w.drawGroup()
	if g == nil || !w.popSwarm.deletes || g.id == 0 || !w.quiesce() {
		return
	}
	for _, c := range w.calls {
		if c.receive != nil && c.receive.share.group == g {
			c.receive.deleted = true
		}
	}
	c := w.anyClient()
	g.busy = true
	answered := w.begin(&call{what: "delete group", client: c, unknown: func() { g.gone(true) }})
	c.conn.Admin(shard.DeleteGroup{Name: g.name}, func(err error) {
		if !answered() {
			return
		}
		if err != nil {
			code, _ := w.refusal(err)
			w.check(w.excused(code) || code == model.GroupNotFound && w.oracle.lostGroups, "V1", "a group is not deleted: %v", err)
			g.gone(true)
			return
		}
		w.check(!w.disk.failed, "L9", "a group is deleted after a failed call")
		sometimes("pop.group_deleted")
		g.gone(false)
	})
	c.submit()
}

// gone begins another life of the group; doubt tells that it may be the old one.
func (g *popGroup) gone(doubt bool) {
	g.life++
	old := g.configs
	g.begin()
	if g.busy, g.doubt = false, doubt; doubt {
		g.configs = append(old, g.configs...)
		g.filters = [][]string{{"none"}, nil}
	}
}

// stepPopCommit moves a cursor of a group that receives, forward or back. D9: a reset
// wins over what was before.
func (w *world) stepPopCommit() {
	s := w.drawShare()
	if s == nil || !w.rewinds || w.busyShare(s) && w.rng.IntN(4) > 0 {
		return
	}
	k := s.cursor(w.oracle, w.drawQueue(s.topic))
	if k.moving {
		return
	}
	offset := w.drawOffset(k.queue, false)
	if w.rng.IntN(3) == 0 {
		k.advance()
		offset = min(k.queue.top, k.low+w.rng.Int64N(4))
	}
	m := &popMove{cursor: k, to: offset, reset: w.rng.IntN(3) == 0, life: s.group.life, sure: !w.busyShare(s)}
	m.floor, m.known = k.floor(w)
	m.begin(w)
	c := w.anyClient()
	call := &call{what: "pop commit", client: c, share: s, unknown: func() { k.moving = false }}
	answered := w.begin(call)
	c.conn.Commit([]shard.CursorOffset{{
		Group: s.group.name, Queue: model.Queue{Topic: s.topic.id, Num: k.queue.id.num}, Offset: model.Offset(offset), Reset: m.reset,
	}}, func(err error) {
		if answered() {
			m.answered(w, err)
		}
	})
	c.submit()
}

// stepPopPull pulls for a group that receives: that is how it is told a reset.
func (w *world) stepPopPull() {
	s := w.drawShare()
	if s == nil {
		return
	}
	k := s.cursor(w.oracle, w.drawQueue(s.topic))
	if k.moving || k.pulling || slices.ContainsFunc(w.calls, func(c *call) bool { return c.share == s }) {
		return
	}
	c := w.anyClient()
	before := k.reset
	k.pulling, k.reset = true, min(k.reset, maybe)
	s.version++
	call := &call{what: "pop pull", client: c, share: s, unknown: func() { k.pulling = false }}
	answered := w.begin(call)
	life := s.group.life
	asked := k.queue.top
	c.conn.Pull(shard.Pull{
		Queue: model.Queue{Topic: s.topic.id, Num: k.queue.id.num}, Group: s.group.name, Offset: model.Offset(asked), MaxMessages: 1,
	}, func(r *shard.Records, err error) {
		if !answered() {
			return
		}
		k.pulling = false
		s.version++
		if err != nil {
			code, _ := w.refusal(err)
			disabled := code == model.NoPermission && s.group.mayBeDisabled(call.at)
			w.check(disabled || w.excused(code) || code == model.Internal && w.io && !w.quiet || s.group.life != life, "V1", "%v fails: %v", call, err)
			k.reset = before
			return
		}
		outside := asked > int64(r.Max) && r.Next == r.Max || asked < int64(r.Min) && r.Next == r.Min
		told := r.Status == shard.PullOffsetMoved && !outside
		w.check(before != yes || r.Status == shard.PullOffsetMoved || s.group.life != life, "D9", "group %s has a reset, and its pull is not told (%d, %d)", s.group.name, r.Status, r.Next)
		w.check(before != no || !told || s.group.doubt || s.group.life != life, "D9", "group %s has no reset, and its pull at %d is told %d", s.group.name, asked, r.Next)
		if k.reset = no; before == yes {
			sometimes("pop.reset_taken")
		}
		k.resetEnd = w.end()
		r.Release()
	})
	c.submit()
}
