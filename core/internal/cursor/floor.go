package cursor

import (
	"encoding/binary"
	"errors"
	"math"

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

// AppendImage appends what a snapshot keeps of the cursor.
func (c *Cursor) AppendImage(b []byte) []byte {
	flags := byte(0)
	if c.reset {
		flags = 1
	}
	return binary.AppendUvarint(append(b, flags), uint64(c.floor))
}

// DecodeImage is the inverse of AppendImage.
func DecodeImage(b []byte) (Cursor, error) {
	if len(b) < 2 || b[0] > 1 {
		return Cursor{}, errImage
	}
	floor, n := binary.Uvarint(b[1:])
	if n != len(b)-1 || floor > math.MaxInt64 {
		return Cursor{}, errImage
	}
	return Cursor{floor: model.Offset(floor), reset: b[0] == 1}, nil
}

var errImage = errors.New("malformed image of a cursor")
