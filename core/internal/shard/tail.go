package shard

import (
	"sort"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/core/internal/model"
	"golang.org/x/sys/unix"
)

// slabBytes is the size of a slab that holds frames of the usual size.
const slabBytes = 4 << 20

// slab is a piece of memory outside the heap: frames are built in it, written
// from it, and read from it while they are young.
type slab struct {
	buf  []byte
	base model.LSN // of buf[0]
	used int
	refs atomic.Int32 // the tail's own, and one for each reader
}

func (b *slab) end() model.LSN { return b.base + model.LSN(b.used) }

// tail keeps the end of the log in memory. It belongs to the loop; only release
// may be called by others.
type tail struct {
	slabs []*slab // ascending
	bytes int64
	limit int64

	mu   sync.Mutex
	free []*slab // of slabBytes
}

// room returns the place for a frame that begins at lsn and has at least n bytes.
func (t *tail) room(lsn model.LSN, n int) (b *slab, from int) {
	if k := len(t.slabs); k > 0 {
		b = t.slabs[k-1]
		if b.end() == lsn && b.used+n <= len(b.buf) {
			return b, b.used
		}
	}
	b = t.newSlab(n)
	b.base, b.used = lsn, 0
	b.refs.Store(1)
	t.slabs = append(t.slabs, b)
	t.bytes += int64(len(b.buf))
	return b, 0
}

func (t *tail) newSlab(n int) *slab {
	if n > slabBytes {
		return &slab{buf: mapMemory(n)}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if k := len(t.free); k > 0 {
		b := t.free[k-1]
		t.free = t.free[:k-1]
		return b
	}
	return &slab{buf: mapMemory(slabBytes)}
}

func mapMemory(n int) []byte {
	buf, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n) // out of mappings: the heap will do
	}
	return buf
}

// evict lets go of the oldest slabs above the limit, as far as they are written.
func (t *tail) evict(written model.LSN) {
	for len(t.slabs) > 1 && t.bytes > t.limit && t.slabs[0].end() <= written {
		b := t.slabs[0]
		t.slabs = t.slabs[1:]
		t.bytes -= int64(len(b.buf))
		t.release(b)
	}
}

// release gives up one reference. Any goroutine may call it.
func (t *tail) release(b *slab) {
	if b.refs.Add(-1) > 0 {
		return
	}
	if len(b.buf) != slabBytes {
		unix.Munmap(b.buf) // fails on memory of the heap, which needs no unmapping
		return
	}
	t.mu.Lock()
	t.free = append(t.free, b)
	t.mu.Unlock()
}

// find returns the slab that holds n bytes at lsn, nil if they are cold.
func (t *tail) find(lsn model.LSN, n int) *slab {
	i := sort.Search(len(t.slabs), func(i int) bool { return t.slabs[i].base > lsn }) - 1
	if i < 0 || lsn+model.LSN(n) > t.slabs[i].end() {
		return nil
	}
	return t.slabs[i]
}

// at returns n bytes at lsn, which the slab holds.
func (b *slab) at(lsn model.LSN, n int) []byte {
	from := int(lsn - b.base)
	return b.buf[from : from+n]
}

// drop gives all memory back. Nobody may read it any more.
func (t *tail) drop() {
	for _, b := range append(t.slabs, t.free...) {
		unix.Munmap(b.buf) // fails on memory of the heap, which needs no unmapping
	}
	t.slabs, t.free, t.bytes = nil, nil, 0
}
