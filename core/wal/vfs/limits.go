package vfs

import (
	"io/fs"
	"maps"
	"math"
	"syscall"
)

// BlockSize is in what a disk gives room.
const BlockSize = 4096

// Limits are the size of a disk. Zero means: no limit.
type Limits struct {
	Bytes  int64 // of all files, in blocks; directories take none
	Inodes int   // files and directories, the root aside
}

// Limit gives the disk a size. If more is in use already, nothing new finds room
// until enough of it has gone. Room is given back by Remove, by a Rename that
// replaces, and by Truncate; that of a file which is open, when it is closed.
func (m *Mem) Limit(l Limits) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limits = l
}

// SetReadOnly makes all changes fail with syscall.EROFS, as on a disk that the
// system has mounted anew after an error; or lets them happen again.
func (m *Mem) SetReadOnly(readOnly bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.readOnly = readOnly
}

// Used returns what is in use of the disk.
func (m *Mem) Used() Limits {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used()
}

// used counts. Caller holds mu.
func (m *Mem) used() Limits {
	var sum Limits
	for f := range m.orphans {
		sum.Bytes += f.blocks.bytes()
		sum.Inodes++
	}
	sum.add(m.root)
	return sum
}

func (l *Limits) add(n *node) {
	if n.fil != nil {
		l.Bytes += n.fil.blocks.bytes()
		return
	}
	for _, child := range n.dir.names {
		l.Inodes++
		l.add(child)
	}
}

// room returns how many blocks are free. Caller holds mu.
func (m *Mem) room() int64 {
	if m.limits.Bytes == 0 {
		return math.MaxInt64
	}
	return max(0, m.limits.Bytes-m.used().Bytes) / BlockSize
}

// changeable says whether anything may be changed. Caller holds mu.
func (m *Mem) changeable(op, name string) error {
	if m.readOnly {
		return &fs.PathError{Op: op, Path: name, Err: syscall.EROFS}
	}
	return nil
}

// addable says whether there is an inode for a new file or directory. Caller holds mu.
func (m *Mem) addable(op, name string) error {
	if err := m.changeable(op, name); err != nil {
		return err
	}
	if m.limits.Inodes > 0 && m.used().Inodes >= m.limits.Inodes {
		return &fs.PathError{Op: op, Path: name, Err: syscall.ENOSPC}
	}
	return nil
}

// unlinked notes that a file has lost its name. Caller holds mu.
func (m *Mem) unlinked(n *node) {
	if n != nil && n.fil != nil && n.fil.open > 0 {
		m.orphans[n.fil] = true
	}
}

// blocks are what a file takes on the disk: the first ones, which were allocated
// or written, and more that were written behind a hole.
type blocks struct {
	first int64
	more  map[int64]bool
}

func (b *blocks) bytes() int64 { return (b.first + int64(len(b.more))) * BlockSize }

func (b *blocks) clone() blocks { return blocks{b.first, maps.Clone(b.more)} }

func (b *blocks) has(i int64) bool { return i < b.first || b.more[i] }

// take makes block i one of the file's.
func (b *blocks) take(i int64) {
	if i > b.first {
		b.more[i] = true
		return
	}
	for b.first++; b.more[b.first]; b.first++ {
		delete(b.more, b.first)
	}
}

// write takes the blocks for n bytes at off, as far as there is room for new ones,
// and returns how many bytes can be written.
func (b *blocks) write(off, n, room int64) (int, error) {
	for at := off; at < off+n; at = (at/BlockSize + 1) * BlockSize {
		if b.has(at / BlockSize) {
			continue
		}
		if room == 0 {
			return int(at - off), syscall.ENOSPC
		}
		room--
		b.take(at / BlockSize)
	}
	return int(n), nil
}

// allocate takes all blocks up to size, or none.
func (b *blocks) allocate(size, room int64) error {
	last := (size + BlockSize - 1) / BlockSize
	if last <= b.first {
		return nil
	}
	missing := last - b.first
	for i := range b.more {
		if i < last {
			missing--
		}
	}
	if missing > room {
		return syscall.ENOSPC
	}
	b.first = last
	maps.DeleteFunc(b.more, func(i int64, _ bool) bool { return i < last })
	for b.more[b.first] {
		delete(b.more, b.first)
		b.first++
	}
	return nil
}

// truncate gives back the blocks behind size.
func (b *blocks) truncate(size int64) {
	last := (size + BlockSize - 1) / BlockSize
	b.first = min(b.first, last)
	maps.DeleteFunc(b.more, func(i int64, _ bool) bool { return i >= last })
}
