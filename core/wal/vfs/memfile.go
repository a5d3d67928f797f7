package vfs

import (
	"io"
	"io/fs"
	"maps"
	"slices"
	"syscall"
)

// sector is never changed once it is in an image, so images share them.
type sector = [SectorSize]byte

// image is a file's content. A nil sector, and any past the slice, is zeros.
type image struct {
	size    int64
	sectors []*sector
}

func (im *image) clone() image {
	return image{im.size, slices.Clone(im.sectors)}
}

func (im *image) at(i int64) *sector {
	if i < int64(len(im.sectors)) {
		return im.sectors[i]
	}
	return nil
}

func (im *image) put(i int64, s *sector) {
	for i >= int64(len(im.sectors)) {
		if s == nil {
			return
		}
		im.sectors = append(im.sectors, nil)
	}
	im.sectors[i] = s
}

// read copies from off on, within the size.
func (im *image) read(p []byte, off int64) int {
	p = p[:max(0, min(int64(len(p)), im.size-off))]
	for n := 0; n < len(p); {
		i, from := (off+int64(n))/SectorSize, (off+int64(n))%SectorSize
		part := p[n:min(len(p), n+int(SectorSize-from))]
		if s := im.at(i); s != nil {
			copy(part, s[from:])
		} else {
			clear(part)
		}
		n += len(part)
	}
	return len(p)
}

// write stores p at off and names each sector it changed.
func (im *image) write(p []byte, off int64, changed func(i int64)) {
	im.size = max(im.size, off+int64(len(p)))
	for n := 0; n < len(p); {
		i, from := (off+int64(n))/SectorSize, (off+int64(n))%SectorSize
		next := new(sector)
		if old := im.at(i); old != nil {
			*next = *old
		}
		n += copy(next[from:], p[n:])
		im.put(i, next)
		changed(i)
	}
}

// truncate sets the size; when it shrinks, what is cut off becomes zeros.
func (im *image) truncate(size int64, changed func(i int64)) {
	old := im.size
	im.size = size
	if size >= old {
		return
	}
	first := size / SectorSize
	if from := size % SectorSize; from > 0 {
		if s := im.at(first); s != nil {
			next := *s
			clear(next[from:])
			im.sectors[first] = &next
			changed(first)
		}
		first++
	}
	for i := first; i < int64(len(im.sectors)); i++ {
		if im.sectors[i] != nil {
			im.sectors[i] = nil
			changed(i)
		}
	}
}

// fileNode is a file: what readers see, what the disk holds, and in which
// sectors the system knows the two to differ.
type fileNode struct {
	seen  image
	disk  image
	dirty map[int64]bool
	// sizeDirty: the size on disk is not yet that of seen.
	sizeDirty bool

	blocks blocks // that it takes on the disk
	open   int    // handles
}

func newFile() *fileNode {
	return &fileNode{dirty: map[int64]bool{}, blocks: blocks{more: map[int64]bool{}}}
}

func (f *fileNode) mark(i int64) { f.dirty[i] = true }

func (f *fileNode) sync() {
	for i := range f.dirty {
		f.disk.put(i, f.seen.at(i))
	}
	f.disk.size = f.seen.size
	f.sizeDirty = false
	clear(f.dirty)
}

// forget takes for clean what is not on disk. The length is in the file system's
// journal, which does not forget.
func (f *fileNode) forget() { clear(f.dirty) }

func (f *fileNode) clone() *fileNode {
	return &fileNode{
		seen: f.seen.clone(), disk: f.disk.clone(), dirty: maps.Clone(f.dirty), sizeDirty: f.sizeDirty,
		blocks: f.blocks.clone(),
	}
}

// memFile is an open file.
type memFile struct {
	mem      *Mem
	node     *fileNode // its content is guarded by mem.mu
	readOnly bool
	closed   bool // guarded by mem.mu
}

var _ File = (*memFile)(nil)

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if f.closed {
		return 0, fs.ErrClosed
	}
	n := f.node.seen.read(p, off)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes what there is room for.
func (f *memFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.change(func(node *fileNode) error {
		room := f.mem.room()
		var full error
		n, full = node.blocks.write(off, int64(len(p)), room)
		if n > 0 {
			node.seen.write(p[:n], off, node.mark)
		}
		return full
	})
	return n, err
}

func (f *memFile) Truncate(size int64) error {
	return f.change(func(n *fileNode) error {
		n.blocks.truncate(size)
		n.seen.truncate(size, n.mark)
		return nil
	})
}

func (f *memFile) Allocate(size int64) error {
	return f.change(func(n *fileNode) error {
		if err := n.blocks.allocate(size, f.mem.room()); err != nil {
			return err
		}
		n.seen.size = max(n.seen.size, size)
		return nil
	})
}

func (f *memFile) Sync() error {
	return f.change(func(n *fileNode) error { n.sync(); return nil })
}

// failSync does what Linux does when a sync fails: see Verdict.
func (f *memFile) failSync() {
	_ = f.change(func(n *fileNode) error { n.forget(); return nil })
}

func (f *memFile) change(do func(*fileNode) error) error {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	if f.readOnly {
		return syscall.EBADF
	}
	if f.mem.readOnly {
		return syscall.EROFS
	}
	before := f.node.seen.size
	err := do(f.node)
	if f.node.seen.size != before {
		f.node.sizeDirty = true
	}
	return err
}

func (f *memFile) Size() (int64, error) {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if f.closed {
		return 0, fs.ErrClosed
	}
	return f.node.seen.size, nil
}

func (f *memFile) Close() error {
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	f.closed = true
	if f.node.open--; f.node.open == 0 {
		delete(f.mem.orphans, f.node)
	}
	return nil
}
