package waltest

import (
	"fmt"

	"github.com/gantrymq/gantry/core/wal"
)

// elsewhere returns a run on another machine that reaches the same log.
func (r *run) elsewhere() *run {
	other := newRun(r.t, r.f, &Machine{Start: r.m.Elsewhere, Step: r.m.Step})
	other.time = r.time
	return other
}

// deposed waits until the log says that it is not the owner's any more.
func (r *run) deposed() {
	r.t.Helper()
	r.wait("the log has failed", func() bool {
		_, _, err := r.log.Progress()
		return err != nil
	})
}

// testTakeOver: once another owner has recovered the log, the first one gets nothing
// acknowledged, and what it still writes is in nobody's log.
func testTakeOver(r *run) {
	r.start(0)
	r.append(segmentStart, "a")
	r.append(0, "b")
	kept := r.next

	b := r.elsewhere()
	b.start(0)
	b.wantFrames([]string{"a", "b"})
	if b.got.Clean || b.got.End != kept {
		r.t.Errorf("after a take-over: %+v, want unclean, End %d", b.got, kept)
	}
	b.append(0, "c of the new owner")
	for i := range 3 {
		if err := r.log.Append(r.next, Frame(r.next, r.time+1, 0, fmt.Append(nil, "zombie ", i))); err != nil {
			break // it may know by now
		}
		r.next += wal.LSN(wal.HeaderSize + len("zombie 0"))
	}
	r.deposed()
	if written, durable, _ := r.log.Progress(); written != kept || durable != kept {
		r.t.Errorf("an owner that was replaced has %d written, %d durable; it was %d before", written, durable, kept)
	}
	if err := r.log.Append(r.next, Frame(r.next, r.time+1, 0, nil)); err == nil {
		r.t.Error("an owner that was replaced takes a frame")
	}
	b.append(segmentStart, "d of the new owner")
	if err := r.log.Close(true); err == nil {
		r.t.Error("an owner that was replaced closes in order")
	}
	b.close(true)

	r.start(0)
	if !r.got.Clean {
		r.t.Error("the zombie has taken the new owner's clean mark away")
	}
	r.wantFrames([]string{"a", "b", "c of the new owner", "d of the new owner"})
}

// testTakeOverAndBack: two machines take the log from one another; each finds all
// that the other had written.
func testTakeOverAndBack(r *run) {
	var names []string
	epoch := uint32(0)
	for i := range 6 {
		owner := r
		if i%2 == 1 {
			owner = r.elsewhere()
		}
		owner.start(0)
		owner.wantFrames(names)
		var flags uint16
		if i == 0 {
			flags = segmentStart
		}
		names = append(names, fmt.Sprint("owner ", i))
		h := wal.ParseHeader(owner.append(flags, names[i]))
		if h.Epoch <= epoch {
			r.t.Errorf("owner %d has epoch %d after %d", i, h.Epoch, epoch)
		}
		epoch = h.Epoch
		if i%3 == 0 {
			owner.close(true)
		} else {
			owner.close(false)
		}
	}
}

// testTakeOverOfParts: parts are where the log is.
func testTakeOverOfParts(r *run) {
	r.start(0)
	r.put("a", "one")
	r.put("b", "two")
	r.put("a", "three")
	if err := r.log.Parts().Delete("b"); err != nil {
		r.t.Fatal(err)
	}
	b := r.elsewhere()
	b.start(0)
	b.wantParts("", "a")
	b.wantPart("a", "three")
	b.put("a", "four")
	b.close(true)
	r.powerCut(1)
	r.start(0)
	r.wantParts("", "a")
	r.wantPart("a", "four")
}
