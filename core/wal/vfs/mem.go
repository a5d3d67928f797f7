package vfs

import (
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
)

// Mem is a file system in memory that keeps, beside what a reader sees, what a
// disk would hold: see [Mem.PowerCut] for its rules. The zero value is not
// usable; [NewMem] makes one, empty but for its root directory.
//
// Files are sparse: zeros that were never written take no memory.
type Mem struct {
	mu       sync.Mutex // guards everything below, and all nodes
	root     *node
	locks    map[string]bool
	limits   Limits
	orphans  map[*fileNode]bool // open, but without a name: they still take room
	readOnly bool
}

var _ FS = (*Mem)(nil)

// NewMem returns an empty file system.
func NewMem() *Mem {
	return &Mem{root: newDir(), locks: map[string]bool{}, orphans: map[*fileNode]bool{}}
}

// node is a file or a directory.
type node struct {
	dir *dirNode // one of the two
	fil *fileNode
}

// dirNode keeps the names that readers see, and those that are durable. Their
// difference is pending: the changes since the last SyncDir, in order.
type dirNode struct {
	names   map[string]*node
	durable map[string]*node
	pending []nameChange
}

// nameChange is one change of a directory: it removes a name, gives a node one,
// or does both at once (rename).
type nameChange struct {
	remove string
	add    string
	node   *node
}

func (c nameChange) apply(names map[string]*node) {
	if c.remove != "" {
		delete(names, c.remove)
	}
	if c.add != "" {
		names[c.add] = c.node
	}
}

func newDir() *node {
	return &node{dir: &dirNode{names: map[string]*node{}, durable: map[string]*node{}}}
}

func (d *dirNode) change(c nameChange) {
	c.apply(d.names)
	d.pending = append(d.pending, c)
}

// find returns the node at name, or nil.
func (m *Mem) find(name string) *node {
	at := m.root
	for part := range strings.SplitSeq(path.Clean("/"+name), "/") {
		if part == "" {
			continue
		}
		if at.dir == nil {
			return nil
		}
		if at = at.dir.names[part]; at == nil {
			return nil
		}
	}
	return at
}

// parent returns the directory that holds name, and its last part.
func (m *Mem) parent(op, name string) (*dirNode, string, error) {
	dir, base := path.Split(path.Clean("/" + name))
	if n := m.find(dir); n != nil && n.dir != nil && base != "" {
		return n.dir, base, nil
	}
	return nil, "", &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// add gives a new node its name, which must be free.
func (m *Mem) add(op, name string, n *node) error {
	d, base, err := m.parent(op, name)
	if err != nil {
		return err
	}
	if d.names[base] != nil {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrExist}
	}
	if err := m.addable(op, name); err != nil {
		return err
	}
	d.change(nameChange{add: base, node: n})
	return nil
}

// file returns the file at name.
func (m *Mem) file(op, name string) (*fileNode, error) {
	if n := m.find(name); n != nil && n.fil != nil {
		return n.fil, nil
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Mkdir makes a directory.
func (m *Mem) Mkdir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.add("mkdir", name, newDir())
}

// Create makes a file.
func (m *Mem) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := newFile()
	if err := m.add("create", name, &node{fil: f}); err != nil {
		return nil, err
	}
	return m.handle(f, false), nil
}

// Open opens a file.
func (m *Mem) Open(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.file("open", name)
	if err == nil {
		err = m.changeable("open", name)
	}
	if err != nil {
		return nil, err
	}
	return m.handle(f, false), nil
}

// OpenRead opens a file for reading.
func (m *Mem) OpenRead(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.file("open", name)
	if err != nil {
		return nil, err
	}
	return m.handle(f, true), nil
}

func (m *Mem) handle(f *fileNode, readOnly bool) File {
	f.open++
	return &memFile{mem: m, node: f, readOnly: readOnly}
}

// Rename renames a file within its directory.
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.file("rename", from); err != nil {
		return err
	}
	d, base, err := m.parent("rename", from)
	if err != nil {
		return err
	}
	into, newBase, err := m.parent("rename", to)
	if err != nil {
		return err
	}
	if into != d {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrInvalid}
	}
	if err := m.changeable("rename", from); err != nil {
		return err
	}
	if newBase != base {
		m.unlinked(d.names[newBase])
	}
	d.change(nameChange{remove: base, add: newBase, node: d.names[base]})
	return nil
}

// Remove removes a file.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.file("remove", name); err != nil {
		return err
	}
	d, base, err := m.parent("remove", name)
	if err != nil {
		return err
	}
	if err := m.changeable("remove", name); err != nil {
		return err
	}
	m.unlinked(d.names[base])
	d.change(nameChange{remove: base})
	return nil
}

// List returns the names in a directory.
func (m *Mem) List(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.find(dir)
	if n == nil || n.dir == nil {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: fs.ErrNotExist}
	}
	return slices.Sorted(maps.Keys(n.dir.names)), nil
}

// SyncDir makes the names in a directory durable.
func (m *Mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.find(dir)
	if n == nil || n.dir == nil {
		return &fs.PathError{Op: "syncdir", Path: dir, Err: fs.ErrNotExist}
	}
	n.dir.durable = maps.Clone(n.dir.names)
	n.dir.pending = nil
	return nil
}

// Lock takes a lock.
func (m *Mem) Lock(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks[name] {
		return nil, ErrLocked
	}
	if err := m.changeable("lock", name); err != nil {
		return nil, err
	}
	if m.find(name) == nil {
		if err := m.add("lock", name, &node{fil: newFile()}); err != nil {
			return nil, err
		}
	}
	m.locks[name] = true
	return &memLock{m, name}, nil
}

// Locked reports whether a lock is held.
func (m *Mem) Locked(name string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.locks[name], nil
}

type memLock struct {
	mem  *Mem
	name string
}

func (l *memLock) Close() error {
	l.mem.mu.Lock()
	defer l.mem.mu.Unlock()
	delete(l.mem.locks, l.name)
	return nil
}
