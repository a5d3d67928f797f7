package mem

import (
	"math"
	"sync"

	"github.com/gantrymq/gantry/core/wal"
)

// Options change how a WAL behaves. The zero value is the plain one.
type Options struct {
	// Manual makes Flush, Trim and Prepare only ask: SyncStep does it.
	Manual bool
	// SegmentSize is what a segment, and the spare one, reserve. Default: 256 MiB.
	SegmentSize int64
	// Bytes is the size of the disk, for all segments and parts of all shards. What
	// finds no room there fails with syscall.ENOSPC. Default: no limit.
	Bytes int64
}

const defaultSegmentSize = 256 << 20

// WAL keeps the logs of one imagined machine.
type WAL struct {
	opt Options

	mu     sync.Mutex // guards all of the stores too
	boot   int        // which run of the machine this is
	stores map[wal.ShardID]*store
}

var _ wal.WAL = (*WAL)(nil)

// New returns an empty WAL.
func New(opt Options) *WAL {
	if opt.SegmentSize == 0 {
		opt.SegmentSize = defaultSegmentSize
	}
	return &WAL{opt: opt, stores: map[wal.ShardID]*store{}}
}

// SetBytes changes the size of the disk.
func (w *WAL) SetBytes(bytes int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opt.Bytes = bytes
}

// store is what outlives a process: a shard's disk.
type store struct {
	segments []segment // rising base
	end      wal.LSN   // behind the last byte of the last segment
	durable  wal.LSN
	epoch    uint32
	clean    bool
	boot     int  // of the last owner that wrote something and synced it
	trimmed  bool // the first segment is not the first that there was
	spare    bool // there is a spare segment
	parts    map[string][]byte
	owner    *Log // nil when nobody has it open
}

type segment struct {
	base     wal.LSN
	bytes    []byte
	reserved int64 // on the disk
}

func (s *segment) end() wal.LSN { return s.base + wal.LSN(len(s.bytes)) }

// Open returns the log of a shard, with all that earlier ones left. The log it
// returns is a *Log.
func (w *WAL) Open(shard wal.ShardID, notify func()) (wal.Log, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stores[shard]
	if s == nil {
		s = &store{clean: true, boot: w.boot, parts: map[string][]byte{}}
		w.stores[shard] = s
	}
	if s.owner != nil {
		return nil, wal.ErrLocked
	}
	if notify == nil {
		notify = func() {}
	}
	s.owner = &Log{wal: w, store: s, notify: notify}
	return s.owner, nil
}

// Close does nothing: what the logs hold can be opened again.
func (w *WAL) Close() error { return nil }

// Fill makes the disk as small as what is in use of it.
func (w *WAL) Fill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opt.Bytes = math.MaxInt64
	w.opt.Bytes -= w.room()
}

// Kill ends the process that has the logs open: they answer ErrClosed from now
// on. All that was written is still there.
func (w *WAL) Kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.stores {
		s.release()
	}
}

// PowerCut does what Kill does, and takes all that is not durable.
func (w *WAL) PowerCut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.boot++
	for _, s := range w.stores {
		s.release()
		s.cut(s.durable)
	}
}

func (s *store) release() {
	if s.owner != nil {
		s.owner.stage = stageClosed
		s.owner = nil
	}
}

// cut drops everything from end on.
func (s *store) cut(end wal.LSN) {
	for n := len(s.segments); n > 0; n-- {
		last := &s.segments[n-1]
		if last.base < end {
			last.bytes = last.bytes[:min(int64(len(last.bytes)), int64(end-last.base))]
			break
		}
		s.segments = s.segments[:n-1]
	}
	s.end = min(s.end, end)
}
