package waltest

import (
	"fmt"
	"slices"

	"github.com/gantrymq/gantry/core/wal"
)

// testPipeline appends without waiting: all becomes written in its order, and an
// orderly Close leaves nothing behind.
func testPipeline(r *run) {
	r.start(0)
	var want []string
	for i := range 200 {
		var flags uint16
		if i%40 == 0 {
			flags = segmentStart
		}
		want = append(want, fmt.Sprint("frame ", i))
		r.hand(flags, want[i])
		if i == 120 {
			r.written()
		}
	}
	end := r.next
	r.close(true)
	r.start(0)
	if !r.got.Clean || r.got.End != end {
		r.t.Errorf("after a close with frames under way: %+v, want clean, End %d", r.got, end)
	}
	r.wantFrames(want)
}

// testKillInPipeline: what was written is there, and of the rest what is there is a
// beginning.
func testKillInPipeline(r *run) {
	r.start(0)
	var names []string
	for round := range 8 {
		var ends []wal.LSN
		known := len(names)
		for i := range 20 {
			var flags uint16
			if len(names) == 0 || i == 7 {
				flags = segmentStart
			}
			names = append(names, fmt.Sprint("round ", round, " frame ", i))
			r.hand(flags, names[len(names)-1])
			ends = append(ends, r.next)
		}
		written, _, err := r.log.Progress()
		if err != nil {
			r.t.Fatal(err)
		}
		kept, _ := slices.BinarySearch(ends, written+1)
		r.kill()
		r.start(0)
		if n := len(r.found); n < known+kept || n > len(names) {
			r.t.Fatalf("%d frames after a kill; %d were written, %d handed in", n, known+kept, len(names))
		}
		names = names[:len(r.found)]
		r.wantFrames(names)
	}
}
