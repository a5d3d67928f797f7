package sim

import "github.com/gantrymq/gantry/core/internal/shard"

// popMove is a commit or a reset of a cursor whose messages are received one by one.
type popMove struct {
	cursor *popCursor
	to     int64
	reset  bool
	life   int
	sure   bool  // nothing else is under way in the share
	floor  int64 // where the cursor was, if that is known
	known  bool
	held   certainty // a reset may hold the commit off
}

// floor returns where a cursor certainly is.
func (k *popCursor) floor(w *world) (at int64, known bool) {
	if k.begun != yes || k.ghosts > 0 {
		return 0, false
	}
	k.advance()
	m := k.queue.at[k.low]
	if m == nil {
		return 0, false
	}
	h := k.holds[m.offset]
	known = h != nil && h.done == no && h.first != 0 && h.pending == 0 && !h.mayBeDead(w) && !h.mayBePassed(w) || h == nil && k.owes(m)
	return k.low, known
}

// begin: from now on the move may have taken place.
func (m *popMove) begin(w *world) {
	k := m.cursor
	m.held = k.reset
	w.note("pop move", uint64(k.share.topic.id), uint64(k.queue.id.num), uint64(m.to), uint64(m.floor), uint64(k.share.group.id))
	k.moving = true
	k.share.disturb(w, 10)
	k.from = min(k.from, m.to)
	k.low, k.unsure = min(k.low, m.to), max(k.unsure, m.to)
	for _, h := range k.holds {
		h.fog()
		h.rewound = true
	}
	for _, a := range k.share.attempts {
		a.dirty = true
	}
	if m.reset {
		k.reset = max(k.reset, maybe)
	}
}

// answered judges the answer, and what is known by it.
func (m *popMove) answered(w *world, err error) {
	k := m.cursor
	k.moving = false
	w.note("pop moved", uint64(k.share.topic.id), uint64(k.queue.id.num), uint64(m.to), uint64(codeOf(err)))
	k.share.disturb(w, w.popBound())
	if err != nil {
		w.excuse(err)
		return
	}
	if m.life != k.share.group.life {
		return
	}
	w.check(!w.disk.failed, "L9", "a commit is acknowledged after a failed call")
	switch {
	case m.reset:
		if k.reset = maybe; m.sure {
			k.reset, k.resetEnd = yes, w.end()
		}
	case m.held == yes:
		sometimes("pop.reset_beats_commit")
		return
	case m.held == maybe:
		return
	}
	k.begun, k.begunEnd, k.begunAt, k.owed = yes, w.end(), w.now, 0
	k.from, k.unsure = m.to, m.to
	if k.ghosts > 0 || !m.sure {
		return
	}
	for _, h := range k.holds {
		switch {
		case h.m.offset < m.to:
		case m.reset || m.known && m.to < m.floor:
			m.rewind(w, h)
		}
	}
}

// rewind: the message is the group's again, from its first attempt on.
func (m *popMove) rewind(w *world, h *hold) {
	if h.changed == w.end() && h.seen == w.now || h.seen > h.cursor.share.restless {
		return
	}
	if h.blur && h.pending == 0 {
		sometimes("pop.rewound")
		*h = hold{m: h.m, cursor: h.cursor, names: h.names, freedBy: never, rewound: true, ghosts: h.cursor.ghosts, changed: w.end()}
		h.changes()
	}
}

// stepProgress asks how far a group is, and has the answer judged.
func (w *world) stepProgress() {
	s := w.drawShare()
	if s == nil {
		return
	}
	c := w.anyClient()
	version, quiet, life := s.version, !w.busyShare(s), s.group.life
	answered := w.begin(&call{what: "progress", client: c})
	c.conn.Progress(shard.GroupQuery{Group: s.group.name, Topic: s.topic.name, InFlight: 1000}, func(all []shard.Progress, err error) {
		if !answered() {
			return
		}
		if err != nil {
			w.check(s.group.id == 0 || w.excused(codeOf(err)) || s.group.life != life || w.oracle.lostGroups, "V1", "progress of group %s: %v", s.group.name, err)
			return
		}
		if quiet && version == s.version && life == s.group.life && !s.group.doubt {
			for i := range all {
				s.checkProgress(w, &all[i])
			}
		}
	})
	c.submit()
}

// checkProgress: D6, the floor is at the first message that is not done with, and what
// is in flight is what was delivered and is not done with.
func (s *share) checkProgress(w *world, p *shard.Progress) {
	k := s.cursor(w.oracle, p.Queue.Num)
	if k.begun != yes || k.moving || k.ghosts > 0 || s.restless > w.now {
		return
	}
	flight, fog, first := 0, false, int64(never)
	for _, offset := range k.offsets() {
		h := k.holds[offset]
		if h.first == 0 || h.done == yes || h.m.offset < k.from {
			continue
		}
		fog = fog || h.blur || h.done == maybe || h.pending > 0 || h.mayBeDead(w) || h.mayBePassed(w) || h.m.expired || h.m.lost || offset < int64(p.Min)
		flight++
		if h.done == no {
			first = min(first, offset)
		}
	}
	if fog {
		return
	}
	sometimes("pop.progress")
	w.check(p.InFlight == flight, "D6", "group %s has %d messages of %v in flight, and says %+v", s.group.name, flight, k.queue.id, *p)
	w.check(int64(p.Floor) <= first, "D6", "group %s is at %d of %v, and message at %d is not done with", s.group.name, p.Floor, k.queue.id, first)
	if first != never && first >= k.queue.min && k.share.owesNothingBelow(k, first) {
		w.check(int64(p.Floor) == first, "D6", "group %s is at %d of %v, and all is done with up to %d", s.group.name, p.Floor, k.queue.id, first)
	}
	for i := range p.Messages {
		got := &p.Messages[i]
		h := k.holds[int64(got.Offset)]
		w.check(h != nil && got.Attempt == h.attempt && (got.PopTime == h.last.PopTime || h.freedBy != never), "D6", "group %s: message at %d of %v is %+v in flight, expected %+v",
			s.group.name, got.Offset, k.queue.id, *got, h)
	}
	if p.Locked > 0 && p.InFlight > 0 {
		sometimes("pop.locked")
	}
	if len(p.Messages) > 100 {
		sometimes("pop.flight>100")
	}
}

// owesNothingBelow tells whether every message below an offset was delivered and is
// done with.
func (s *share) owesNothingBelow(k *popCursor, to int64) bool {
	k.advance()
	return k.low >= to
}
