package vfs_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/gantrymq/gantry/core/wal/vfs"
)

const sector = vfs.SectorSize

func TestProcessCrashKeepsAll(t *testing.T) {
	m := vfs.NewMem()
	_, err := m.Lock("/LOCK")
	must(t, err)
	write(t, m, "/a", "unsynced")
	after := m.ProcessCrash()
	if got := read(t, after, "/a"); got != "unsynced" {
		t.Errorf("after the crash: %q", got)
	}
	if _, err := after.Lock("/LOCK"); err != nil {
		t.Errorf("the lock outlived its process: %v", err)
	}
	// The clone is another disk, and its bytes are as unsynced as before.
	must(t, after.Remove("/a"))
	if got := read(t, m, "/a"); got != "unsynced" {
		t.Errorf("the original: %q", got)
	}
	lost := 0
	for seed := range uint64(64) {
		if _, err := m.ProcessCrash().PowerCut(seed).Open("/a"); err != nil {
			lost++
		}
	}
	if lost == 0 || lost == 64 {
		t.Errorf("%d of 64 power cuts took the file's unsynced name", lost)
	}
}

// TestPowerCutSectors: synced sectors stay, each other one is as it is on disk
// or as it was written, and nothing else.
func TestPowerCutSectors(t *testing.T) {
	m := vfs.NewMem()
	old, next := strings.Repeat("o", 20*sector), strings.Repeat("n", 20*sector)
	f := write(t, m, "/f", old)
	must(t, f.Sync())
	must(t, m.SyncDir("/"))
	_, err := f.WriteAt([]byte(next), 0)
	must(t, err)
	patterns := map[string]int{}
	for seed := range uint64(200) {
		got := read(t, m.PowerCut(seed), "/f")
		if got != read(t, m.PowerCut(seed), "/f") {
			t.Fatalf("seed %d: two results", seed)
		}
		pattern := ""
		for i := 0; i < len(got); i += sector {
			s := got[i : i+sector]
			if s != old[:sector] && s != next[:sector] {
				t.Fatalf("seed %d: half a sector at %d", seed, i)
			}
			pattern += s[:1]
		}
		patterns[pattern]++
	}
	if patterns[old[:20]] < 20 || len(patterns) < 50 {
		t.Errorf("%d patterns, %d times none was kept: want many, and a third", len(patterns), patterns[old[:20]])
	}
	must(t, f.Sync())
	if got := read(t, m.PowerCut(1), "/f"); got != next {
		t.Error("a power cut took synced bytes")
	}
}

// TestPowerCutLength: a new length and the bytes in it are kept or lost apart.
func TestPowerCutLength(t *testing.T) {
	m := vfs.NewMem()
	f := write(t, m, "/f", "1234")
	must(t, f.Sync())
	must(t, m.SyncDir("/"))
	_, err := f.WriteAt([]byte("5678"), 2*sector)
	must(t, err)
	seen := map[string]bool{}
	for seed := range uint64(300) {
		got := read(t, m.PowerCut(seed), "/f")
		seen[fmt.Sprint(len(got), strings.HasSuffix(got, "5678"))] = true
		if !strings.HasPrefix(got, "1234") {
			t.Fatalf("seed %d: %q", seed, got)
		}
	}
	for _, want := range []string{"4 false", fmt.Sprint(2*sector+4, " true"), fmt.Sprint(2*sector+4, " false")} {
		if !seen[want] {
			t.Errorf("no power cut left: length, bytes = %s (%v)", want, seen)
		}
	}
}

// TestPowerCutNames: changes of a directory are kept or lost by themselves.
func TestPowerCutNames(t *testing.T) {
	m := vfs.NewMem()
	for _, name := range []string{"/gone", "/from", "/to"} {
		must(t, write(t, m, name, name).Sync())
	}
	must(t, m.SyncDir("/"))
	must(t, m.Remove("/gone"))
	must(t, m.Rename("/from", "/to"))
	must(t, write(t, m, "/new", "x").Sync())
	seen := map[string]bool{}
	for seed := range uint64(200) {
		cut := m.PowerCut(seed)
		names, err := cut.List("/")
		must(t, err)
		state := strings.Join(names, " ")
		seen[state] = true
		if to := read(t, cut, "/to"); strings.Contains(state, "from") == (to == "/from") {
			t.Fatalf("seed %d: half a rename: %s, to holds %q", seed, state, to)
		}
	}
	if len(seen) != 8 {
		t.Errorf("three changes left %d states, want 8: %v", len(seen), seen)
	}
	must(t, m.SyncDir("/"))
	names, _ := m.PowerCut(3).List("/")
	if got := strings.Join(names, " "); got != "new to" {
		t.Errorf("a power cut undid synced changes: %s", got)
	}
}

// TestFailedSync: what a failed sync was to write is lost for good, though it can
// be read and the next sync succeeds.
func TestFailedSync(t *testing.T) {
	m := vfs.NewMem()
	fail := true
	f := vfs.Wrap(vfs.Wrap(m, func(op vfs.Op) vfs.Verdict {
		if op.Kind == vfs.OpSync && fail {
			return vfs.Verdict{Err: syscall.EIO}
		}
		return vfs.Verdict{}
	}), func(vfs.Op) vfs.Verdict { return vfs.Verdict{} })
	file := write(t, f, "/f", "lost")
	must(t, m.SyncDir("/"))
	want(t, "Sync", file.Sync(), syscall.EIO)
	fail = false
	must(t, file.Sync())
	if got := read(t, f, "/f"); got != "lost" {
		t.Errorf("before the cut: %q", got)
	}
	for seed := range uint64(50) {
		if got := read(t, m.PowerCut(seed), "/f"); got != "\x00\x00\x00\x00" {
			t.Fatalf("after the cut: %q", got)
		}
	}
	durable, err := m.ReadDurable("/f")
	if err != nil || string(durable) != "\x00\x00\x00\x00" {
		t.Errorf("ReadDurable: %q, %v", durable, err)
	}
	_, err = file.WriteAt([]byte("kept"), 0)
	must(t, err)
	must(t, file.Sync())
	if got := read(t, m.PowerCut(1), "/f"); got != "kept" {
		t.Errorf("written and synced again, then cut: %q", got)
	}
}

func TestFailNth(t *testing.T) {
	boom := errors.New("boom")
	m := vfs.NewMem()
	f := vfs.Wrap(m, vfs.FailNth(2, boom))
	file, err := f.Create("/f")
	must(t, err)
	_, _ = f.List("/") // counts only what changes something
	n, err := file.WriteAt([]byte("abcdef"), 0)
	if n != 3 || !errors.Is(err, boom) {
		t.Errorf("second change: %d, %v, want half of it and the error", n, err)
	}
	_, err = file.WriteAt([]byte("x"), 5)
	must(t, err)
	if got := read(t, m, "/f"); got != "abc\x00\x00x" {
		t.Errorf("content: %q", got)
	}
}

func TestRot(t *testing.T) {
	m := vfs.NewMem()
	must(t, m.WriteFile("/f", []byte("abc")))
	must(t, m.Rot("/f", func(b []byte) []byte { b[1] = 'X'; return b[:2] }))
	if got := read(t, m.PowerCut(9), "/f"); got != "aX" {
		t.Errorf("content: %q", got)
	}
}
