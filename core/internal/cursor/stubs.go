package cursor

import (
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// ReadOffset returns where the search for new messages goes on: all below has
// been looked at.
func (c *Cursor) ReadOffset() model.Offset { return c.floor }

// ApplyPop folds leases in.
func (c *Cursor) ApplyPop(r *record.Pop) error { return nil }

// ApplyAck folds the end, or the change, of leases in.
func (c *Cursor) ApplyAck(r *record.Ack) error { return nil }

// Turns reports whether a record made by Turn must be applied before the next
// Plan: the group was not ordered and is now, or the other way round.
func (c *Cursor) Turns(fifo bool) bool { return false }

// Turn fills dst with the record that makes the cursor an ordered one, or none.
// It leases nothing.
func (c *Cursor) Turn(dst *record.Pop, fifo bool) {}

// Own says that an owner renews these leases, for as long as Alive says that it
// lives. It is not recorded: after a restart the deadlines count.
func (c *Cursor) Own(leases []Lease, owner uint16) {}

// Owned appends what an owner holds, in rising order. Its end is to be followed
// by an AckChange of all of these before the number is given to another.
func (c *Cursor) Owned(owner uint16, dst []model.Offset) []model.Offset { return dst }

// Outrun reports whether the queue's trim has overtaken the cursor, and nobody
// holds anything below min any more: then it is to be committed to min.
func (c *Cursor) Outrun(min model.Offset, now int64, alive func(uint16) bool) bool { return false }

// Ready reports whether something is due again now.
func (c *Cursor) Ready(now int64, alive func(uint16) bool) bool { return false }

// NextDue returns the earliest time at which Ready may become true: it is not
// earlier unless a record is applied or an owner ends.
func (c *Cursor) NextDue() (at int64, ok bool) { return 0, false }

// Check says what a receipt is worth.
func (c *Cursor) Check(offset model.Offset, popTime, now int64, alive func(uint16) bool) Verdict {
	return Stale
}

// Slot returns a message that is in flight or due again.
func (c *Cursor) Slot(offset model.Offset) (Slot, bool) { return Slot{}, false }

// Replay appends the leases that a call with this attempt id was given, if all
// of them are still as they were, and their PopTime.
func (c *Cursor) Replay(dst []Lease, attempt uint64, now int64, alive func(uint16) bool) (leases []Lease, popTime int64) {
	return dst, 0
}

// InFlight returns how many messages were delivered and are not done with.
func (c *Cursor) InFlight() int { return 0 }

// Waiting returns how many of those nobody holds: they are due again. It looks at all.
func (c *Cursor) Waiting(now int64, alive func(uint16) bool) int { return 0 }

// Locked returns how many message groups are locked. It looks at all.
func (c *Cursor) Locked(now int64, alive func(uint16) bool) int { return 0 }

// Each calls fn with the messages in flight, in rising order, until it says false.
func (c *Cursor) Each(fn func(model.Offset, Slot) bool) {}
