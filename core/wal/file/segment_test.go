package file_test

import (
	"testing"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/vfs"
	"github.com/gantrymq/gantry/core/wal/waltest"
)

func appendFrame(t *testing.T, log *file.Log, lsn wal.LSN, flags uint16, payload string) wal.LSN {
	t.Helper()
	b := waltest.Frame(lsn, 0, flags, []byte(payload))
	if err := log.Append(lsn, b); err != nil {
		t.Fatal(err)
	}
	return lsn + wal.LSN(len(b))
}

// TestSecondSegmentAlone: of two segments that were never synced a power cut
// kept the second. It begins nothing: what comes before it is lost.
func TestSecondSegmentAlone(t *testing.T) {
	disk := vfs.NewMem()
	log := open(t, memOptions(disk, 0, true), nil)
	next := appendFrame(t, log, 0, wal.FlagSegmentStart, "first")
	appendFrame(t, log, next, wal.FlagSegmentStart, "second")
	disk = disk.ProcessCrash()
	if err := disk.Remove(logDir + "/00000000000000000000.log"); err != nil {
		t.Fatal(err)
	}
	again, err := file.New(memOptions(disk, 1, true)).Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := again.Recover(0, func(f wal.Frame) error {
		t.Errorf("recovered %q", f.Payload)
		return nil
	})
	if err != nil || got.End != 0 || got.Torn == 0 {
		t.Errorf("Recover: %+v, %v", got, err)
	}
	if names, _ := disk.List(logDir); len(names) > 0 {
		t.Errorf("left: %v", names)
	}
}

// TestRoomIsGivenBack: a finished segment keeps no reserved room, synced before
// or not.
func TestRoomIsGivenBack(t *testing.T) {
	disk := vfs.NewMem()
	log := open(t, memOptions(disk, 0, true), nil)
	next := appendFrame(t, log, 0, wal.FlagSegmentStart, "first")
	log.Flush()
	log.SyncStep()
	appendFrame(t, log, next, wal.FlagSegmentStart, "second")
	log.Flush()
	log.SyncStep()
	b, err := disk.ReadDurable(logDir + "/00000000000000000000.log")
	if want := 4096 + int(next); err != nil || len(b) != want {
		t.Errorf("the first segment has %d bytes on disk, %v, want %d", len(b), err, want)
	}
}

// TestFrameBeyondReservedRoom: the size of a segment is the owner's choice, not
// that of what was reserved.
func TestFrameBeyondReservedRoom(t *testing.T) {
	disk := vfs.NewMem()
	opt := memOptions(disk, 0, true)
	log := open(t, opt, nil)
	next := appendFrame(t, log, 0, wal.FlagSegmentStart, string(make([]byte, opt.SegmentSize)))
	next = appendFrame(t, log, next, 0, "more")
	if err := log.Close(true); err != nil {
		t.Fatal(err)
	}
	again, err := file.New(opt).Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Recover(next, func(wal.Frame) error { return nil }); err != nil || got.End != next {
		t.Errorf("Recover: %+v, %v, want end %d", got, err, next)
	}
}

// TestNestedFolder: the data folder's parents are made, and durable.
func TestNestedFolder(t *testing.T) {
	disk := vfs.NewMem()
	opt := memOptions(disk, 0, true)
	opt.Dir = "/a/b/c"
	log := open(t, opt, nil)
	appendFrame(t, log, 0, wal.FlagSegmentStart, "x")
	log.Flush()
	log.SyncStep()
	for seed := range uint64(20) {
		opt.FS = disk.PowerCut(seed)
		again, err := file.New(opt).Open(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := again.Recover(0, func(wal.Frame) error { return nil }); err != nil || got.End == 0 {
			t.Fatalf("seed %d: %+v, %v", seed, got, err)
		}
	}
}

// TestOwnerKnowsMore: an owner that asks for an LSN behind the end, because it has
// a snapshot of that state, proves that the log went further: nothing is cut.
func TestOwnerKnowsMore(t *testing.T) {
	disk := vfs.NewMem()
	log := open(t, memOptions(disk, 0, true), nil)
	next := appendFrame(t, log, 0, wal.FlagSegmentStart, "first")
	log.Flush()
	log.SyncStep()
	end := appendFrame(t, log, next, 0, "second")
	disk = disk.ProcessCrash()
	err := disk.Rot(logDir+"/00000000000000000000.log", func(c []byte) []byte { c[4096+next+50]++; return c })
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		from    wal.LSN
		corrupt bool
	}{{end, true}, {next, false}} {
		again, err := file.New(memOptions(disk, 0, true)).Open(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := again.Recover(tt.from, func(wal.Frame) error { return nil })
		if isCorrupt(err) != tt.corrupt || !tt.corrupt && (err != nil || got.Torn == 0) {
			t.Errorf("Recover(%d): %+v, %v", tt.from, got, err)
		}
		again.Close(false)
	}
}
