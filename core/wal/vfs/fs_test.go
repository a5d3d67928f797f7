package vfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"testing"

	"github.com/gantrymq/gantry/core/wal/vfs"
)

// both runs test on the real file system and on the model, in an empty directory.
func both(t *testing.T, test func(t *testing.T, f vfs.FS, dir string)) {
	t.Run("OS", func(t *testing.T) { test(t, vfs.OS(), t.TempDir()) })
	t.Run("Mem", func(t *testing.T) { test(t, vfs.NewMem(), "/") })
	t.Run("Wrap", func(t *testing.T) {
		test(t, vfs.Wrap(vfs.NewMem(), func(vfs.Op) vfs.Verdict { return vfs.Verdict{} }), "/")
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: %v, want %v", what, err, target)
	}
}

// write makes a file with the given content, not synced.
func write(t *testing.T, f vfs.FS, name, content string) vfs.File {
	t.Helper()
	file, err := f.Create(name)
	must(t, err)
	_, err = file.WriteAt([]byte(content), 0)
	must(t, err)
	return file
}

func read(t *testing.T, f vfs.FS, name string) string {
	t.Helper()
	file, err := f.Open(name)
	must(t, err)
	defer file.Close()
	size, err := file.Size()
	must(t, err)
	b := make([]byte, size)
	_, err = io.ReadFull(io.NewSectionReader(file, 0, size), b)
	must(t, err)
	return string(b)
}

func TestNames(t *testing.T) {
	both(t, func(t *testing.T, f vfs.FS, root string) {
		at := func(name string) string { return path.Join(root, name) }
		must(t, f.Mkdir(at("d")))
		want(t, "Mkdir twice", f.Mkdir(at("d")), fs.ErrExist)
		want(t, "Mkdir without parent", f.Mkdir(at("x/y")), fs.ErrNotExist)
		_, err := f.Open(at("d/a"))
		want(t, "Open", err, fs.ErrNotExist)
		_, err = f.List(at("x"))
		want(t, "List", err, fs.ErrNotExist)
		want(t, "SyncDir", f.SyncDir(at("x")), fs.ErrNotExist)
		want(t, "Remove", f.Remove(at("d/a")), fs.ErrNotExist)
		want(t, "Rename", f.Rename(at("d/a"), at("d/b")), fs.ErrNotExist)

		must(t, write(t, f, at("d/b"), "b").Close())
		must(t, write(t, f, at("d/a"), "a").Close())
		_, err = f.Create(at("d/a"))
		want(t, "Create twice", err, fs.ErrExist)
		must(t, f.Rename(at("d/a"), at("d/b")))
		must(t, write(t, f, at("d/a"), "new").Close())
		must(t, f.SyncDir(at("d")))
		names, err := f.List(at("d"))
		must(t, err)
		if !slices.Equal(names, []string{"a", "b"}) || read(t, f, at("d/b")) != "a" || read(t, f, at("d/a")) != "new" {
			t.Errorf("%v, a=%q, b=%q", names, read(t, f, at("d/a")), read(t, f, at("d/b")))
		}
		must(t, f.Remove(at("d/a")))
		if names, _ := f.List(at("d")); len(names) != 1 {
			t.Errorf("%v after Remove", names)
		}
	})
}

func TestLock(t *testing.T) {
	both(t, func(t *testing.T, f vfs.FS, root string) {
		name := path.Join(root, "LOCK")
		lock, err := f.Lock(name)
		must(t, err)
		_, err = f.Lock(name)
		want(t, "second Lock", err, vfs.ErrLocked)
		other, err := f.Lock(name + "2")
		must(t, err)
		must(t, other.Close())
		must(t, lock.Close())
		lock, err = f.Lock(name)
		must(t, err)
		must(t, lock.Close())
	})
}

// TestFileContent does random changes and compares with a plain slice.
func TestFileContent(t *testing.T) {
	both(t, func(t *testing.T, f vfs.FS, root string) {
		rng := rand.New(rand.NewPCG(1, 2))
		file, err := f.Create(path.Join(root, "f"))
		must(t, err)
		defer file.Close()
		var model []byte
		grow := func(n int) { model = append(model, make([]byte, max(0, n-len(model)))...) }
		for i := range 2000 {
			switch n := rng.IntN(8000); rng.IntN(5) {
			case 0:
				must(t, file.Truncate(int64(n)))
				grow(n)
				model = model[:n]
			case 1:
				must(t, file.Allocate(int64(n)))
				grow(n)
			case 2:
				must(t, file.Sync())
			default:
				p := bytes.Repeat([]byte{byte(i)}, rng.IntN(1500))
				got, err := file.WriteAt(p, int64(n))
				if err != nil || got != len(p) {
					t.Fatalf("WriteAt: %d, %v", got, err)
				}
				if len(p) > 0 {
					grow(n + len(p))
					copy(model[n:], p)
				}
			}
			off := rng.IntN(len(model) + 100)
			p := make([]byte, rng.IntN(3000))
			n, err := file.ReadAt(p, int64(off))
			rest := model[min(off, len(model)):]
			if len(p) > 0 && (n != min(len(p), len(rest)) || !bytes.Equal(p[:n], rest[:n]) || (err == io.EOF) != (n < len(p))) {
				t.Fatalf("step %d: ReadAt %d at %d of %d: %d, %v", i, len(p), off, len(model), n, err)
			}
			if size, err := file.Size(); err != nil || size != int64(len(model)) {
				t.Fatalf("step %d: size %d, %v, want %d", i, size, err, len(model))
			}
		}
	})
}

func TestClosedFile(t *testing.T) {
	both(t, func(t *testing.T, f vfs.FS, root string) {
		file := write(t, f, path.Join(root, "f"), "x")
		must(t, file.Close())
		_, err := file.ReadAt(make([]byte, 1), 0)
		want(t, "ReadAt", err, fs.ErrClosed)
		_, err = file.WriteAt([]byte("y"), 0)
		want(t, "WriteAt", err, fs.ErrClosed)
		want(t, "Sync", file.Sync(), fs.ErrClosed)
		want(t, "Close", file.Close(), fs.ErrClosed)
	})
}

func ExampleRecord() {
	f := vfs.Wrap(vfs.NewMem(), vfs.Record(func(line string) { fmt.Println(line) }))
	file, _ := f.Create("/a")
	file.WriteAt([]byte("hello"), 10)
	file.Sync()
	f.Rename("/a", "/b")
	f.SyncDir("/")
	// Output:
	// create /a
	// write /a at 10 len 5
	// sync /a
	// rename /a -> /b
	// syncdir /
}
