package cursor

import (
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// Cursor is the progress of a group in a queue: all messages below the floor
// are done with. Of those above, the window knows.
type Cursor struct {
	floor model.Offset
	w     *window // nil: nothing is known but the floor
	reset bool    // a reset that no pull has been told yet
}

// Floor returns the committed offset: the first message that is not done with.
func (c *Cursor) Floor() model.Offset { return c.floor }

// ReadOffset returns where the search for new messages goes on: all below has
// been looked at, or is remembered to be.
func (c *Cursor) ReadOffset() model.Offset {
	if c.w == nil {
		return c.floor
	}
	return c.w.read
}

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

// Apply folds a commit or a reset in. All below is done with. What is not is
// forgotten by a reset and by a commit that goes back: those messages are
// delivered from their first attempt on, and receipts of theirs are stale.
func (c *Cursor) Apply(r *record.Offset) {
	c.reset = r.Op == record.OffsetReset
	if c.w == nil || c.reset || r.Offset < c.floor {
		c.floor = r.Offset
		c.release()
		return
	}
	c.commit(r.Offset)
}

func (c *Cursor) commit(to model.Offset) {
	w := c.w
	if w.fifo != nil {
		w.forgetKeys(to)
	}
	w.forget(to)
	w.read, w.exact = max(w.read, to), max(w.exact, to)
	c.floor = to
	if w.fifo != nil {
		w.cascadeKeys()
	}
	c.rise()
}

// rise moves the floor after a change, and drops a window that says nothing more
// than it.
func (c *Cursor) rise() {
	w := c.w
	if w.fifo != nil {
		w.remindKeys()
	}
	if exact := w.limit(); exact > w.exact {
		w.pass(w.exact, exact, c.floor)
		w.exact = exact
	}
	c.floor = w.advance(c.floor)
	if w.idle() {
		c.floor = w.read
		c.release()
	}
}

func (c *Cursor) release() {
	if c.w != nil {
		c.w.mem.keepWindow(c.w)
		c.w = nil
	}
}

// limit returns how far everything is known.
func (w *window) limit() model.Offset {
	limit := w.read
	if w.fifo != nil {
		for _, id := range w.fifo.resumed {
			limit = min(limit, w.fifo.keys[id].resume)
		}
	}
	return limit
}

// idle reports whether all that was looked at is done with, and nothing else.
func (w *window) idle() bool {
	if w.live > 0 || w.fifo != nil && len(w.fifo.keys) > 0 {
		return false
	}
	list := w.list()
	if len(list) == 0 {
		return true
	}
	last := list[len(list)-1]
	if last.num != numOf(w.exact) || last.run > 0 {
		return firstOf(last.end()) <= w.exact
	}
	return last.done&^below(w.exact) == 0
}
