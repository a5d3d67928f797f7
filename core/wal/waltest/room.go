package waltest

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"syscall"
	"time"

	"github.com/gantrymq/gantry/core/wal"
)

func testRoom(r *run) {
	r.start(0)
	if room := r.room(); room != 0 {
		r.t.Fatalf("an empty log has room for %d bytes", room)
	}
	r.log.Prepare()
	if _, preparing := r.log.Room(); r.m.Step != nil && !preparing {
		r.t.Error("Prepare was called, and nothing is being prepared")
	}
	r.prepare()
	segment := r.room()
	r.prepare() // there is one
	r.wantRoom(segment)
	r.wantRoom(segment - int64(len(r.append(segmentStart, "takes the spare one"))))
	before := r.room()
	r.prepare()
	r.wantRoom(before + segment)
	before = r.room()
	n := len(r.append(0, "in its room"))
	r.wantRoom(before - int64(n))
	r.flush()
	r.wantRoom(segment - int64(len(r.append(segmentStart, "next"))))
	r.prepare()
	before = r.room()
	r.close(true)
	if room := r.room(); room != 0 {
		r.t.Errorf("a closed log has room for %d bytes", room)
	}
	r.start(0)
	r.wantRoom(before)
	r.wantFrames([]string{"takes the spare one", "in its room", "next"})

	// Without a spare one a segment is made when it is begun.
	r.append(segmentStart, "the spare one again")
	n = len(r.append(segmentStart, "made anew"))
	r.wantRoom(segment - int64(n))
	r.close(false)
	r.start(0)
	r.wantRoom(segment - int64(n))
}

// testEndlessRoom: an owner that watches the room never finds too little.
func testEndlessRoom(r *run) {
	r.start(0)
	r.prepare()
	for i := range 3 {
		r.append(segmentStart, fmt.Sprint(i))
		if room, preparing := r.log.Room(); room != math.MaxInt64 || preparing {
			r.t.Errorf("Room: %d, %v", room, preparing)
		}
	}
	r.close(true)
	r.log.Prepare()
}

func (r *run) wantRoom(want int64) {
	r.t.Helper()
	if got := r.room(); got != want {
		r.t.Fatalf("Room: %d, want %d", got, want)
	}
}

// fillSegment appends frames while there is room, but for keep bytes.
func (r *run) fillSegment(keep int64) (payloads []string) {
	r.t.Helper()
	for {
		p := fmt.Sprint(len(payloads), strings.Repeat(" data", 1500))
		if r.room()-keep < int64(len(p)+wal.HeaderSize) {
			return payloads
		}
		r.append(0, p)
		r.flush()
		payloads = append(payloads, p)
	}
}

// testFullDisk: on a full disk all of Room can be used, a part finds no room, and
// a trim makes some.
func testFullDisk(r *run) {
	r.start(0)
	r.prepare()
	segment := r.room()
	r.append(segmentStart, "first")
	r.fillSegment(0)
	r.prepare()
	r.append(segmentStart, "second")
	r.prepare()
	r.put("part", "old")
	r.m.Fill()

	r.fillSegment(segment)
	r.prepare()
	third := r.next
	r.append(segmentStart, "third")
	before := r.room()
	r.prepare() // in vain
	r.wantRoom(before)
	kept := append([]string{"third"}, r.fillSegment(0)...)
	err := r.log.Parts().Put("part", strings.NewReader(strings.Repeat("new", 1<<20)))
	if !errors.Is(err, syscall.ENOSPC) {
		r.t.Errorf("Put on a full disk: %v, want ENOSPC", err)
	}
	err = r.log.Parts().Put("other", strings.NewReader(strings.Repeat("new", 1<<20)))
	if !errors.Is(err, syscall.ENOSPC) {
		r.t.Errorf("Put on a full disk: %v, want ENOSPC", err)
	}
	r.wantParts("", "part")
	r.wantPart("part", "old")

	room := r.room()
	r.trim(third)
	// A real file system may give blocks back a little later.
	for start := time.Now(); r.room() <= room; r.prepare() {
		if time.Since(start) > deadline {
			r.t.Fatal("the trim has made no room for a spare segment")
		}
		r.settle()
	}
	r.wantRoom(room + segment)
	r.append(segmentStart, "fourth")
	r.flush()
	r.close(true)
	r.start(0)
	r.wantStart(third)
	r.wantFrames(append(kept, "fourth"))
}

// testFullDiskAtStart: a log that has kept its room starts on a full disk, and
// keeps it.
func testFullDiskAtStart(r *run) {
	r.start(0)
	r.prepare()
	r.append(segmentStart, "first")
	r.prepare()
	room := r.room()
	r.flush()
	r.m.Fill()
	for _, clean := range []bool{true, false, true} {
		r.close(clean)
		r.start(0)
		r.wantRoom(room)
		room -= int64(len(r.append(0, "more")))
		r.flush()
	}
	r.append(segmentStart, "second")
	r.flush()
	r.fillSegment(0)
}
