package cursor

import (
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

func TestResetHoldsOlderCommitsOff(t *testing.T) {
	var c Cursor
	steps := []struct {
		op      record.OffsetOp
		offset  int64
		accepts bool
	}{
		{record.OffsetCommit, 10, true},
		{record.OffsetTaken, 10, false}, // nothing is pending
		{record.OffsetCommit, 7, true},  // tools rewind by a commit
		{record.OffsetReset, 3, true},
		{record.OffsetCommit, 11, false}, // by a client that does not know
		{record.OffsetReset, 4, true},
		{record.OffsetTaken, 4, true},
		{record.OffsetCommit, 5, true},
	}
	want := int64(0)
	for i, s := range steps {
		if got := c.Accepts(s.op); got != s.accepts {
			t.Fatalf("step %d: accepts = %v", i, got)
		}
		if s.accepts {
			c.Apply(&record.Offset{Op: s.op, Offset: model.Offset(s.offset)})
			want = s.offset
		}
		if int64(c.Floor()) != want {
			t.Fatalf("step %d: floor %d, want %d", i, c.Floor(), want)
		}
	}
}
