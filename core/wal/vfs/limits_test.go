package vfs_test

import (
	"io/fs"
	"math/rand/v2"
	"path"
	"syscall"
	"testing"

	"github.com/gantrymq/gantry/core/wal/vfs"
)

func wantUsed(t *testing.T, m *vfs.Mem, blocks int64, inodes int) {
	t.Helper()
	if got := m.Used(); got.Bytes != blocks*vfs.BlockSize || got.Inodes != inodes {
		t.Errorf("in use: %+v, want %d blocks and %d inodes", got, blocks, inodes)
	}
}

func TestFullDisk(t *testing.T) {
	m := vfs.NewMem()
	m.Limit(vfs.Limits{Bytes: 4 * vfs.BlockSize})
	a, err := m.Create("/a")
	must(t, err)
	must(t, a.Allocate(2*vfs.BlockSize))
	want(t, "Allocate of too much", a.Allocate(5*vfs.BlockSize), syscall.ENOSPC)
	if size, _ := a.Size(); size != 2*vfs.BlockSize {
		t.Errorf("%d bytes after an Allocate that failed", size)
	}
	_, err = a.WriteAt(make([]byte, 2*vfs.BlockSize), 0) // in its room
	must(t, err)
	wantUsed(t, m, 2, 1)

	b, err := m.Create("/b")
	must(t, err)
	n, err := b.WriteAt(make([]byte, 3*vfs.BlockSize), 100)
	if n != 2*vfs.BlockSize-100 {
		t.Errorf("%d bytes were written to a disk with two free blocks", n)
	}
	want(t, "WriteAt of too much", err, syscall.ENOSPC)
	_, err = b.WriteAt([]byte("x"), 5*vfs.BlockSize)
	want(t, "WriteAt to a full disk", err, syscall.ENOSPC)
	_, err = b.WriteAt([]byte("again"), 0)
	must(t, err)
	must(t, m.Mkdir("/d")) // takes an inode only
	wantUsed(t, m, 4, 3)

	must(t, b.Truncate(vfs.BlockSize))
	wantUsed(t, m, 3, 3)
	must(t, m.Remove("/a"))
	wantUsed(t, m, 3, 3) // it is open
	must(t, a.Close())
	wantUsed(t, m, 1, 2)
	c, err := m.Create("/c")
	must(t, err)
	must(t, c.Allocate(3*vfs.BlockSize))
	must(t, c.Close())
	must(t, m.Rename("/b", "/c"))
	wantUsed(t, m, 1, 2)
	if used := m.ProcessCrash().Used(); used != m.Used() {
		t.Errorf("a clone uses %+v", used)
	}
}

func TestNoInodes(t *testing.T) {
	m := vfs.NewMem()
	m.Limit(vfs.Limits{Inodes: 2})
	must(t, m.Mkdir("/d"))
	must(t, write(t, m, "/d/a", "a").Close())
	_, err := m.Create("/d/b")
	want(t, "Create", err, syscall.ENOSPC)
	want(t, "Mkdir", m.Mkdir("/e"), syscall.ENOSPC)
	want(t, "Mkdir of what is there", m.Mkdir("/d"), fs.ErrExist)
	must(t, m.Rename("/d/a", "/d/b"))
	must(t, m.Remove("/d/b"))
	must(t, write(t, m, "/d/b", "b").Close())
}

func TestReadOnly(t *testing.T) {
	m := vfs.NewMem()
	must(t, m.Mkdir("/d"))
	file := write(t, m, "/d/a", "content")
	m.SetReadOnly(true)
	_, err := m.Create("/d/b")
	want(t, "Create", err, syscall.EROFS)
	want(t, "Mkdir", m.Mkdir("/e"), syscall.EROFS)
	want(t, "Mkdir of what is there", m.Mkdir("/d"), fs.ErrExist)
	want(t, "Rename", m.Rename("/d/a", "/d/b"), syscall.EROFS)
	want(t, "Remove", m.Remove("/d/a"), syscall.EROFS)
	_, err = m.Open("/d/a")
	want(t, "Open", err, syscall.EROFS)
	_, err = m.Lock("/d/LOCK")
	want(t, "Lock", err, syscall.EROFS)
	_, err = file.WriteAt([]byte("x"), 0)
	want(t, "WriteAt", err, syscall.EROFS)
	want(t, "Truncate", file.Truncate(0), syscall.EROFS)
	want(t, "Allocate", file.Allocate(100), syscall.EROFS)
	ro, err := m.OpenRead("/d/a")
	must(t, err)
	b := make([]byte, 7)
	_, err = ro.ReadAt(b, 0)
	must(t, err)
	if string(b) != "content" {
		t.Errorf("read %q", b)
	}
	m.SetReadOnly(false)
	must(t, m.Remove("/d/a"))
}

// TestOpenRead: a file that was opened for reading cannot be changed.
func TestOpenRead(t *testing.T) {
	both(t, func(t *testing.T, f vfs.FS, root string) {
		name := path.Join(root, "a")
		_, err := f.OpenRead(name)
		want(t, "OpenRead", err, fs.ErrNotExist)
		must(t, write(t, f, name, "content").Close())
		file, err := f.OpenRead(name)
		must(t, err)
		if _, err := file.WriteAt([]byte("x"), 0); err == nil {
			t.Error("WriteAt succeeded")
		}
		if err := file.Truncate(1); err == nil {
			t.Error("Truncate succeeded")
		}
		must(t, file.Close())
		if got := read(t, f, name); got != "content" {
			t.Errorf("%q", got)
		}
	})
}

func TestLocked(t *testing.T) {
	both(t, func(t *testing.T, f vfs.FS, root string) {
		name := path.Join(root, "LOCK")
		wantLocked := func(want bool) {
			t.Helper()
			if got, err := f.Locked(name); err != nil || got != want {
				t.Errorf("Locked: %v, %v, want %v", got, err, want)
			}
		}
		wantLocked(false)
		if names, _ := f.List(root); len(names) != 0 {
			t.Errorf("Locked made %v", names)
		}
		lock, err := f.Lock(name)
		must(t, err)
		wantLocked(true)
		must(t, lock.Close())
		wantLocked(false)
		lock, err = f.Lock(name)
		must(t, err)
		must(t, lock.Close())
	})
}

// TestRenamedWhileOpen: hooks hear of a file under the name that it has.
func TestRenamedWhileOpen(t *testing.T) {
	var lines []string
	f := vfs.Wrap(vfs.NewMem(), vfs.Record(func(line string) { lines = append(lines, line) }))
	file := write(t, f, "/a", "x")
	must(t, f.Rename("/a", "/b"))
	must(t, file.Sync())
	must(t, file.Close())
	if got := lines[len(lines)-1]; got != "sync /b" {
		t.Errorf("%q", got)
	}
}

// TestBlocks compares what random writes, allocations and truncations take with
// a plain set of blocks.
func TestBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	m := vfs.NewMem()
	f, err := m.Create("/a")
	must(t, err)
	model := map[int64]bool{}
	take := func(from, to int64) {
		for i := from / vfs.BlockSize; i*vfs.BlockSize < to; i++ {
			model[i] = true
		}
	}
	for range 3000 {
		at, n := rng.Int64N(40*vfs.BlockSize), 1+rng.Int64N(3*vfs.BlockSize)
		switch rng.IntN(4) {
		case 0:
			must(t, f.Allocate(n))
			take(0, n)
		case 1:
			must(t, f.Truncate(at))
			for i := range model {
				if i*vfs.BlockSize >= at {
					delete(model, i)
				}
			}
		default:
			_, err := f.WriteAt(make([]byte, n), at)
			must(t, err)
			take(at, at+n)
		}
		if got := m.Used().Bytes / vfs.BlockSize; got != int64(len(model)) {
			t.Fatalf("%d blocks in use, want %d", got, len(model))
		}
	}
}
