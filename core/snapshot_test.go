package core_test

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal/file"
)

// snapshotFolder is a data folder that an engine has filled, sealed and left.
type snapshotFolder struct {
	t   *testing.T
	dir string
}

func fillSnapshotFolder(t *testing.T, age time.Duration, enough func(core.Stats) bool) *snapshotFolder {
	t.Helper()
	f := &snapshotFolder{t, t.TempDir()}
	e, err := f.open(age)
	if err != nil {
		t.Fatal(err)
	}
	c := e.Connect(core.ClientInfo{})
	for i := 0; !enough(e.Stats()); i++ {
		send(t, c, keyed("t", i))
	}
	f.close(e)
	return f
}

func (f *snapshotFolder) open(age time.Duration) (*core.Engine, error) {
	return core.Open(small(age), file.New(file.Options{Dir: f.dir, SegmentSize: 64 << 10}), core.Env{})
}

func (f *snapshotFolder) close(e *core.Engine) {
	f.t.Helper()
	if err := e.Close(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

// snapshots returns the files, oldest first.
func (f *snapshotFolder) snapshots() []string {
	f.t.Helper()
	files, err := filepath.Glob(filepath.Join(f.dir, "shard-0000", "parts", "snap-*"))
	if err != nil || len(files) == 0 {
		f.t.Fatalf("snapshots: %v, %v", files, err)
	}
	return files
}

// change rewrites a snapshot's file.
func (f *snapshotFolder) change(name string, change func(b []byte)) {
	f.t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		f.t.Fatal(err)
	}
	change(b)
	if err := os.WriteFile(name, b, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// header changes a field of the header as another program would write it.
func header(at int, value uint32) func([]byte) {
	return func(b []byte) {
		binary.LittleEndian.PutUint32(b[at:], value)
		binary.LittleEndian.PutUint32(b[44:], crc32.ChecksumIEEE(b[:44]))
	}
}

func flip(b []byte) { b[len(b)/2] ^= 1 }

// TestSnapshotsOfOthersRefuseTheStart proves that a start which cannot succeed
// takes nothing away: the program that wrote a snapshot still finds it.
func TestSnapshotsOfOthersRefuseTheStart(t *testing.T) {
	f := fillSnapshotFolder(t, time.Hour, func(s core.Stats) bool { return s.Snapshots > 2 })
	before := f.snapshots()
	newest := before[len(before)-1]
	for want, change := range map[string]func([]byte){
		"format version 2; this program knows 1": header(8, 2),
		"it is that of shard 1":                  header(12, 1),
	} {
		kept, err := os.ReadFile(newest)
		if err != nil {
			t.Fatal(err)
		}
		f.change(newest, change)
		if _, err := f.open(time.Hour); err == nil || !strings.Contains(err.Error(), "snapshot "+filepath.Base(newest)+": "+want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if after := f.snapshots(); strings.Join(after, " ") != strings.Join(before, " ") {
			t.Errorf("of the snapshots %v there are %v", before, after)
		}
		f.change(newest, func(b []byte) { copy(b, kept) })
	}
	e, err := f.open(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	f.close(e)
}

func TestDamagedSnapshotFallsBackToTheOneBefore(t *testing.T) {
	f := fillSnapshotFolder(t, time.Hour, func(s core.Stats) bool { return s.Snapshots > 2 })
	before := f.snapshots()
	newest := before[len(before)-1]
	f.change(newest, flip)
	e, err := f.open(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(newest); err == nil {
		t.Error("the damaged snapshot is still there")
	}
	c := e.Connect(core.ClientInfo{})
	if a := await(t, pull(c, core.Pull{Queue: queueOf(t, e, "t", 0)})); !strings.HasPrefix(a.bodies, "body-0 ") {
		t.Errorf("the first messages: %+v", a)
	}
	f.close(e)
}

// TestTrimmedLogWithoutSnapshotIsRefused: what was trimmed cannot be replayed, and
// an empty state would forget every topic.
func TestTrimmedLogWithoutSnapshotIsRefused(t *testing.T) {
	f := fillSnapshotFolder(t, time.Millisecond, func(s core.Stats) bool { return s.Forgotten > 2 })
	before := f.snapshots()
	for _, name := range before {
		f.change(name, flip)
	}
	for range 2 {
		_, err := f.open(time.Hour)
		if err == nil || !strings.Contains(err.Error(), "there is no usable snapshot of what was before") {
			t.Fatalf("got %v", err)
		}
		if after := f.snapshots(); len(after) != len(before) {
			t.Fatalf("of the snapshots %v there are %v", before, after)
		}
	}
	for _, name := range before {
		f.change(name, flip)
	}
	e, err := f.open(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	f.close(e)
}
