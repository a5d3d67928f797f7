package kafka

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/core/wal"
)

// parts are a shard's parts: chunks and manifests in a compacted topic. A part that
// is put gets an id of its own, and its chunks keys that no other part ever has, so
// that a late write of an owner that was replaced harms nobody.
type parts struct {
	store  *store
	random func([]byte)
	dir    partDir
	ctx    context.Context
	closed atomic.Bool

	mu    sync.Mutex
	named map[string]*content
	left  []*manifest // what earlier owners began to write, or to delete
}

var _ wal.Parts = (*parts)(nil)

// putting bounds how many chunks are under way at once.
const putting = 8

// load learns what parts there are.
func (p *parts) load(ctx context.Context) error {
	found, err := p.store.manifests(ctx)
	if err != nil {
		return err
	}
	p.named = map[string]*content{}
	for _, m := range found { // in the order in which they were written
		if m.state != statePresent {
			p.left = append(p.left, m)
			continue
		}
		if old := p.named[m.name]; old != nil {
			p.left = append(p.left, old.manifest)
		}
		p.named[m.name] = p.dir.content(m, false)
	}
	return nil
}

// Put implements wal.Parts.
func (p *parts) Put(name string, r io.Reader) error {
	if err := p.check(name); err != nil {
		return err
	}
	p.sweep()
	m := &manifest{name: name, state: stateWriting}
	p.random(m.id[:])
	c, err := p.dir.spool(m, r)
	if err == nil {
		err = p.upload(c)
	}
	if err != nil {
		c.drop()
		return fmt.Errorf("put part %s: %w", name, err)
	}
	p.mu.Lock()
	old := p.named[name]
	p.named[name] = c
	p.mu.Unlock()
	if old != nil {
		return p.remove(old)
	}
	return nil
}

// upload says which part is coming, sends its chunks, and says that it is there.
func (p *parts) upload(c *content) error {
	if err := p.store.putManifest(p.ctx, c.manifest); err != nil {
		return err
	}
	for i := 0; i < len(c.chunks); i += putting {
		n := min(putting, len(c.chunks)-i)
		if err := p.store.putChunks(p.ctx, c, i, n); err != nil {
			return err
		}
	}
	c.manifest.state = statePresent
	return p.store.putManifest(p.ctx, c.manifest)
}

// Open implements wal.Parts.
func (p *parts) Open(name string) (wal.Part, error) {
	if err := p.check(name); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.named[name]
	if c == nil {
		return nil, fmt.Errorf("open part %s: %w", name, fs.ErrNotExist)
	}
	c.opened.Add(1)
	return &part{content: c, parts: p}, nil
}

// List implements wal.Parts.
func (p *parts) List(prefix string) ([]string, error) {
	if p.closed.Load() {
		return nil, wal.ErrClosed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for name := range p.named {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Delete implements wal.Parts.
func (p *parts) Delete(name string) error {
	if err := p.check(name); err != nil {
		return err
	}
	p.mu.Lock()
	c := p.named[name]
	delete(p.named, name)
	p.mu.Unlock()
	if c == nil {
		return nil
	}
	if err := p.remove(c); err != nil {
		return fmt.Errorf("delete part %s: %w", name, err)
	}
	return nil
}

// remove takes a part away. Whoever has it open has all of it here first.
func (p *parts) remove(c *content) error {
	if c.opened.Load() > 0 {
		if err := c.complete(p.ctx, p.store); err != nil {
			return err
		}
	}
	if err := p.erase(c.manifest); err != nil {
		return err
	}
	c.unlink()
	return nil
}

// erase has Kafka forget a part. It is doomed first, so that an end on the way
// leaves no half part.
func (p *parts) erase(m *manifest) error {
	doomed := *m
	doomed.state = stateDoomed
	if err := p.store.putManifest(p.ctx, &doomed); err != nil {
		return err
	}
	if err := p.store.eraseChunks(p.ctx, m); err != nil {
		return err
	}
	return p.store.eraseManifest(p.ctx, m)
}

// sweep takes away what earlier owners left half done.
func (p *parts) sweep() {
	p.mu.Lock()
	left := p.left
	p.left = nil
	p.mu.Unlock()
	for _, m := range left {
		if err := p.erase(m); err != nil {
			p.store.logger.Warn("what is left of a part cannot be erased in Kafka", "part", m.name, "err", err)
			return
		}
	}
}

func (p *parts) check(name string) error {
	if p.closed.Load() {
		return wal.ErrClosed
	}
	return wal.CheckPartName(name)
}

// part is an open part.
type part struct {
	*content
	parts *parts
	once  sync.Once
}

func (p *part) Size() int64 { return p.manifest.size }

func (p *part) Close() error {
	p.once.Do(func() { p.opened.Add(-1) })
	return nil
}

// ReadAt reads what is here already, and fetches the rest.
func (p *part) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	n := 0
	for n < len(b) && off < p.manifest.size {
		i := off / chunkBytes
		chunk, err := p.chunk(p.parts.ctx, p.parts.store, int(i))
		if err != nil {
			return n, fmt.Errorf("read part %s: %w", p.manifest.name, err)
		}
		k := copy(b[n:], chunk[off-i*chunkBytes:])
		n, off = n+k, off+int64(k)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// byOffset orders manifests as they were written.
func byOffset(a, b *manifest) int { return cmp.Compare(a.at, b.at) }
