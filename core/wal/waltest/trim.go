package waltest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/gantrymq/gantry/core/wal"
)

// segments appends n segments of three frames each, durable, and returns where
// each begins and the payloads of all frames.
func (r *run) segments(n int) (bases []wal.LSN, payloads []string) {
	r.t.Helper()
	for i := range n {
		r.next += wal.LSN(i % 2 * 500)
		bases = append(bases, r.next)
		for j := range 3 {
			var flags uint16
			if j == 0 {
				flags = segmentStart
			}
			payloads = append(payloads, fmt.Sprint("segment ", i, " frame ", j))
			r.append(flags, payloads[len(payloads)-1])
		}
	}
	r.flush()
	return bases, payloads
}

func (r *run) trim(before wal.LSN) {
	r.t.Helper()
	if err := r.log.Trim(before); err != nil {
		r.t.Fatalf("Trim(%d): %v", before, err)
	}
}

func (r *run) wantStart(want wal.LSN) {
	r.t.Helper()
	if got := r.log.Start(); got != want {
		r.t.Fatalf("Start: %d, want %d", got, want)
	}
	p := make([]byte, 10)
	if _, err := r.log.ReadAt(p, want); err != nil {
		r.t.Errorf("ReadAt the start, LSN %d: %v", want, err)
	}
	for _, below := range []wal.LSN{0, want - 20, want - 1} {
		if _, err := r.log.ReadAt(p, below); below < want && !errors.Is(err, wal.ErrRange) {
			r.t.Errorf("ReadAt LSN %d, where the log begins at %d: %v, want ErrRange", below, want, err)
		}
	}
}

func testTrim(r *run) {
	r.start(0)
	if start := r.log.Start(); start != 0 {
		r.t.Fatalf("an empty log begins at %d", start)
	}
	bases, payloads := r.segments(6)
	r.wantStart(0)
	r.trim(bases[2])
	r.wantStart(bases[2])
	r.trim(bases[2]) // again, and less
	r.trim(bases[1])
	r.trim(0)
	r.wantStart(bases[2])
	r.settle()
	r.append(0, "more")
	r.flush()
	end := r.next
	r.close(true)

	for _, from := range []wal.LSN{0, bases[2], bases[2] + 80, bases[1], 1, end} {
		r.open()
		if start := r.log.Start(); start != bases[2] {
			r.t.Errorf("before Recover the log begins at %d, want %d", start, bases[2])
		}
		_, err := r.recover(from)
		switch {
		case from == 0 || from == bases[2]:
			if err != nil {
				r.t.Fatalf("Recover(%d): %v", from, err)
			}
			r.wantFrames(append(payloads[6:len(payloads):len(payloads)], "more"))
			r.wantStart(bases[2])
		case from == end:
			if err != nil || len(r.found) != 0 {
				r.t.Fatalf("Recover(%d): %d frames, %v", from, len(r.found), err)
			}
		case err == nil:
			r.t.Errorf("Recover(%d) succeeded; the log begins at %d", from, bases[2])
		}
		r.close(false)
	}

	// All but the segment that grows; the chain goes on.
	r.start(0)
	r.trim(bases[5])
	r.settle()
	r.append(0, "again")
	r.close(true)
	r.start(0)
	r.wantStart(bases[5])
	r.wantFrames([]string{payloads[15], payloads[16], payloads[17], "more", "again"})
}

func testBadTrims(r *run) {
	r.open()
	if err := r.log.Trim(0); err == nil {
		r.t.Error("Trim before Recover succeeded")
	}
	if _, err := r.recover(0); err != nil {
		r.t.Fatal(err)
	}
	r.trim(0)
	r.trim(100) // of an empty log nothing can be trimmed
	bases, payloads := r.segments(3)
	end := r.next
	r.append(segmentStart, "not durable")
	bad := []wal.LSN{bases[1] + 1, bases[2] - 1, end + 1, r.next, r.next + 1000}
	if !r.f.Late { // there it is durable by now
		bad = append(bad, end)
	}
	for _, before := range bad {
		if err := r.log.Trim(before); err == nil {
			r.t.Errorf("Trim(%d): accepted; segments begin at %d", before, bases)
		}
	}
	r.wantStart(0)
	r.append(0, "a refusal is no end")
	r.close(true)
	if err := r.log.Trim(bases[1]); !errors.Is(err, wal.ErrClosed) {
		r.t.Errorf("Trim after Close: %v", err)
	}
	r.start(0)
	r.wantFrames(append(payloads, "not durable", "a refusal is no end"))
}

// testConcurrentTrim reads everything that was ever there while it goes: each
// read is right, or refused.
func testConcurrentTrim(r *run) {
	r.start(0)
	first := r.append(segmentStart, "first")
	var written sync.Map
	written.Store(wal.LSN(0), first)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			p := make([]byte, len(first))
			for {
				select {
				case <-stop:
					return
				default:
				}
				written.Range(func(lsn, b any) bool {
					_, err := r.log.ReadAt(p, lsn.(wal.LSN))
					gone := errors.Is(err, wal.ErrRange) && lsn.(wal.LSN) < r.log.Start()
					if !gone && (err != nil || string(p) != string(b.([]byte))) {
						r.t.Errorf("ReadAt %d: %q, %v; the log begins at %d", lsn, p, err, r.log.Start())
						return false
					}
					return true
				})
			}
		})
	}
	for range 40 {
		base := r.next
		frame := r.append(segmentStart, "other")
		written.Store(base, frame)
		second := r.next
		written.Store(second, r.append(0, "third"))
		r.flush()
		r.trim(base)
		r.settle()
	}
	close(stop)
	readers.Wait()
}

// testTrimAndCrash: a trim is there after a crash, or it never happened.
func testTrimAndCrash(r *run) {
	r.start(0)
	bases, payloads := r.segments(8)
	start := 0
	for i := 1; i < 8; i++ {
		r.trim(bases[i])
		settled := i%2 == 0
		if settled {
			r.settle()
		}
		if i%3 == 0 {
			r.kill()
		} else {
			r.powerCut(uint64(i))
		}
		r.start(0)
		switch r.log.Start() {
		case bases[i]:
			start = i
		case bases[start]:
			if settled && r.m.Step != nil {
				r.t.Fatalf("the trim to LSN %d was undone", bases[i])
			}
		default:
			r.t.Fatalf("the log begins at %d, neither at %d nor at %d", r.log.Start(), bases[start], bases[i])
		}
		r.wantStart(bases[start])
		r.wantFrames(payloads[3*start:])
	}
}
