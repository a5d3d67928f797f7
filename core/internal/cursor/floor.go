package cursor

import (
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// Cursor is the progress of a group in a queue: all messages below the floor
// are done with.
type Cursor struct {
	floor model.Offset
	reset bool // a reset that no pull has been told yet
}

// Floor returns the committed offset.
func (c *Cursor) Floor() model.Offset { return c.floor }

// PendingReset reports whether the next pull is to be told the floor instead of
// what it asks for.
func (c *Cursor) PendingReset() bool { return c.reset }

// Accepts reports whether a client's commit counts: not while a reset waits for
// its pull, because the client does not know of it yet. Going back is allowed,
// tools rewind in this way.
func (c *Cursor) Accepts(op record.OffsetOp) bool {
	switch op {
	case record.OffsetCommit:
		return !c.reset
	case record.OffsetTaken:
		return c.reset
	}
	return true
}

// Apply folds a record in.
func (c *Cursor) Apply(r *record.Offset) {
	c.floor = r.Offset
	c.reset = r.Op == record.OffsetReset
}
