package vfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// ProcessCrash returns the file system as the next process finds it when this
// one dies now: all that was written is there, synced or not, and no lock is
// held. What was not synced is still at the mercy of a power cut. The original
// goes on unharmed.
func (m *Mem) ProcessCrash() *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clone(cloner{copies: map[*node]*node{}})
}

// PowerCut returns the file system as the next boot finds it when the power goes
// now. What was synced is there. Of what was not:
//   - each sector of a file was written or not, by itself; how likely is drawn
//     for each file: never, half or seven eighths of them;
//   - the new length of a file is on disk or not;
//   - each change of a directory (create, rename, remove) is on disk or not, by
//     itself, whatever became of the others and of the file's content.
//
// All choices are drawn from seed. The original goes on unharmed.
func (m *Mem) PowerCut(seed uint64) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clone(cloner{
		copies: map[*node]*node{},
		cut:    rand.New(rand.NewPCG(seed, 0x706f776572)),
	})
}

// clone returns a copy that nobody has files open in. Its disk has the same limits.
func (m *Mem) clone(c cloner) *Mem {
	to := NewMem()
	to.root, to.limits, to.readOnly = c.copy(m.root), m.limits, m.readOnly
	return to
}

// cloner copies a tree; with cut set, what a power cut leaves of it.
type cloner struct {
	copies map[*node]*node // a node may be reached by its old and its new name
	cut    *rand.Rand
}

func (c *cloner) copy(n *node) *node {
	if done := c.copies[n]; done != nil {
		return done
	}
	to := &node{}
	c.copies[n] = to
	switch {
	case n.fil != nil && c.cut != nil:
		to.fil = c.cutFile(n.fil)
	case n.fil != nil:
		to.fil = n.fil.clone()
	case c.cut != nil:
		to.dir = c.cutDir(n.dir)
	default:
		to.dir = c.copyDir(n.dir)
	}
	return to
}

func (c *cloner) copyDir(d *dirNode) *dirNode {
	to := &dirNode{names: c.copyNames(d.names), durable: c.copyNames(d.durable)}
	for _, p := range d.pending {
		if p.node != nil {
			p.node = c.copy(p.node)
		}
		to.pending = append(to.pending, p)
	}
	return to
}

func (c *cloner) cutDir(d *dirNode) *dirNode {
	names := maps.Clone(d.durable)
	for _, p := range d.pending {
		if c.cut.IntN(2) == 0 {
			p.apply(names)
		}
	}
	to := &dirNode{names: c.copyNames(names)}
	to.durable = maps.Clone(to.names)
	return to
}

// copyNames copies in the order of the names: choices must not depend on that of a map.
func (c *cloner) copyNames(names map[string]*node) map[string]*node {
	to := make(map[string]*node, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		to[name] = c.copy(names[name])
	}
	return to
}

// keepEighths are the chances of a sector to be kept, one drawn for each file.
var keepEighths = [...]int{0, 4, 7}

func (c *cloner) cutFile(f *fileNode) *fileNode {
	keep := keepEighths[c.cut.IntN(len(keepEighths))]
	kept := func() bool { return c.cut.IntN(8) < keep }
	disk := f.disk.clone()
	for _, i := range slices.Sorted(maps.Keys(f.dirty)) {
		if kept() {
			disk.put(i, f.seen.at(i))
		}
	}
	size := disk.size
	if f.sizeDirty && kept() {
		size = f.seen.size
	}
	// Kept sectors past the size are not reachable, nor do they come back.
	disk.size = max(f.seen.size, f.disk.size)
	disk.truncate(size, func(int64) {})
	to := newFile()
	to.seen, to.disk, to.blocks = disk, disk.clone(), f.blocks.clone()
	to.blocks.truncate(disk.size)
	return to
}
