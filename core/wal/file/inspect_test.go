package file_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/vfs"
	"github.com/gantrymq/gantry/core/wal/waltest"
)

const (
	firstFile  = logDir + "/00000000000000000000.log"
	secondFile = logDir + "/00000000000000000053.log"
	thirdFile  = logDir + "/00000000000000000160.log"
)

// inspected is a log of three segments: frames at 0, 53, 107 and 160, two parts, a
// spare segment.
func inspected(t *testing.T) (*vfs.Mem, *file.Log) {
	t.Helper()
	disk := vfs.NewMem()
	log := open(t, memOptions(disk, 0, true), nil)
	next := appendFrame(t, log, 0, wal.FlagSegmentStart, "first")
	next = appendFrame(t, log, next, wal.FlagSegmentStart, "second")
	next = appendFrame(t, log, next, 0, "third")
	appendFrame(t, log, next, wal.FlagSegmentStart, "fourth")
	log.Flush()
	log.Prepare()
	for log.SyncStep() {
	}
	for name, content := range map[string]string{"snap-5": "content", "0.idx": ""} {
		if err := log.Parts().Put(name, strings.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	}
	return disk, log
}

func walk(t *testing.T, i *file.Inspection, from wal.LSN) (payloads []string, tail file.Tail) {
	t.Helper()
	tail, err := i.Walk(from, func(_ file.Place, f wal.Frame) error {
		payloads = append(payloads, string(f.Payload))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return payloads, tail
}

func TestInspect(t *testing.T) {
	disk, log := inspected(t)
	if err := log.Close(true); err != nil {
		t.Fatal(err)
	}
	disk.SetReadOnly(true)
	opt := file.Options{Dir: "/data", FS: disk}
	if shards, err := file.Shards(opt); err != nil || !slices.Equal(shards, []wal.ShardID{0}) {
		t.Errorf("Shards: %v, %v", shards, err)
	}
	i, err := file.Inspect(opt, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	want := &file.Inspection{
		Dir: shardDir,
		Manifest: &file.ManifestInfo{
			Epoch: 1, Clean: true, Proven: 214, BootID: "boot 0", Segments: []wal.LSN{0, 53, 160},
		},
		Segments: []file.SegmentInfo{
			{File: firstFile, Base: 0, End: 53, Bytes: 4149, Epoch: 1, Listed: true},
			{File: secondFile, Base: 53, End: 160, Bytes: 4203, Epoch: 1, Listed: true},
			{File: thirdFile, Base: 160, End: 160 + 60<<10, Bytes: 64 << 10, Epoch: 1, Listed: true},
		},
		Parts:      []file.PartInfo{{Name: "0.idx"}, {Name: "snap-5", Bytes: 7}},
		SpareBytes: 64 << 10,
	}
	if diff := cmp.Diff(want, i, cmpopts.IgnoreUnexported(file.Inspection{})); diff != "" {
		t.Errorf("Inspect (-want +got):\n%s", diff)
	}
	all := []string{"first", "second", "third", "fourth"}
	for from, skipped := range map[wal.LSN]int{0: 0, 1: 0, 52: 0, 53: 1, 108: 2, 160: 3, 213: 3, 214: 4, 1000: 4} {
		payloads, tail := walk(t, i, from)
		if !slices.Equal(payloads, all[skipped:]) || tail != (file.Tail{End: 214}) {
			t.Errorf("Walk(%d): %q, %+v", from, payloads, tail)
		}
	}
	_, err = i.Walk(0, func(at file.Place, f wal.Frame) error {
		content, err := disk.ReadFile(at.File)
		if err != nil || !bytes.Equal(content[at.Pos+wal.HeaderSize:][:len(f.Payload)], f.Payload) {
			t.Errorf("frame %d is not at byte %d of %s: %v", f.LSN, at.Pos, at.File, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	stop := errors.New("stop")
	if _, err := i.Walk(0, func(file.Place, wal.Frame) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("Walk: %v, want the error of fn", err)
	}
}

func TestInspectWhatIsNotThere(t *testing.T) {
	disk, log := inspected(t)
	if err := log.Close(true); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		dir   string
		shard wal.ShardID
	}{{"/data", 1}, {"/elsewhere", 0}, {"/", 0}} {
		if _, err := file.Inspect(file.Options{Dir: tt.dir, FS: disk}, tt.shard, false); err == nil {
			t.Errorf("Inspect %s, shard %d: no error", tt.dir, tt.shard)
		}
	}
}

// TestInspectRunning looks at a log that is open, with frames that are not synced.
func TestInspectRunning(t *testing.T) {
	disk, log := inspected(t)
	appendFrame(t, log, 214, wal.FlagSegmentStart, "unsynced")
	opt := file.Options{Dir: "/data", FS: disk}
	if _, err := file.Inspect(opt, 0, false); !errors.Is(err, wal.ErrLocked) {
		t.Fatalf("Inspect of an open log: %v, want ErrLocked", err)
	}
	i, err := file.Inspect(opt, 0, true)
	if err != nil || !i.InUse {
		t.Fatalf("Inspect, forced: %+v, %v", i, err)
	}
	if payloads, tail := walk(t, i, 160); !slices.Equal(payloads, []string{"fourth", "unsynced"}) || tail.Damage != nil {
		t.Errorf("Walk: %q, %+v", payloads, tail)
	}
	if last := i.Segments[len(i.Segments)-1]; last.Listed {
		t.Errorf("%+v: listed, but nothing in it is durable", last)
	}
	appendFrame(t, log, 214+56, 0, "the log goes on")
	if err := log.Close(true); err != nil {
		t.Error(err)
	}
}

// TestInspectTrimmed looks at a folder in which a trim was interrupted.
func TestInspectTrimmed(t *testing.T) {
	disk, log := inspected(t)
	if err := log.Trim(160); err != nil {
		t.Fatal(err)
	}
	log.SyncStep() // notes it, removes nothing
	disk = disk.ProcessCrash()
	if err := disk.Rot(firstFile, func(b []byte) []byte { return b[:100] }); err != nil {
		t.Fatal(err)
	}
	i, err := file.Inspect(file.Options{Dir: "/data", FS: disk}, 0, false)
	if err != nil || i.Damage != nil {
		t.Fatalf("Inspect: %v, %v", err, i.Damage)
	}
	first, last := i.Segments[0], i.Segments[2]
	if !i.Manifest.Trimmed || !first.GivenUp || first.Listed || first.Bad == "" || last.GivenUp {
		t.Errorf("%+v, %+v", i.Manifest, i.Segments)
	}
	if payloads, tail := walk(t, i, 0); !slices.Equal(payloads, []string{"fourth"}) || tail.Damage != nil {
		t.Errorf("Walk: %q, %+v", payloads, tail)
	}
}

// TestInspectDamage: the listing is whole, the first damage is named.
func TestInspectDamage(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		change     func([]byte) []byte
		early      bool // seen without reading frames
		pos        int64
		frames     int // before it
	}{
		{"a frame", secondFile, func(b []byte) []byte { b[4096+54+50]++; return b }, false, 4096 + 54, 2},
		{"a header page", secondFile, func(b []byte) []byte { b[20]++; return b }, true, 0, 0},
		{"the manifest", shardDir + "/MANIFEST", func(b []byte) []byte { b[20]++; return b }, true, 0, 0},
		{"a segment is short", firstFile, func(b []byte) []byte { return b[:4140] }, false, 4096, 0},
	} {
		disk, log := inspected(t)
		if err := log.Close(false); err != nil {
			t.Fatal(err)
		}
		if err := disk.Rot(tt.file, tt.change); err != nil {
			t.Fatal(err)
		}
		i, err := file.Inspect(file.Options{Dir: "/data", FS: disk}, 0, false)
		if err != nil || len(i.Segments) != 3 || len(i.Parts) != 2 {
			t.Fatalf("%s: %+v, %v", tt.name, i, err)
		}
		if (i.Damage != nil) != tt.early {
			t.Errorf("%s: Inspect says %v", tt.name, i.Damage)
		}
		payloads, tail := walk(t, i, 0)
		if d := tail.Damage; d == nil || d.Place != tt.file || d.Pos != tt.pos || len(payloads) != tt.frames {
			t.Errorf("%s: %d frames, then %v; want %d, then %s at byte %d", tt.name, len(payloads), d, tt.frames, tt.file, tt.pos)
		}
	}
}

// TestInspectOnDisk looks at a real folder while it is locked and after.
func TestInspectOnDisk(t *testing.T) {
	opt := file.Options{Dir: t.TempDir() + "/data", SegmentSize: 64 << 10}
	log := open(t, opt, nil)
	b := waltest.Frame(0, 0, wal.FlagSegmentStart, []byte("x"))
	if err := log.Append(0, b); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Inspect(opt, 0, false); !errors.Is(err, wal.ErrLocked) {
		t.Errorf("Inspect of an open log: %v, want ErrLocked", err)
	}
	if err := log.Close(true); err != nil {
		t.Fatal(err)
	}
	i, err := file.Inspect(opt, 0, false)
	if err != nil || i.InUse || len(i.Segments) != 1 {
		t.Fatalf("Inspect: %+v, %v", i, err)
	}
	if payloads, _ := walk(t, i, 0); len(payloads) != 1 {
		t.Errorf("Walk: %q", payloads)
	}
}
