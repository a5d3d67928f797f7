package sim

import (
	"slices"

	"github.com/gantrymq/gantry/core/internal/shard"
)

// checkAttempt notes what a call with an attempt id was given. D11: repeated, it is
// given the same again, as long as all of that is as it was.
func (o *oracle) checkAttempt(c *call, holds []*hold, given []shard.Delivery) {
	w, r := o.w, c.receive
	a := r.attempt
	if a == nil {
		return
	}
	if r.again && a.stands(w, c) {
		var names []int64
		for i := range given {
			names = append(names, given[i].Receipt.PopTime)
		}
		same := len(holds) == len(a.given)
		for i, h := range holds { // the queues, and the message groups, may come in another order
			at := slices.Index(a.given, h)
			same = same && at >= 0 && a.popTime[at] == names[i]
		}
		w.check(same, "D11", "%v is repeated, and gets %d messages of %v; it had %d of %v",
			c, len(holds), names, len(a.given), a.popTime)
		sometimes("pop.replayed")
		if a.life != w.lives {
			sometimes("pop.replayed_after_restart")
		}
		return
	}
	*a = attempt{id: a.id, num: r.num, tags: r.tags, seen: w.now, given: holds, changed: w.end(), life: w.lives}
	for i := range given {
		a.popTime = append(a.popTime, given[i].Receipt.PopTime)
	}
	s := r.share
	s.attempts = slices.DeleteFunc(s.attempts, func(b *attempt) bool { return b == a })
	s.attempts = append(s.attempts, a)
	if len(s.attempts) > 16 { // the engine remembers some more
		s.attempts = s.attempts[1:]
	}
}

// stands tells whether all that an attempt was given is certainly as it was.
func (a *attempt) stands(w *world, c *call) bool {
	if a.dirty || len(a.given) == 0 || slices.ContainsFunc(a.given[0].cursor.share.group.filters, func(tags []string) bool { return tags != nil }) {
		return false // what a filter took out of the answer counts as settled
	}
	for i, h := range a.given {
		must, _ := h.cursor.share.ordered(a.seen)
		held := h.owner != nil || !w.mayExpire(&h.last, w.now)
		if !must || h.done != no || h.blur || h.pending > 0 || h.touched || h.freedBy != never || h.last.PopTime != a.popTime[i] || !held || h.slack() > 0 {
			return false
		}
	}
	return true
}

// replayed judges a message that is delivered once more under the name that it had.
func (o *oracle) replayed(c *call, h *hold, at *shard.Receipt) {
	w := o.w
	w.check(c.receive.again, "D10", "message %d is delivered again as %d, and the call is no repetition", h.m.id, at.PopTime)
	w.check(h.done != yes && (h.blur || h.last.PopTime == at.PopTime), "D11", "message %d is delivered again as %d, and was since as %d (done: %v)", h.m.id, at.PopTime, h.last.PopTime, h.done)
	w.check(h.blur || at.Attempt == h.attempt, "D11", "message %d is delivered again for the %d. time, it was the %d.", h.m.id, at.Attempt, h.attempt)
}
