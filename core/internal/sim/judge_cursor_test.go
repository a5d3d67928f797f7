package sim

import (
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

type cursorID struct {
	group string
	queue queueID
}

// position is one state that a cursor may be in.
type position struct {
	set    bool
	offset int64
	reset  bool // no pull was told yet
}

// cursor is what the oracle knows of a group's progress in a queue: the states
// that it may be in now, and, from the last one that is certain to be in the log,
// those that it has been in: a crash may bring any of them back.
type cursor struct {
	id     cursorID
	now    []position
	past   []past
	moving bool // a call that moves it is under way
	pulls  int  // pulls of the group are under way
	asked  int  // questions about it are under way
}

// past is a state that the cursor has been in.
type past struct {
	positions []position
	firm      bool  // answered: it is in the log, below end
	end       int64 // of the log when it was answered
}

func (o *oracle) cursor(group string, queue queueID) *cursor {
	id := cursorID{group, queue}
	k := o.cursors[id]
	if k == nil {
		k = &cursor{id: id, now: []position{{}}}
		k.past = []past{{positions: k.now, firm: true}}
		o.cursors[id] = k
		o.cursorOrder = append(o.cursorOrder, k)
	}
	return k
}

// become moves the cursor to new states.
func (k *cursor) become(positions []position, firm bool, end int64) {
	k.now = positions
	if firm && end == 0 { // a restart has shown it
		k.past = nil
	}
	k.past = append(k.past, past{positions, firm, end})
}

// moved returns the states after a commit or a reset. D9: a commit does nothing
// while a reset waits for its pull.
func (k *cursor) moved(offset int64, reset bool) []position {
	var to []position
	for _, p := range k.now {
		if !p.reset || reset {
			p = position{true, offset, reset}
		} else {
			sometimes("reset.beats_commit")
		}
		if !slices.Contains(to, p) {
			to = append(to, p)
		}
	}
	return to
}

// committed judges the answer to a commit.
func (o *oracle) committed(k *cursor, offset int64, reset bool, err error) {
	w := o.w
	k.moving = false
	if err != nil {
		code, definite := w.refusal(err)
		w.check(w.excused(code), "V1", "a commit fails: %v", err)
		if !definite {
			k.perhaps(offset, reset)
		}
		return
	}
	w.check(!w.disk.failed, "L9", "a commit is acknowledged after a failed call")
	end := w.end()
	if w.flush == model.Synced {
		end = 1 // the next power cut must not take it, whatever the disk holds now
	}
	k.become(k.moved(offset, reset), true, end)
}

// perhaps: the move took place or not.
func (k *cursor) perhaps(offset int64, reset bool) {
	k.moving = false
	k.become(union(k.now, k.moved(offset, reset)), false, 0)
}

func union(a, b []position) []position {
	all := slices.Clone(a)
	for _, p := range b {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// oneWay: no answer comes; the move may be lost for a second.
func (k *cursor) oneWay(offset int64) { k.become(k.moved(offset, false), false, 0) }

// mayPull tells whether a pull of the group can be judged now.
func (k *cursor) mayPull(w *world) bool { return !k.moving && k.pulls == 0 && k.asked == 0 }

// resets tells whether a reset may be waiting for its pull, and whether one must.
func (k *cursor) resets() (may, must bool) {
	must = true
	for _, p := range k.now {
		may = may || p.reset
		must = must && p.reset
	}
	return may, must
}

// tookReset tells whether the answer to a group's pull was a reset. D9: as long as
// a reset waits, the pull that begins is told it, and no other ever is.
func (o *oracle) tookReset(p *pullCall, r *shard.Records) bool {
	k := o.cursor(p.group, p.queue.id)
	var told, untold []position
	for _, at := range k.now {
		if at.reset && r.Status == shard.PullOffsetMoved && at.offset == int64(r.Next) {
			told = append(told, position{true, at.offset, false})
		} else if !at.reset {
			untold = append(untold, at)
		}
	}
	if p.resetOnly || len(told) > 0 && len(untold) == 0 {
		o.w.check(len(told) > 0, "D9", "group %s has a reset in %v, and its pull is told %d, %d", p.group, p.queue.id, r.Status, r.Next)
	}
	outside := p.offset > int64(r.Max) && r.Next == r.Max || p.offset < int64(r.Min) && r.Next == r.Min
	if len(told) > 0 && len(untold) > 0 && outside {
		k.become(union(told, untold), false, 0) // it may have been told where the queue ends
		return false
	}
	if len(told) > 0 {
		sometimes("reset.taken")
		k.become(told, false, 0)
		return true
	}
	if len(untold) > 0 {
		k.now = untold
	}
	return false
}

// checkCommitted judges a committed offset.
func (o *oracle) checkCommitted(k *cursor, info shard.OffsetInfo) {
	w := o.w
	if k.moving || k.asked > 0 || k.pulls > 0 {
		return
	}
	var left []position
	for _, p := range k.now {
		if p.set == (info.Err == nil) && (!p.set || p.offset == int64(info.Offset)) {
			left = append(left, p)
		}
	}
	if info.Err != nil {
		code, _ := w.refusal(info.Err)
		w.check(code == model.OffsetNotFound, "answer", "committed offset: %v", info.Err)
	}
	w.check(len(left) > 0, "D9", "group %s has offset %d (%v) in %v, it may have %v", k.id.group, info.Offset, info.Err, k.id.queue, k.now)
	k.now = left
}

// death has the cursor be in any state that the log may hold, which is certainly
// there up to an LSN.
func (k *cursor) death(durable int64) {
	from := 0
	for i, p := range k.past {
		if p.firm && p.end <= durable {
			from = i
		}
	}
	k.now = nil
	for _, past := range k.past[from:] {
		for _, p := range past.positions {
			if !slices.Contains(k.now, p) {
				k.now = append(k.now, p)
			}
		}
	}
	if len(k.now) > 1 {
		sometimes("commit.at_risk")
	}
	k.moving, k.pulls, k.asked = false, 0, 0
}

// inspected: the state after a restart is the one in the log.
func (k *cursor) inspected() { k.become(k.now, true, 0) }

// checkByTime judges a search by time among the messages that are known.
func (o *oracle) checkByTime(q *queue, at int64, upper bool, got, mustSee int64) {
	w := o.w
	for offset, m := range q.at {
		if m.lost || offset < q.min || offset >= mustSee {
			continue
		}
		switch {
		case !upper && m.stored >= at:
			w.check(got <= offset, "L4", "the first of %v at %d or later is %d, message %d is at %d", q.id, at, got, m.id, offset)
		case !upper:
			w.check(got > offset, "L4", "the first of %v at %d or later is %d, that of message %d of %d", q.id, at, got, m.id, m.stored)
		case m.stored <= at:
			w.check(got >= offset, "L4", "the last of %v at %d or earlier is %d, message %d is at %d", q.id, at, got, m.id, offset)
		case got == offset && got > q.min:
			w.fail("L4", "the last of %v at %d or earlier is %d: message %d of %d", q.id, at, got, m.id, m.stored)
		}
	}
}
