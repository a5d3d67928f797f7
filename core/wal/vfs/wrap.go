package vfs

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// Kind says which operation an Op is.
type Kind string

// The kinds. Reads and sizes of files are not among them: they change nothing.
const (
	OpMkdir    Kind = "mkdir"
	OpCreate   Kind = "create"
	OpOpen     Kind = "open"
	OpRename   Kind = "rename"
	OpRemove   Kind = "remove"
	OpList     Kind = "list"
	OpSyncDir  Kind = "syncdir"
	OpLock     Kind = "lock"
	OpRead     Kind = "read"
	OpWrite    Kind = "write"
	OpTruncate Kind = "truncate"
	OpAllocate Kind = "allocate"
	OpSync     Kind = "sync"
)

// Changes reports whether the operation changes the file system or what of it
// is durable.
func (k Kind) Changes() bool {
	switch k {
	case OpOpen, OpList, OpRead, OpLock:
		return false
	}
	return true
}

// Op is one operation, about to be done.
type Op struct {
	Kind Kind
	Path string
	To   string // rename: the new name
	Off  int64  // read, write: where
	Len  int64  // read, write: how many bytes; truncate, allocate: the size
}

// String is one line for a golden list.
func (o Op) String() string {
	switch o.Kind {
	case OpRename:
		return fmt.Sprintf("rename %s -> %s", o.Path, o.To)
	case OpRead, OpWrite:
		return fmt.Sprintf("%s %s at %d len %d", o.Kind, o.Path, o.Off, o.Len)
	case OpTruncate, OpAllocate:
		return fmt.Sprintf("%s %s to %d", o.Kind, o.Path, o.Len)
	}
	return string(o.Kind) + " " + o.Path
}

// Verdict is what a hook wants to become of an operation. The zero Verdict lets
// it happen.
type Verdict struct {
	// Err fails the operation: nothing of it happens, with two exceptions. Of a
	// write the first Partial bytes are written. After a failed sync of a Mem file
	// the bytes written since the last sync count as clean: they stay readable, the
	// next sync succeeds without them, and a power cut takes them, as on Linux.
	Err     error
	Partial int
}

// Hook is called before each operation, by the goroutine that does it.
type Hook func(Op) Verdict

// Wrap returns base with hook called before each operation on it and on the
// files opened through it, but for Size and Close. Wrappers may be nested; the
// outermost hook comes first.
func Wrap(base FS, hook Hook) FS {
	return &wrapFS{base: base, hook: hook, open: map[*wrapFile]bool{}}
}

// FailNth returns a hook that fails the n-th operation (from 1) among those that
// change something, once, with err. Of a write half is done.
func FailNth(n int, err error) Hook {
	seen := 0
	return func(op Op) Verdict {
		if !op.Kind.Changes() {
			return Verdict{}
		}
		seen++
		if seen != n {
			return Verdict{}
		}
		return Verdict{Err: err, Partial: int(op.Len / 2)}
	}
}

// Record returns a hook that hands a line for each operation that changes
// something to add.
func Record(add func(line string)) Hook {
	return func(op Op) Verdict {
		if op.Kind.Changes() {
			add(op.String())
		}
		return Verdict{}
	}
}

type wrapFS struct {
	base FS
	hook Hook

	mu   sync.Mutex
	open map[*wrapFile]bool // a file that is renamed is told its new name; guarded by mu
}

var _ FS = (*wrapFS)(nil)

func (w *wrapFS) Mkdir(path string) error {
	if v := w.hook(Op{Kind: OpMkdir, Path: path}); v.Err != nil {
		return v.Err
	}
	return w.base.Mkdir(path)
}

func (w *wrapFS) Create(path string) (File, error) {
	if v := w.hook(Op{Kind: OpCreate, Path: path}); v.Err != nil {
		return nil, v.Err
	}
	f, err := w.base.Create(path)
	return w.file(path, f, err)
}

func (w *wrapFS) Open(path string) (File, error) {
	if v := w.hook(Op{Kind: OpOpen, Path: path}); v.Err != nil {
		return nil, v.Err
	}
	f, err := w.base.Open(path)
	return w.file(path, f, err)
}

func (w *wrapFS) OpenRead(path string) (File, error) {
	if v := w.hook(Op{Kind: OpOpen, Path: path}); v.Err != nil {
		return nil, v.Err
	}
	f, err := w.base.OpenRead(path)
	return w.file(path, f, err)
}

func (w *wrapFS) file(path string, f File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	file := &wrapFile{File: f, fs: w}
	file.name.Store(&path)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[file] = true
	return file, nil
}

// renamed tells open files their new name.
func (w *wrapFS) renamed(from, to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for f := range w.open {
		if f.path() == from {
			f.name.Store(&to)
		}
	}
}

func (w *wrapFS) Rename(from, to string) error {
	if v := w.hook(Op{Kind: OpRename, Path: from, To: to}); v.Err != nil {
		return v.Err
	}
	if err := w.base.Rename(from, to); err != nil {
		return err
	}
	w.renamed(from, to)
	return nil
}

func (w *wrapFS) Remove(path string) error {
	if v := w.hook(Op{Kind: OpRemove, Path: path}); v.Err != nil {
		return v.Err
	}
	return w.base.Remove(path)
}

func (w *wrapFS) List(dir string) ([]string, error) {
	if v := w.hook(Op{Kind: OpList, Path: dir}); v.Err != nil {
		return nil, v.Err
	}
	return w.base.List(dir)
}

func (w *wrapFS) SyncDir(dir string) error {
	if v := w.hook(Op{Kind: OpSyncDir, Path: dir}); v.Err != nil {
		return v.Err
	}
	return w.base.SyncDir(dir)
}

func (w *wrapFS) Lock(path string) (io.Closer, error) {
	if v := w.hook(Op{Kind: OpLock, Path: path}); v.Err != nil {
		return nil, v.Err
	}
	return w.base.Lock(path)
}

func (w *wrapFS) Locked(path string) (bool, error) { return w.base.Locked(path) }

type wrapFile struct {
	File
	fs   *wrapFS
	name atomic.Pointer[string]
}

func (f *wrapFile) path() string { return *f.name.Load() }

func (f *wrapFile) hook(op Op) Verdict { return f.fs.hook(op) }

func (f *wrapFile) Close() error {
	f.fs.mu.Lock()
	delete(f.fs.open, f)
	f.fs.mu.Unlock()
	return f.File.Close()
}

func (f *wrapFile) ReadAt(p []byte, off int64) (int, error) {
	if v := f.hook(Op{Kind: OpRead, Path: f.path(), Off: off, Len: int64(len(p))}); v.Err != nil {
		return 0, v.Err
	}
	return f.File.ReadAt(p, off)
}

func (f *wrapFile) WriteAt(p []byte, off int64) (int, error) {
	v := f.hook(Op{Kind: OpWrite, Path: f.path(), Off: off, Len: int64(len(p))})
	if v.Err == nil {
		return f.File.WriteAt(p, off)
	}
	n := min(v.Partial, len(p))
	if n > 0 {
		if n, err := f.File.WriteAt(p[:n], off); err != nil {
			return n, err
		}
	}
	return n, v.Err
}

func (f *wrapFile) Truncate(size int64) error {
	if v := f.hook(Op{Kind: OpTruncate, Path: f.path(), Len: size}); v.Err != nil {
		return v.Err
	}
	return f.File.Truncate(size)
}

func (f *wrapFile) Allocate(size int64) error {
	if v := f.hook(Op{Kind: OpAllocate, Path: f.path(), Len: size}); v.Err != nil {
		return v.Err
	}
	return f.File.Allocate(size)
}

// syncFailer is what a File can do that models a failed sync: forget which
// bytes are not on disk. Wrapped files pass it on, so that wrappers nest.
type syncFailer interface{ failSync() }

func (f *wrapFile) failSync() {
	if s, ok := f.File.(syncFailer); ok {
		s.failSync()
	}
}

func (f *wrapFile) Sync() error {
	if v := f.hook(Op{Kind: OpSync, Path: f.path()}); v.Err != nil {
		f.failSync()
		return v.Err
	}
	return f.File.Sync()
}
