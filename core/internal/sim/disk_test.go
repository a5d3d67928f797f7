package sim

import (
	"errors"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/gantrymq/gantry/core/wal/vfs"
)

const (
	dataDir    = "/data"
	shardDir   = dataDir + "/shard-0000"
	logDir     = shardDir + "/log"
	partsDir   = shardDir + "/parts"
	spareName  = "spare.log" // a segment to be
	headerPage = 4096        // of a segment file, before its first frame
)

// disk is the file system under the log: it counts the calls, does at one of them
// what the plan wants, and keeps a book of what really became durable.
type disk struct {
	mem   *vfs.Mem
	fs    vfs.FS
	book  book
	calls int // that change something, since the disk was made

	armed  *fault
	left   int // calls until it happens
	clock  func() int64
	noRoom int64 // when a call failed for lack of room, as the plan wanted it; 0: never
	hurt   bool  // a call that changes something has failed, in this life of the process
	failed bool  // and it was one that the log cannot do without

	dead    bool     // the process died at a call
	after   *vfs.Mem // what it left
	cut     bool     // the power went
	cutSeed uint64
}

// fault is what becomes of a call.
type fault struct {
	err   error  // fails with it; nil: the process dies
	cut   bool   // dies because the power goes
	seed  uint64 // of the cut
	torn  int    // eighths of a write that are done all the same
	syncs bool   // waits for the first sync
}

func newDisk(mem *vfs.Mem) *disk {
	d := &disk{mem: mem, book: newBook()}
	d.fs = vfs.Wrap(mem, d.hook)
	return d
}

// arm has the fault happen at the n-th call from now that changes something.
func (d *disk) arm(n int, f fault) { d.armed, d.left = &f, n }

func (d *disk) disarm() { d.armed = nil }

func (d *disk) hook(op vfs.Op) vfs.Verdict {
	if d.dead {
		d.leave()
		return vfs.Verdict{Err: errDead}
	}
	v := d.decide(op)
	d.book.note(op, v, int64(v.Partial))
	return v
}

func (d *disk) decide(op vfs.Op) vfs.Verdict {
	if !op.Kind.Changes() {
		return vfs.Verdict{}
	}
	d.calls++
	if d.armed == nil {
		return vfs.Verdict{}
	}
	if d.left--; d.left > 0 || d.armed.syncs && op.Kind != vfs.OpSync {
		return vfs.Verdict{}
	}
	f := d.armed
	d.armed = nil
	v := vfs.Verdict{Err: f.err}
	if op.Kind == vfs.OpWrite {
		v.Partial = int(op.Len) * f.torn / 8
	}
	if f.err != nil {
		d.hurt = true
		d.failed = d.failed || fatal(op)
		if errors.Is(f.err, syscall.ENOSPC) {
			d.noRoom = d.clock()
		}
		sometimes("io.failed." + string(op.Kind))
		return v
	}
	v.Err = errDead
	d.dead, d.cut = true, f.cut
	d.cutSeed = f.seed
	if v.Partial > 0 {
		sometimes("crash.torn_write")
	} else {
		d.leave()
	}
	return v
}

// fatal tells the calls whose failure ends the log. Snapshots, index parts and
// spare segments are not needed, and a full disk is no reason to fail for them.
func fatal(op vfs.Op) bool {
	segment := path.Dir(op.Path) == logDir && path.Base(op.Path) != spareName
	manifest := path.Dir(op.Path) == shardDir
	switch op.Kind {
	case vfs.OpWrite, vfs.OpSync:
		return segment || manifest
	case vfs.OpSyncDir:
		return op.Path == logDir || op.Path == shardDir
	case vfs.OpRename:
		return manifest
	}
	return false
}

// leave takes the image that the next process finds. It is called after the torn
// write that killed this one, and before anything else happens.
func (d *disk) leave() {
	if d.after != nil {
		return
	}
	d.after = d.image(d.cut, d.cutSeed)
}

func (d *disk) image(cut bool, seed uint64) *vfs.Mem {
	if cut {
		return d.mem.PowerCut(seed)
	}
	return d.mem.ProcessCrash()
}

// reborn returns the disk of the next process. It tells first, from the book,
// up to which LSN the old one was durable.
func (d *disk) reborn(cut bool, seed uint64) (next *disk, durable int64) {
	durable = d.book.durable()
	if d.dead {
		d.leave()
	}
	mem := d.after
	if mem == nil {
		mem = d.image(cut, seed)
	}
	next = newDisk(mem)
	if !cut && !d.cut {
		next.book = d.book
	}
	next.calls, next.clock, next.noRoom = d.calls, d.clock, d.noRoom
	return next, durable
}

// deadError is what a dead process gets from the disk.
type deadError struct{}

func (deadError) Error() string { return "the process is dead" }

var errDead = deadError{}

// book says which bytes of the segment files are durable, by what was called.
type book struct {
	files map[string]*spans
	names map[string]bool // created, and their folder not synced since

	frontier int64 // what durable returned last; 0: something has changed since
}

// spans are the bytes of a file that a power cut may take: written since the last
// sync, or thought clean after a sync that failed.
type spans struct{ dirty, lost []span }

type span struct{ from, to int64 }

func newBook() book { return book{files: map[string]*spans{}, names: map[string]bool{}} }

func (b *book) note(op vfs.Op, v vfs.Verdict, partial int64) {
	if !op.Kind.Changes() {
		return
	}
	b.frontier = 0
	if path.Dir(op.Path) != logDir {
		if op.Kind == vfs.OpSyncDir && op.Path == logDir && v.Err == nil {
			clear(b.names)
		}
		return
	}
	f := b.files[op.Path]
	if f == nil {
		f = &spans{}
		b.files[op.Path] = f
	}
	switch {
	case op.Kind == vfs.OpWrite && v.Err == nil:
		f.write(op.Off, op.Off+op.Len)
	case op.Kind == vfs.OpWrite && partial > 0:
		f.write(op.Off, op.Off+partial)
	case op.Kind == vfs.OpSync && v.Err == nil:
		f.dirty = nil
	case op.Kind == vfs.OpSync && v.Err != errDead:
		f.lost, f.dirty = append(f.lost, f.dirty...), nil
	case v.Err != nil:
	case op.Kind == vfs.OpCreate:
		b.names[op.Path] = true
	case op.Kind == vfs.OpRename:
		b.files[op.To], b.names[op.To] = f, true
		delete(b.files, op.Path)
		delete(b.names, op.Path)
	case op.Kind == vfs.OpTruncate:
		f.dirty = subtract(f.dirty, span{op.Len, math.MaxInt64})
		f.lost = subtract(f.lost, span{op.Len, math.MaxInt64})
	case op.Kind == vfs.OpRemove:
		delete(b.files, op.Path)
		delete(b.names, op.Path)
	}
}

func (f *spans) write(from, to int64) {
	f.lost = subtract(f.lost, span{from, to})
	if n := len(f.dirty); n > 0 && f.dirty[n-1].to == from {
		f.dirty[n-1].to = to
		return
	}
	f.dirty = append(f.dirty, span{from, to})
}

func subtract(all []span, cut span) []span {
	var rest []span
	for _, s := range all {
		if s.from < cut.from {
			rest = append(rest, span{s.from, min(s.to, cut.from)})
		}
		if s.to > cut.to {
			rest = append(rest, span{max(s.from, cut.to), s.to})
		}
	}
	return rest
}

func (f *spans) first() int64 {
	at := int64(math.MaxInt64)
	for _, s := range f.dirty {
		at = min(at, s.from)
	}
	for _, s := range f.lost {
		at = min(at, s.from)
	}
	return at
}

// durable returns the LSN below which every byte of the log survives a power cut.
func (b *book) durable() int64 {
	if b.frontier == 0 {
		b.frontier = b.look()
	}
	return b.frontier
}

func (b *book) look() int64 {
	var paths []string
	for p := range b.files {
		if path.Base(p) != spareName {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	for _, p := range paths {
		base := segmentBase(p)
		if b.names[p] {
			return base
		}
		if at := b.files[p].first(); at < math.MaxInt64 {
			return base + max(0, at-headerPage)
		}
	}
	return math.MaxInt64
}

// segmentBase reads the LSN in the name of a segment file.
func segmentBase(name string) int64 {
	n, err := strconv.ParseInt(strings.TrimSuffix(path.Base(name), ".log"), 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}
