package waltest

import (
	"fmt"
	"sync"

	"github.com/gantrymq/gantry/core/wal"
)

// testConcurrent reads while the owner appends; the race detector is the judge
// of the rest.
func testConcurrent(r *run) {
	r.start(0)
	first := r.append(segmentStart, "first")
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			var lastWritten, lastDurable wal.LSN
			p := make([]byte, len(first))
			for {
				select {
				case <-stop:
					return
				default:
				}
				written, durable, err := r.log.Progress()
				if err != nil || written < lastWritten || durable < lastDurable || durable > written {
					r.t.Errorf("Progress: %d, %d, %v after %d, %d", written, durable, err, lastWritten, lastDurable)
					return
				}
				lastWritten, lastDurable = written, durable
				if _, err := r.log.ReadAt(p, 0); err != nil || string(p) != string(first) {
					r.t.Errorf("ReadAt: %q, %v", p, err)
					return
				}
			}
		})
	}
	for i := range 300 {
		var flags uint16
		if i%20 == 0 {
			flags = segmentStart
		}
		r.append(flags, fmt.Sprint(i))
		if i%5 == 0 {
			r.log.Flush()
			if r.m.Step != nil {
				r.m.Step(r.log)
			}
		}
	}
	r.flush()
	close(stop)
	readers.Wait()
	r.close(true)
}

func testKill(r *run) {
	r.start(0)
	r.append(segmentStart, "a")
	r.flush()
	r.append(0, "b")
	r.append(segmentStart, "c")
	end := r.next
	r.kill()
	r.start(0)
	if r.got.Clean || !r.got.SameBoot || r.got.End != end || r.got.Torn != 0 {
		r.t.Errorf("after a kill: %+v, want unclean, same boot, End %d", r.got, end)
	}
	r.wantFrames([]string{"a", "b", "c"})
}

func testPowerCut(r *run) {
	r.start(0)
	var names []string
	durable := 0
	for i := range 30 {
		var flags uint16
		if len(names) == 0 || i%7 == 3 {
			flags = segmentStart
			r.next += wal.LSN(i)
		}
		names = append(names, fmt.Sprint("frame ", i))
		r.append(flags, names[len(names)-1])
		if i%3 == 0 {
			r.flush()
			durable = len(names)
		}
		if i%4 != 3 {
			continue
		}
		r.powerCut(uint64(i))
		r.start(0)
		if r.got.Clean || r.got.SameBoot != r.f.Remote {
			r.t.Fatalf("after a power cut: %+v, want unclean and another boot, if that matters", r.got)
		}
		if r.f.Remote {
			durable = len(names)
		}
		if n := len(r.found); n < durable || n > len(names) {
			r.t.Fatalf("%d frames after a power cut; %d were durable, %d written", n, durable, len(names))
		}
		names = names[:len(r.found)]
		r.wantFrames(names)
		durable = len(names)
	}
}

// testNewsOfPowerCut: an owner that dies before it wrote anything must not take
// the news of the power cut with it.
func testNewsOfPowerCut(r *run) {
	r.start(0)
	r.append(segmentStart, "a")
	r.flush()
	r.powerCut(1)
	r.start(0)
	r.kill()
	r.start(0)
	if r.got.Clean || r.got.SameBoot {
		r.t.Errorf("killed before the first frame after a power cut, then: %+v", r.got)
	}
	r.close(true)
	r.start(0)
	if r.got.Clean || r.got.SameBoot {
		r.t.Errorf("closed before the first frame after a power cut, then: %+v", r.got)
	}
	r.next += 1000
	r.append(segmentStart, "after the gap")
	r.flush()
	r.kill()
	r.start(0)
	if r.got.Clean || !r.got.SameBoot {
		r.t.Errorf("killed after the first frame was durable, then: %+v", r.got)
	}
	r.wantFrames([]string{"a", "after the gap"})
}

// testRecoveredIsDurable: what a recovery handed out survives a power cut,
// though only the killed process had written it.
func testRecoveredIsDurable(r *run) {
	r.start(0)
	r.append(segmentStart, "a")
	r.append(0, "b")
	r.next += 10
	r.append(segmentStart, "c")
	for seed := range uint64(20) {
		r.kill()
		r.start(0)
		if _, durable, _ := r.log.Progress(); durable != r.got.End {
			r.t.Fatalf("durable LSN %d after recovery up to %d", durable, r.got.End)
		}
		want := len(r.found)
		r.powerCut(seed)
		r.start(0)
		if len(r.found) != want {
			r.t.Fatalf("%d frames after a power cut, %d had been recovered", len(r.found), want)
		}
		r.append(0, "more")
	}
}
