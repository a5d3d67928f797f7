package file_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

const (
	manifestTemp = shardDir + "/MANIFEST.tmp"
	spareFile    = logDir + "/spare.log"
)

// tight is a log on a disk that can be so full that not even a MANIFEST finds
// room, until the spare segment goes.
type tight struct {
	*file.Log
	disk  *vfs.Mem
	full  bool
	lines bytes.Buffer
	bases []wal.LSN
}

// newTight returns one with four segments and a spare one.
func newTight(t *testing.T) *tight {
	t.Helper()
	l := &tight{disk: vfs.NewMem()}
	opt := memOptions(vfs.Wrap(l.disk, l.hook), 0, true)
	opt.Logger = slog.New(slog.NewTextHandler(&l.lines, nil))
	l.Log = open(t, opt, nil)
	var next wal.LSN
	for range 4 {
		l.bases = append(l.bases, next)
		next = appendFrame(t, l.Log, next, wal.FlagSegmentStart, "segment")
	}
	l.Flush()
	l.Prepare()
	l.settle()
	return l
}

func (l *tight) hook(op vfs.Op) vfs.Verdict {
	if op.Kind == vfs.OpRemove && op.Path == spareFile {
		l.full = false
	}
	if l.full && (op.Kind == vfs.OpCreate || op.Kind == vfs.OpAllocate) {
		return vfs.Verdict{Err: syscall.ENOSPC}
	}
	return vfs.Verdict{}
}

func (l *tight) room() int64 {
	room, _ := l.Room()
	return room
}

func (l *tight) settle() {
	for l.SyncStep() {
	}
}

func (l *tight) there(name string) bool {
	_, err := l.disk.ReadFile(name)
	return err == nil
}

// TestNoRoomForManifest: a spare segment counts only with room for the MANIFEST
// that will name it.
func TestNoRoomForManifest(t *testing.T) {
	l := newTight(t)
	before := l.room()
	l.full = true
	if err := l.Trim(l.bases[1]); err != nil { // its MANIFEST takes the room that was reserved
		t.Fatal(err)
	}
	l.settle()
	if l.there(manifestTemp) || !l.there(spareFile) {
		t.Fatal("the test does not reach the state that it is about")
	}
	if room := l.room(); room != before-60<<10 {
		t.Errorf("Room: %d, was %d: the spare segment counts", room, before)
	}
	for range 3 {
		l.Prepare() // in vain
		if !l.SyncStep() || l.room() != before-60<<10 {
			t.Error("the owner is not told that the disk is full, or has more room")
		}
	}
	if n := strings.Count(l.lines.String(), "no room for a spare segment"); n != 1 {
		t.Errorf("logged %d times that there is no room:\n%s", n, &l.lines)
	}
	l.full = false
	l.Prepare()
	l.settle()
	if room := l.room(); room != before || !l.there(manifestTemp) {
		t.Errorf("Room: %d, want %d", room, before)
	}
	if _, _, err := l.Progress(); err != nil {
		t.Error(err)
	}
}

// TestTrimGivesUpSpare: where not even a MANIFEST finds room, a trim, which makes
// some, goes on with that of the spare segment.
func TestTrimGivesUpSpare(t *testing.T) {
	l := newTight(t)
	l.full = true
	for _, base := range l.bases[1:3] {
		if err := l.Trim(base); err != nil {
			t.Fatal(err)
		}
		l.settle()
	}
	if l.there(spareFile) || !strings.Contains(l.lines.String(), "gave up the spare segment") {
		t.Errorf("the spare segment is still there:\n%s", &l.lines)
	}
	names, err := l.disk.List(logDir)
	if err != nil || len(names) != 2 || l.Start() != l.bases[2] {
		t.Errorf("%v, %v; the log begins at %d", names, err, l.Start())
	}
	if _, _, err := l.Progress(); err != nil {
		t.Error(err)
	}
}

// TestFailedPut fails each change that a Put makes: the old part stays, and
// nothing else.
func TestFailedPut(t *testing.T) {
	for n := 1; ; n++ {
		disk := vfs.NewMem()
		var fail vfs.Hook
		log := open(t, memOptions(vfs.Wrap(disk, func(op vfs.Op) vfs.Verdict {
			if fail == nil {
				return vfs.Verdict{}
			}
			return fail(op)
		}), 0, true), nil)
		if err := log.Parts().Put("part", strings.NewReader("old")); err != nil {
			t.Fatal(err)
		}
		fail = vfs.FailNth(n, syscall.ENOSPC)
		err := log.Parts().Put("part", strings.NewReader("new"))
		if err == nil {
			if n != 6 { // create, write, sync, rename, syncdir
				t.Errorf("the %d. change failed, and Put did not", n)
			}
			return
		}
		names, _ := disk.List(shardDir + "/parts")
		content, _ := disk.ReadFile(shardDir + "/parts/part")
		renamed := n == 5 // its name is there, whether it stays is not known
		if !errors.Is(err, syscall.ENOSPC) || !slices.Equal(names, []string{"part"}) || string(content) != "old" && !renamed {
			t.Errorf("the %d. change failed: %v; %v, %q", n, err, names, content)
		}
		appendFrame(t, log, 0, wal.FlagSegmentStart, "the log goes on")
	}
}

// TestFilesBelowTheFirst: in a log that was trimmed they are what is left of it,
// in any other they are none of it.
func TestFilesBelowTheFirst(t *testing.T) {
	for _, trimmed := range []bool{true, false} {
		disk := vfs.NewMem()
		log := open(t, memOptions(disk, 0, true), nil)
		next := wal.LSN(1000) // behind a gap
		if trimmed {
			next = appendFrame(t, log, 0, wal.FlagSegmentStart, "first")
		}
		base := next
		appendFrame(t, log, base, wal.FlagSegmentStart, "kept")
		log.Flush()
		log.SyncStep()
		if trimmed {
			if err := log.Trim(base); err != nil {
				t.Fatal(err)
			}
		}
		if err := log.Close(true); err != nil {
			t.Fatal(err)
		}
		foreign := path.Join(logDir, "00000000000000000007.log")
		if err := disk.WriteFile(foreign, []byte("whatever")); err != nil {
			t.Fatal(err)
		}
		again, err := file.New(memOptions(disk, 0, true)).Open(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = again.Recover(0, func(wal.Frame) error { return nil })
		if isCorrupt(err) == trimmed {
			t.Errorf("trimmed %v: Recover: %v", trimmed, err)
		}
		_, err = disk.ReadFile(foreign)
		if errors.Is(err, fs.ErrNotExist) != trimmed {
			t.Errorf("trimmed %v: %s: %v", trimmed, foreign, err)
		}
		again.Close(false)
	}
}

// TestUnusableFolder: a start says what is wrong with the disk. A log that has what
// it needs starts on a full one.
func TestUnusableFolder(t *testing.T) {
	used := func() *vfs.Mem {
		disk := vfs.NewMem()
		log := open(t, memOptions(disk, 0, true), nil)
		appendFrame(t, log, 0, wal.FlagSegmentStart, "x")
		if err := log.Close(true); err != nil {
			t.Fatal(err)
		}
		return disk
	}
	tests := []struct {
		name string
		disk *vfs.Mem
		hurt func(*vfs.Mem)
		want error
	}{
		{"read-only", used(), func(m *vfs.Mem) { m.SetReadOnly(true) }, syscall.EROFS},
		{"read-only and empty", vfs.NewMem(), func(m *vfs.Mem) { m.SetReadOnly(true) }, syscall.EROFS},
		{"no space, empty", vfs.NewMem(), func(m *vfs.Mem) { m.Limit(vfs.Limits{Bytes: 1}) }, syscall.ENOSPC},
		{"no inodes, empty", vfs.NewMem(), func(m *vfs.Mem) { m.Limit(vfs.Limits{Inodes: 3}) }, syscall.ENOSPC},
		{"no space, used", used(), func(m *vfs.Mem) { m.Limit(vfs.Limits{Bytes: 1}) }, nil},
		{"no inodes, used", used(), func(m *vfs.Mem) { m.Limit(vfs.Limits{Inodes: 1}) }, nil},
	}
	for _, tt := range tests {
		tt.hurt(tt.disk)
		log, err := file.New(memOptions(tt.disk, 0, true)).Open(0, nil)
		if err == nil {
			_, err = log.Recover(0, func(wal.Frame) error { return nil })
			log.Close(false)
		}
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}
