package cursor

import (
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
)

// Own says that an owner renews these leases, for as long as Alive says that it
// lives. It is not recorded: after a restart the deadlines count.
func (c *Cursor) Own(leases []Lease, owner uint16) {
	if c.w == nil {
		return
	}
	for i := range leases {
		if s := c.w.slot(leases[i].Offset); s != nil {
			s.owner = owner
		}
	}
}

// Owned appends what an owner holds, in rising order. Its end is to be followed
// by an AckChange of all of these before the number is given to another.
func (c *Cursor) Owned(owner uint16, dst []model.Offset) []model.Offset {
	if c.w == nil {
		return dst
	}
	c.w.each(func(offset model.Offset, s *slot, _ bool) bool {
		if s.owner == owner {
			dst = append(dst, offset)
		}
		return true
	})
	return dst
}

// Outrun reports whether the queue's trim has overtaken the cursor, and nobody
// holds anything below min any more: then it is to be committed to min.
func (c *Cursor) Outrun(min model.Offset, now int64, alive func(uint16) bool) bool {
	if c.floor >= min {
		return false
	}
	free := true
	if c.w != nil {
		c.w.each(func(offset model.Offset, s *slot, acked bool) bool {
			free = offset >= min || acked || s.over(now, alive)
			return free && offset < min
		})
	}
	return free
}

// Ready reports whether something is due again now.
func (c *Cursor) Ready(now int64, alive func(uint16) bool) bool {
	if c.w == nil {
		return false
	}
	c.w.settle(now, alive)
	return len(c.w.ready) > 0
}

// NextDue returns the earliest time at which Ready may become true: it is not
// earlier unless a record is applied or an owner ends.
func (c *Cursor) NextDue() (at int64, ok bool) {
	if c.w == nil {
		return 0, false
	}
	return c.w.nextDue()
}

// Check says what a receipt is worth. Once a message's deadline has passed its
// receipt is stale, whether or not it was delivered again.
func (c *Cursor) Check(offset model.Offset, popTime, now int64, alive func(uint16) bool) Verdict {
	if offset < c.floor {
		return Done
	}
	if c.w == nil {
		return Stale
	}
	s := c.w.slot(offset)
	switch {
	case s == nil && c.w.done(offset):
		return Done
	case s == nil || s.popTime != popTime:
		return Stale
	case c.w.acked(offset):
		return Done
	case s.over(now, alive):
		return Stale
	}
	return Current
}

// Slot returns a message that is in flight or due again.
func (c *Cursor) Slot(offset model.Offset) (Slot, bool) {
	if c.w == nil {
		return Slot{}, false
	}
	s := c.w.slot(offset)
	if s == nil {
		return Slot{}, false
	}
	return s.show(c.w.acked(offset)), true
}

func (s *slot) show(acked bool) Slot {
	return Slot{
		PopTime: s.popTime, Deadline: s.deadline, FirstPop: s.firstPop,
		Attempt: int32(s.attempt), Key: s.key, Owner: s.owner, Acked: acked,
	}
}

// over reports whether nobody holds the message any more.
func (s *slot) over(now int64, alive func(uint16) bool) bool {
	return s.deadline <= now && (s.owner == 0 || alive == nil || !alive(s.owner))
}

// Replay appends the leases that a call with this attempt id was given, if all
// of them are still as they were, and returns their PopTime; 0 if there are none.
func (c *Cursor) Replay(dst []Lease, attempt uint64, now int64, alive func(uint16) bool) (leases []Lease, popTime int64) {
	if c.w == nil || c.w.fifo == nil || attempt == 0 {
		return dst, 0
	}
	for _, a := range slices.Backward(c.w.fifo.attempts) {
		if a.hash == attempt {
			return c.w.replay(dst, &a, now, alive)
		}
	}
	return dst, 0
}

func (w *window) replay(dst []Lease, a *attempt, now int64, alive func(uint16) bool) (leases []Lease, popTime int64) {
	n := len(dst)
	for _, offset := range a.offsets {
		s := w.slot(offset)
		if s.over(now, alive) {
			return dst[:n], 0
		}
		dst = append(dst, Lease{Offset: offset, Key: s.key, Attempt: int32(s.attempt), FirstPop: s.firstPop})
	}
	return dst, a.popTime
}

// InFlight returns how many messages were delivered and are not done with.
func (c *Cursor) InFlight() int {
	if c.w == nil {
		return 0
	}
	return c.w.live
}

// Waiting returns how many of those nobody holds: they are due again. It looks at all.
func (c *Cursor) Waiting(now int64, alive func(uint16) bool) (n int) {
	if c.w == nil {
		return 0
	}
	c.w.each(func(_ model.Offset, s *slot, acked bool) bool {
		if !acked && s.over(now, alive) {
			n++
		}
		return true
	})
	return n
}

// Locked returns how many message groups are locked. It looks at all.
func (c *Cursor) Locked(now int64, alive func(uint16) bool) (n int) {
	if c.w == nil || c.w.fifo == nil {
		return 0
	}
	for id := range c.w.fifo.keys { // counted, so in any order
		if c.w.locked(id, now, alive) {
			n++
		}
	}
	return n
}

func (w *window) locked(id uint32, now int64, alive func(uint16) bool) bool {
	at, _, ok := w.whenKey(id)
	return ok && (at > now || alive != nil && w.holderOfKey(id, alive) != 0)
}

// Each calls fn with the messages in flight, in rising order, until it says false.
func (c *Cursor) Each(fn func(model.Offset, Slot) bool) {
	if c.w == nil {
		return
	}
	c.w.each(func(offset model.Offset, s *slot, acked bool) bool { return fn(offset, s.show(acked)) })
}
