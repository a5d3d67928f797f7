package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/core/wal"
)

// Log is one shard's log.
//
// Goroutines: the owner (Recover, Append, Flush, Close), the syncer between
// Recover and Close, and readers (ReadAt, Progress), which take no lock.
type Log struct {
	opt    Options
	shard  wal.ShardID
	dir    string // shard-NNNN
	logDir string // shard-NNNN/log
	parts  *parts // in shard-NNNN/parts
	notify func()
	lock   io.Closer

	// Of the owner only.
	stage  stage
	seq    wal.Sequence
	active *segment
	// owesGap: this run began after a power cut and has appended nothing yet, so
	// what it learned about the last owner must stay in MANIFEST.
	owesGap bool

	// Of Recover, then of whoever syncs, then of Close.
	manifest manifest
	full     bool // the last spare segment found no room

	segments atomic.Pointer[[]*segment] // rising base; replaced, never changed
	start    atomic.Int64               // base of the first of them
	written  atomic.Int64
	durable  atomic.Int64
	failed   atomic.Pointer[error] // set once, under mu
	closed   atomic.Bool

	mu        sync.Mutex // guards what follows, and every change of the five above it but closed
	unsynced  []*segment // what the next sync has to sync, oldest first
	emptied   []*segment // the other slice of that pair
	asked     bool       // Flush wants a sync
	doomed    []*segment // Trim gave them up; not removed yet, oldest first
	spare     *spare     // nil: there is none
	prepare   bool       // Prepare wants one
	preparing bool       // it is being made
	reserved  bool       // there is room for the next MANIFEST

	wake chan struct{} // Flush, Trim, Prepare to the syncer; holds one
	stop chan struct{} // Close to the syncer
	done sync.WaitGroup
}

var _ wal.Log = (*Log)(nil)

// stage is where in its life a log is.
type stage uint8

const (
	stageOpened stage = iota
	stageRecovering
	stageReady
	stageClosed
)

func newLog(opt Options, shard wal.ShardID, dir string, notify func()) *Log {
	if notify == nil {
		notify = func() {}
	}
	l := &Log{
		opt:    opt,
		shard:  shard,
		dir:    dir,
		logDir: path.Join(dir, logName),
		parts:  &parts{fs: opt.FS, dir: path.Join(dir, partsName)},
		notify: notify,
		wake:   make(chan struct{}, 1),
		stop:   make(chan struct{}),
	}
	l.segments.Store(new([]*segment))
	return l
}

// Append writes one frame. See wal.Log.
func (l *Log) Append(lsn wal.LSN, frame []byte) error {
	if err := l.usable(); err != nil {
		return err
	}
	if err := l.seq.Check(lsn, frame); err != nil {
		return l.fail(err)
	}
	if binary.LittleEndian.Uint16(frame[36:])&wal.FlagSegmentStart != 0 {
		if err := l.roll(lsn, frame); err != nil {
			return l.fail(fmt.Errorf("start segment at LSN %d: %w", lsn, err))
		}
	}
	chain := l.seq.Chain
	crc := wal.Complete(frame, wal.LSN(l.durable.Load()), l.seq.Epoch, chain, l.active.salt)
	if err := l.active.write(lsn, frame); err != nil {
		return l.fail(fmt.Errorf("write log at LSN %d: %w", lsn, err))
	}
	l.seq.End = lsn + wal.LSN(len(frame))
	l.seq.StoreTime = int64(binary.LittleEndian.Uint64(frame[24:]))
	l.seq.Chain = crc
	l.seq.Begun = true
	l.owesGap = false

	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.failure(); err != nil {
		return err // the syncer failed meanwhile: the watermarks stand still
	}
	l.addUnsynced(l.active)
	l.written.Store(int64(l.seq.End))
	return nil
}

func (l *Log) usable() error {
	switch l.stage {
	case stageReady:
		return l.failure()
	case stageClosed:
		return wal.ErrClosed
	}
	return errors.New("log is not recovered")
}

// roll ends the segment that grows and starts one with this frame.
func (l *Log) roll(lsn wal.LSN, frame []byte) error {
	s, err := l.newSegment(segmentHeader{
		shard:   l.shard,
		base:    lsn,
		epoch:   l.seq.Epoch,
		salt:    l.opt.Salt(),
		created: int64(binary.LittleEndian.Uint64(frame[24:])),
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.active; old != nil {
		old.end.Store(int64(l.seq.End))
		l.addUnsynced(old) // its spare room goes with the next sync
	}
	l.active = s
	old := *l.segments.Load()
	all := append(old[:len(old):len(old)], s)
	l.setSegments(all)
	return nil
}

// newSegment makes a segment of the spare file, or a new one where there is none.
func (l *Log) newSegment(h segmentHeader) (*segment, error) {
	if spare := l.takeSpare(); spare != nil {
		return spare.become(l.opt.FS, l.logDir, h)
	}
	return createSegment(l.opt.FS, l.logDir, h, l.opt.SegmentSize)
}

// setSegments sets what readers see.
func (l *Log) setSegments(all []*segment) {
	l.segments.Store(&all)
	if len(all) > 0 {
		l.start.Store(int64(all[0].base))
	}
}

// addUnsynced puts a segment on the list of the next sync. Caller holds mu.
func (l *Log) addUnsynced(s *segment) {
	if !s.unsynced {
		s.unsynced = true
		l.unsynced = append(l.unsynced, s)
	}
}

// Progress returns the watermarks. See wal.Log.
func (l *Log) Progress() (written, durable wal.LSN, err error) {
	// The error first: once it is set the watermarks stand still.
	err = l.failure()
	return wal.LSN(l.written.Load()), wal.LSN(l.durable.Load()), err
}

func (l *Log) failure() error {
	if p := l.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// fail ends the log and returns the error that ended it, which is the first.
func (l *Log) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if first := l.failure(); first != nil {
		return first
	}
	l.failed.Store(&err)
	return err
}

// ReadAt reads bytes of the log. See wal.Log.
func (l *Log) ReadAt(p []byte, lsn wal.LSN) (int, error) {
	if l.closed.Load() {
		return 0, wal.ErrClosed
	}
	all := *l.segments.Load()
	i := sort.Search(len(all), func(i int) bool { return all[i].base > lsn }) - 1
	if i < 0 {
		return 0, fmt.Errorf("read %d bytes at LSN %d: %w", len(p), lsn, wal.ErrRange)
	}
	s := all[i]
	if lsn+wal.LSN(len(p)) > wal.LSN(min(s.end.Load(), l.written.Load())) {
		return 0, fmt.Errorf("read %d bytes at LSN %d: %w", len(p), lsn, wal.ErrRange)
	}
	n, err := s.file.ReadAt(p, s.pos(lsn))
	if n == len(p) {
		return n, nil
	}
	if lsn < l.Start() { // it went meanwhile
		return 0, fmt.Errorf("read %d bytes at LSN %d: %w", len(p), lsn, wal.ErrRange)
	}
	return n, fmt.Errorf("read %s: %w", s.path, err)
}

// Start returns the first LSN that is kept. See wal.Log.
func (l *Log) Start() wal.LSN { return wal.LSN(l.start.Load()) }

// Parts returns the shard's parts. See wal.Log.
func (l *Log) Parts() wal.Parts { return l.parts }

// Close ends the log. See wal.Log.
func (l *Log) Close(clean bool) error {
	if l.stage == stageClosed {
		return wal.ErrClosed
	}
	ready := l.stage == stageReady
	l.stage = stageClosed
	close(l.stop)
	l.done.Wait()
	var errs []error
	if clean && ready {
		errs = append(errs, l.finish())
	}
	l.closed.Store(true)
	l.parts.closed.Store(true)
	for _, s := range slices.Concat(l.doomed, *l.segments.Load()) {
		errs = append(errs, s.file.Close())
	}
	if l.spare != nil {
		errs = append(errs, l.spare.file.Close())
	}
	errs = append(errs, l.lock.Close())
	return errors.Join(errs...)
}

// finish syncs what is left and writes the clean mark.
func (l *Log) finish() error {
	if err := l.failure(); err != nil {
		return err
	}
	l.mu.Lock()
	l.asked = true
	l.mu.Unlock()
	l.sync()
	if err := l.failure(); err != nil {
		return err
	}
	if l.owesGap {
		return nil // nothing was written: what the last owner left stands
	}
	l.manifest.clean = true
	l.manifest.proven = wal.LSN(l.durable.Load())
	l.manifest.boot = l.opt.BootID
	if l.trimPending() {
		l.manifest.trim(l.Start())
	}
	if err := l.saveManifest(); err != nil {
		return l.fail(fmt.Errorf("write the clean mark: %w", err))
	}
	return nil
}
