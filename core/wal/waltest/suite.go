package waltest

import (
	"errors"
	"testing"

	"github.com/gantrymq/gantry/core/wal"
)

const segmentStart = wal.FlagSegmentStart

// Run runs the suite. newMachine returns a fresh machine for each test.
func Run(t *testing.T, f Features, newMachine func(t *testing.T) *Machine) {
	tests := []struct {
		name string
		run  bool
		test func(*run)
	}{
		{"Empty", true, testEmpty},
		{"Frames", true, testFrames},
		{"Watermarks", true, testWatermarks},
		{"RecoverFrom", true, testRecoverFrom},
		{"RecoverError", true, testRecoverError},
		{"Segments", true, testSegments},
		{"ReadAt", true, testReadAt},
		{"BadAppends", true, testBadAppends},
		{"IdleMark", true, testIdleMark},
		{"LargestFrame", true, testLargestFrame},
		{"Close", true, testClose},
		{"Lock", true, testLock},
		{"Concurrent", true, testConcurrent},
		{"Parts", true, testParts},
		{"BadParts", true, testBadParts},
		{"ConcurrentParts", true, testConcurrentParts},
		{"Trim", true, testTrim},
		{"BadTrims", true, testBadTrims},
		{"ConcurrentTrim", true, testConcurrentTrim},
		{"Room", !f.Endless, testRoom},
		{"EndlessRoom", f.Endless, testEndlessRoom},
		{"Pipeline", true, testPipeline},
		{"Kill", f.Kill, testKill},
		{"PowerCut", f.PowerCut || f.Remote, testPowerCut},
		{"NewsOfPowerCut", f.Kill && f.PowerCut, testNewsOfPowerCut},
		{"RecoveredIsDurable", f.Kill && (f.PowerCut || f.Remote), testRecoveredIsDurable},
		{"TrimAndCrash", f.Kill && (f.PowerCut || f.Remote), testTrimAndCrash},
		{"PartsAndCrash", f.Kill && (f.PowerCut || f.Remote), testPartsAndCrash},
		{"KillInPipeline", f.Kill, testKillInPipeline},
		{"TakeOver", f.Remote, testTakeOver},
		{"TakeOverAndBack", f.Remote, testTakeOverAndBack},
		{"TakeOverOfParts", f.Remote, testTakeOverOfParts},
		{"FullDisk", f.Full, testFullDisk},
		{"FullDiskAtStart", f.Full, testFullDiskAtStart},
	}
	for _, tt := range tests {
		if !tt.run {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(newRun(t, f, newMachine(t)))
		})
	}
}

func testEmpty(r *run) {
	r.start(0)
	if want := (wal.Recovery{Clean: true}); r.got != want {
		r.t.Errorf("Recover of an empty log: %+v, want %+v", r.got, want)
	}
	if written, durable, err := r.log.Progress(); written != 0 || durable != 0 || err != nil {
		r.t.Errorf("Progress: %d, %d, %v", written, durable, err)
	}
	r.log.Flush()
	r.close(true)
	r.start(0)
	if !r.got.Clean || r.got.End != 0 || len(r.found) != 0 {
		r.t.Errorf("Recover of a log closed empty: %+v", r.got)
	}
}

func testFrames(r *run) {
	r.start(0)
	want := []string{"one", "", "three", string(make([]byte, 5000))}
	for i, p := range want {
		var flags uint16
		if i == 0 {
			flags = segmentStart
		}
		r.append(flags, p)
	}
	end, last := r.next, r.time
	r.close(true)

	var epoch uint32
	for range 2 {
		r.start(0)
		if r.got.End != end || r.got.StoreTime != last || !r.got.Clean || r.got.Torn != 0 {
			r.t.Fatalf("Recover: %+v, want End %d, StoreTime %d, Clean", r.got, end, last)
		}
		r.wantFrames(want)
		epoch = r.found[0].Epoch
		r.close(true)
	}
	r.start(0)
	r.append(0, "later")
	r.close(true)
	r.start(0)
	r.wantFrames(append(want, "later"))
	if e := r.found[4].Epoch; e <= epoch {
		r.t.Errorf("epoch %d after %d: it must rise with every owner", e, epoch)
	}
}

// wantFrames checks payloads, and that headers hang together.
func (r *run) wantFrames(want []string) {
	r.t.Helper()
	if len(r.found) != len(want) {
		r.t.Fatalf("%d frames, want %d", len(r.found), len(want))
	}
	for i, f := range r.found {
		if string(f.Payload) != want[i] {
			r.t.Errorf("frame %d at LSN %d has payload %.20q, want %.20q", i, f.LSN, f.Payload, want[i])
		}
		if int(f.Len) != wal.HeaderSize+len(f.Payload) || f.DurableLSN > f.LSN {
			r.t.Errorf("frame %d: %+v", i, f.Header)
		}
		if i > 0 && (f.Chain != r.found[i-1].CRC || f.LSN < r.found[i-1].End() || f.Epoch < r.found[i-1].Epoch) {
			r.t.Errorf("frame %d does not follow its predecessor: %+v after %+v", i, f.Header, r.found[i-1].Header)
		}
	}
}

func testWatermarks(r *run) {
	r.start(0)
	r.append(segmentStart, "a")
	if written, durable, _ := r.log.Progress(); written != r.next || durable != r.unflushed(0) {
		r.t.Fatalf("after Append: written %d, durable %d, want %d and %d", written, durable, r.next, r.unflushed(0))
	}
	r.flush()
	proven := r.next
	b := r.append(0, "b")
	if h := wal.ParseHeader(b); h.DurableLSN != proven {
		r.t.Errorf("frame says durable LSN %d, want %d", h.DurableLSN, proven)
	}
	r.append(segmentStart, "c")
	if written, durable, _ := r.log.Progress(); written != r.next || durable != r.unflushed(proven) {
		r.t.Errorf("written %d, durable %d, want %d and %d", written, durable, r.next, r.unflushed(proven))
	}
	r.flush()
}

// unflushed returns the durable LSN that follows from no Flush since the log was
// durable up to here.
func (r *run) unflushed(durable wal.LSN) wal.LSN {
	if r.f.Late {
		return r.next
	}
	return durable
}

func testRecoverFrom(r *run) {
	r.start(0)
	starts := []wal.LSN{0}
	names := []string{"a", "b", "c", "d", "e", "f"}
	for i, p := range names {
		if i%2 == 0 {
			r.next += wal.LSN(i * 100) // gaps before segments
			r.append(segmentStart, p)
		} else {
			r.append(0, p)
		}
		starts = append(starts, r.next)
	}
	end := r.next
	r.close(true)
	for i, from := range starts {
		r.start(from)
		r.wantFrames(names[i:])
		if r.got.End != end || r.got.StoreTime != int64(len(names)) {
			r.t.Errorf("Recover(%d): %+v", from, r.got)
		}
		r.close(true)
	}
	// Whatever LSN recovery began at, the chain goes on.
	r.start(end)
	r.append(0, "g")
	r.close(true)
	r.start(0)
	r.wantFrames(append(names, "g"))
	end = r.next
	r.close(true)

	r.open()
	if _, err := r.recover(1); err == nil {
		r.t.Error("Recover from inside a frame succeeded")
	}
	r.close(false)
	r.open()
	if _, err := r.recover(end + 1); !isCorrupt(err) {
		r.t.Errorf("Recover from past the end: %v, want a CorruptError", err)
	}
	r.close(false)
}

func isCorrupt(err error) bool {
	_, ok := errors.AsType[*wal.CorruptError](err)
	return ok
}

func testRecoverError(r *run) {
	r.start(0)
	r.append(segmentStart, "a")
	r.append(0, "b")
	r.close(true)
	r.open()
	stop := errors.New("stop")
	calls := 0
	_, err := r.log.Recover(0, func(wal.Frame) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		r.t.Errorf("Recover: %v after %d calls, want the error of fn after one", err, calls)
	}
	if err := r.log.Append(0, Frame(0, 9, segmentStart, nil)); err == nil {
		r.t.Error("Append after a failed Recover succeeded")
	}
	r.close(true)
	r.start(0)
	if !r.got.Clean {
		r.t.Error("a failed Recover took the clean mark away")
	}
	r.wantFrames([]string{"a", "b"})
	if _, err := r.log.Recover(0, func(wal.Frame) error { return nil }); err == nil {
		r.t.Error("a second Recover succeeded")
	}
}

func testSegments(r *run) {
	r.start(0)
	var want []string
	for i := range 20 {
		r.next += wal.LSN(i % 3 * 1000)
		p := string(rune('a' + i))
		r.append(segmentStart, p)
		r.append(0, p+p)
		want = append(want, p, p+p)
		if i%4 == 0 {
			r.flush()
		}
	}
	r.close(true)
	r.start(0)
	r.wantFrames(want)
	r.close(false)
	r.start(0)
	r.wantFrames(want)
}

func testReadAt(r *run) {
	r.start(0)
	type written struct {
		lsn   wal.LSN
		bytes []byte
	}
	var all []written
	for i := range 12 {
		var flags uint16
		if i%4 == 0 {
			flags = segmentStart
			r.next += wal.LSN(i) // a gap, but not at first
		}
		lsn := r.next
		all = append(all, written{lsn, r.append(flags, "payload")})
	}
	check := func() {
		r.t.Helper()
		for _, w := range all {
			for _, part := range [][2]int{{0, len(w.bytes)}, {3, 9}, {len(w.bytes) - 1, len(w.bytes)}} {
				p := make([]byte, part[1]-part[0])
				n, err := r.log.ReadAt(p, w.lsn+wal.LSN(part[0]))
				if err != nil || n != len(p) || string(p) != string(w.bytes[part[0]:part[1]]) {
					r.t.Fatalf("ReadAt %d at LSN %d: %d, %v, %q", len(p), w.lsn, n, err, p)
				}
			}
		}
		for _, at := range []wal.LSN{r.next, r.next - 1, all[4].lsn - 1, all[4].lsn - 4, -1} {
			if _, err := r.log.ReadAt(make([]byte, 2), at); !errors.Is(err, wal.ErrRange) {
				r.t.Errorf("ReadAt of 2 bytes at LSN %d: %v, want ErrRange", at, err)
			}
		}
	}
	check()
	r.close(true)
	r.start(0)
	check()
	r.close(false)
	if _, err := r.log.ReadAt(make([]byte, 1), 0); !errors.Is(err, wal.ErrClosed) {
		r.t.Errorf("ReadAt after Close: %v", err)
	}
}

func testBadAppends(r *run) {
	lie := func(b []byte, change func([]byte)) []byte { change(b); return b }
	tests := []struct {
		name  string
		frame func(next wal.LSN) (wal.LSN, []byte)
	}{
		{"gap inside a segment", func(n wal.LSN) (wal.LSN, []byte) { return n + 1, Frame(n+1, 9, 0, nil) }},
		{"before the end", func(n wal.LSN) (wal.LSN, []byte) { return n - 1, Frame(n-1, 9, segmentStart, nil) }},
		{"time falls", func(n wal.LSN) (wal.LSN, []byte) { return n, Frame(n, 0, 0, nil) }},
		{"other LSN in the header", func(n wal.LSN) (wal.LSN, []byte) { return n, Frame(n+1, 9, 0, nil) }},
		{"other length in the header", func(n wal.LSN) (wal.LSN, []byte) {
			return n, lie(Frame(n, 9, 0, []byte("x")), func(b []byte) { b[0]++ })
		}},
		{"half a header", func(n wal.LSN) (wal.LSN, []byte) { return n, Frame(n, 9, 0, nil)[:20] }},
		{"too long", func(n wal.LSN) (wal.LSN, []byte) { return n, Frame(n, 9, 0, make([]byte, wal.MaxFrame)) }},
	}
	for _, tt := range tests {
		r.start(0)
		if r.next == 0 {
			if err := r.log.Append(0, Frame(0, 1, 0, nil)); err == nil {
				r.t.Fatal("first frame without FlagSegmentStart: accepted")
			}
			r.close(false)
			r.start(0)
			r.append(segmentStart, "first")
		}
		next := r.next
		lsn, frame := tt.frame(next)
		err := r.log.Append(lsn, frame)
		if err == nil {
			r.t.Fatalf("%s: accepted", tt.name)
		}
		written, _, perr := r.log.Progress()
		if written != next || perr == nil {
			r.t.Errorf("%s: Progress says %d, %v; want %d and the error", tt.name, written, perr, next)
		}
		if err := r.log.Append(next, Frame(next, 9, 0, nil)); err == nil {
			r.t.Errorf("%s: the log took a frame after an error", tt.name)
		}
		if err := r.log.Close(true); err == nil {
			r.t.Errorf("%s: a failed log closed in order", tt.name)
		}
	}
	r.start(0)
	if r.got.Clean {
		r.t.Error("a failed log left the clean mark")
	}
	r.wantFrames([]string{"first"})
}

func testIdleMark(r *run) {
	r.start(0)
	r.append(segmentStart, "a")
	r.flush()
	r.append(wal.FlagIdleMark, "")
	r.flush()
	r.append(0, "b")
	r.close(false)
	r.start(0)
	r.wantFrames([]string{"a", "", "b"})
	if f := r.found[1]; f.Flags != wal.FlagIdleMark || f.Count != 0 || f.DurableLSN != f.LSN {
		r.t.Errorf("the idle mark: %+v", f.Header)
	}
}

func testLargestFrame(r *run) {
	r.start(0)
	big := make([]byte, wal.MaxFrame-wal.HeaderSize)
	for i := range big {
		big[i] = byte(i * 7)
	}
	r.append(segmentStart, "a")
	r.append(0, string(big))
	r.append(segmentStart, string(big))
	r.append(0, "b")
	r.close(false)
	r.start(0)
	r.wantFrames([]string{"a", string(big), string(big), "b"})
}

func testClose(r *run) {
	r.start(0)
	r.append(segmentStart, "a")
	r.close(true)
	if err := r.log.Append(r.next, Frame(r.next, 9, 0, nil)); !errors.Is(err, wal.ErrClosed) {
		r.t.Errorf("Append after Close: %v", err)
	}
	if err := r.log.Close(true); !errors.Is(err, wal.ErrClosed) {
		r.t.Errorf("second Close: %v", err)
	}
	r.log.Flush()
	r.start(0)
	if !r.got.Clean {
		r.t.Error("Close(true) left no clean mark")
	}
	r.append(0, "b")
	r.close(false)
	r.start(0)
	if r.got.Clean || !r.got.SameBoot {
		r.t.Errorf("after Close(false): %+v, want unclean and the same boot", r.got)
	}
	r.wantFrames([]string{"a", "b"})
	r.close(true)
	r.start(0)
	if !r.got.Clean {
		r.t.Error("Close(true) without a frame left no clean mark")
	}
}

func testLock(r *run) {
	r.start(0)
	other := r.m.Start()
	if _, err := other.Open(0, nil); !errors.Is(err, wal.ErrLocked) {
		r.t.Fatalf("second Open: %v, want ErrLocked", err)
	}
	log, err := other.Open(7, nil)
	if err != nil {
		r.t.Fatalf("Open of another shard: %v", err)
	}
	if _, err := log.Recover(0, func(wal.Frame) error { return nil }); err != nil {
		r.t.Fatalf("Recover of another shard: %v", err)
	}
	r.append(segmentStart, "a")
	if written, _, _ := log.Progress(); written != 0 {
		r.t.Error("a frame of shard 0 in shard 7")
	}
	if err := log.Close(true); err != nil {
		r.t.Fatal(err)
	}
	r.close(true)
	r.start(0)
	r.close(true)
}
