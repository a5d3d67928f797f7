package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/gantrymq/gantry/core/wal"
)

// Log is one shard's log.
//
// Goroutines: the owner (Recover, Append, Trim, Close), readers (ReadAt, Progress),
// those of the producer (promises), and the keeper, between Recover and Close.
type Log struct {
	opt    *Options
	shard  wal.ShardID
	part   Partition
	parts  wal.Parts
	hints  hintStore
	notify func()
	lock   io.Closer // of the cache's folder
	onEnd  func()

	// Of the owner only.
	seq wal.Sequence // where the next frame goes, those under way included

	// Of Recover, then of the keeper, then of Close.
	cache   *cache
	witness witness
	mine    map[nonce]bool // of the reigns that this log has tried to begin
	tried   uint32         // the highest epoch of those
	attempt int            // reigns tried in a row, in vain
	hinted  wal.LSN        // base of the newest segment in the last hint that was saved
	deleted int64          // offset up to which records were deleted
	delay   time.Duration  // until the keeper looks again

	mu           sync.Mutex // guards what follows
	stage        stage
	fold         fold
	last         int64  // offset up to which the fold has come; -1: nothing
	lastID       uint32 // identity of the record there
	anchored     bool   // it was read or written: it must be there for ever
	producer     Producer
	reign        int // counts producers: promises of an earlier one are not listened to
	leader       int32
	pending      []*pending // appended, not known to count; in order
	frozen       string     // why nothing is acknowledged now
	frozenAt     time.Time
	written      wal.LSN
	failed       error
	table        table
	unsaved      []savedFrame // count, and are not in the cache yet
	unsavedBytes int
	trimTo       int64 // offset below which records are to be deleted
	count        Stats

	wake     chan struct{}
	fetching chan struct{}   // holds who reads from Kafka
	ctx      context.Context // ends with Close
	stop     context.CancelFunc
	done     sync.WaitGroup
}

var _ wal.Log = (*Log)(nil)

// maxUnsaved bounds what waits for the cache: on a disk that does not follow, the
// rest of the segment is left to Kafka.
const maxUnsaved = 64 << 20

type stage uint8

const (
	stageOpened stage = iota
	stageRecovering
	stageReady
	stageClosed
)

// pending is a frame on its way. value is the log's own copy.
type pending struct {
	value    []byte
	header   wal.Header
	since    time.Time
	produced bool  // handed to the producer of the present reign
	resolved bool  // its promise has run
	offset   int64 // that the promise named
	err      error
}

// Stats are what a log counts, for metrics.
type Stats struct {
	Epoch      uint32
	Frozen     bool
	Freezes    int64 // times that something unexpected stopped acknowledgements
	Reigns     int64 // taken over from itself
	Dead       int64 // frames met that do not count
	Foreign    int64 // records met that are nobody's frames
	Pending    int64
	Oldest     time.Duration // age of the oldest frame that is not acknowledged
	Offset     int64         // in the partition, of the last record read or written
	CacheBytes int64
	RemoteRead int64 // bytes fetched for ReadAt
}

// Append hands a frame in. See wal.Log.
func (l *Log) Append(lsn wal.LSN, frame []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if err := l.seq.Check(lsn, frame); err != nil {
		l.fail(err)
		return l.failed
	}
	l.seq.Epoch = l.fold.epoch
	wal.Complete(frame, l.written, l.seq.Epoch, l.seq.Chain, 0)
	p := &pending{value: slices.Clone(frame), header: wal.ParseHeader(frame), since: time.Now()}
	l.seq.Advance(&p.header)
	l.pending = append(l.pending, p)
	if l.frozen == "" {
		l.produce(p)
	}
	return nil
}

func (l *Log) usable() error {
	switch l.stage {
	case stageReady:
		return l.failed
	case stageClosed:
		return wal.ErrClosed
	}
	return errors.New("log is not recovered")
}

// produce hands a frame to the producer. Caller holds mu.
func (l *Log) produce(p *pending) {
	p.produced = true
	reign := l.reign
	l.producer.Produce(p.value, p.header.StoreTime, func(offset int64, err error) { l.promise(p, reign, offset, err) })
}

// promise is what the producer says of a frame. Only at the expected place, from
// the leader that was audited, is that a proof.
func (l *Log) promise(p *pending, reign int, offset int64, err error) {
	l.mu.Lock()
	if reign != l.reign || p.resolved || l.failed != nil || l.stage == stageClosed {
		l.mu.Unlock()
		return
	}
	p.resolved, p.offset, p.err = true, offset, err
	settled := !slices.Contains(l.pending, p)
	switch {
	case settled || l.frozen != "":
		// What was read back, or is being read back, knows better.
	case l.pending[0] != p:
		l.freeze(fmt.Sprintf("the frame at LSN %d was acknowledged before the one at %d", p.header.LSN, l.pending[0].header.LSN))
	case err != nil:
		l.freeze(fmt.Sprintf("Kafka did not take the frame at LSN %d: %v", p.header.LSN, err))
	case !expected(offset, l.last):
		l.freeze(fmt.Sprintf("the frame at LSN %d was acknowledged at offset %d, expected at %d", p.header.LSN, offset, l.last+1))
	case l.newLeader():
		l.freeze("the partition has another leader")
	default:
		l.fold.advance(&p.header)
		l.accept(p, offset)
	}
	l.mu.Unlock()
	l.poke()
	l.notify()
}

// newLeader tells that the partition's leader is not the audited one. Caller holds mu.
func (l *Log) newLeader() bool {
	now := l.producer.LeaderEpoch()
	if l.leader < 0 {
		l.leader = now
	}
	return now >= 0 && now != l.leader
}

// accept takes the first pending frame as one that counts. The fold has it.
// Caller holds mu.
func (l *Log) accept(p *pending, offset int64) {
	l.pending[0] = nil
	l.pending = l.pending[1:]
	l.last, l.lastID = offset, p.header.CRC
	l.written = p.header.End()
	l.keepFrame(&p.header, p.value, offset)
}

// keepFrame notes where a frame that counts lies, and has it written to the cache.
// Caller holds mu.
func (l *Log) keepFrame(h *wal.Header, value []byte, offset int64) {
	l.table.add(h, offset)
	if l.unsavedBytes += len(value); l.unsavedBytes <= maxUnsaved {
		l.unsaved = append(l.unsaved, savedFrame{h.LSN, value})
	}
}

// freeze stops acknowledgements until thaw has read back what Kafka holds. Caller
// holds mu.
func (l *Log) freeze(why string) {
	if l.frozen != "" || l.failed != nil {
		return
	}
	l.frozen, l.frozenAt = why, time.Now()
	l.count.Freezes++
	l.opt.Logger.Warn("log is frozen: reading back what Kafka holds", "shard", l.shard, "why", why)
}

// fail ends the log. Caller holds mu.
func (l *Log) fail(err error) {
	if l.failed == nil {
		l.failed = err
	}
}

// Flush does nothing: a frame is on its way to every replica since Append.
func (l *Log) Flush() {}

// Progress returns the watermarks, which are one here. See wal.Log.
func (l *Log) Progress() (written, durable wal.LSN, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written, l.written, l.failed
}

// Room has no end here: it is the brokers' disks. See wal.Log.
func (l *Log) Room() (bytes int64, preparing bool) { return math.MaxInt64, false }

// Prepare does nothing. See wal.Log.
func (l *Log) Prepare() {}

// Parts returns the shard's parts. See wal.Log.
func (l *Log) Parts() wal.Parts { return l.parts }

// Start returns the first LSN that is kept. See wal.Log.
func (l *Log) Start() wal.LSN {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.table.start
}

// Stats returns what the log has counted.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.count
	c.Epoch, c.Frozen, c.Offset = l.fold.epoch, l.frozen != "", l.last
	if c.Pending = int64(len(l.pending)); c.Pending > 0 {
		c.Oldest = time.Since(l.pending[0].since)
	}
	return c
}

// poke has the keeper look.
func (l *Log) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
