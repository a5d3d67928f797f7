package mem

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"

	"github.com/gantrymq/gantry/core/wal"
)

// Log is one shard's log.
type Log struct {
	wal    *WAL // its mu guards all of this
	store  *store
	notify func()

	stage   stage
	seq     wal.Sequence
	start   wal.LSN // of this owner: the store follows when the trim is done
	asked   bool    // Flush wants a sync
	prepare bool    // Prepare wants a spare segment
	owesGap bool    // as in the file log: began after a power cut, appended nothing yet
	failed  error
}

var _ wal.Log = (*Log)(nil)

type stage uint8

const (
	stageOpened stage = iota
	stageRecovering
	stageReady
	stageClosed
)

// place names a memory log in errors.
const place = "memory"

// Recover hands out the frames. See wal.Log.
func (l *Log) Recover(from wal.LSN, fn func(wal.Frame) error) (wal.Recovery, error) {
	l.wal.mu.Lock()
	defer l.wal.mu.Unlock()
	switch l.stage {
	case stageClosed:
		return wal.Recovery{}, wal.ErrClosed
	case stageRecovering, stageReady:
		return wal.Recovery{}, errors.New("log recovered twice")
	}
	l.stage = stageRecovering
	s := l.store
	if len(s.segments) > 0 {
		l.start = s.segments[0].base
	}
	if 0 < from && from < l.start {
		return wal.Recovery{}, fmt.Errorf("recover from LSN %d: the log begins at %d", from, l.start)
	}
	if s.trimmed {
		l.seq.End, l.seq.Inside = l.start, true
	}
	for i := range s.segments {
		if err := l.replay(&s.segments[i], from, fn); err != nil {
			return wal.Recovery{}, err
		}
	}
	if from > l.seq.End {
		return wal.Recovery{}, &wal.CorruptError{Place: place, LSN: l.seq.End, Why: fmt.Sprintf("the log ends here, but LSN %d was asked for", from)}
	}
	result := wal.Recovery{
		End:       l.seq.End,
		Clean:     s.clean,
		SameBoot:  s.boot == l.wal.boot && s.epoch > 0,
		StoreTime: l.seq.StoreTime,
	}
	if l.owesGap = !result.Clean && !result.SameBoot; !l.owesGap {
		s.boot = l.wal.boot
	}
	s.epoch++
	s.clean = false
	s.durable = s.end
	l.seq.Epoch = s.epoch
	l.stage = stageReady
	return result, nil
}

// replay hands out the frames of a segment. It checks them, though nothing here
// can rot: the model must not be laxer than what it stands for.
func (l *Log) replay(s *segment, from wal.LSN, fn func(wal.Frame) error) error {
	for at := s.base; at < s.end(); {
		b := s.bytes[at-s.base:]
		h := wal.ParseHeader(b)
		b = b[:h.Len]
		why := l.seq.Follows(&h)
		if wal.Checksum(b, 0) != h.CRC {
			why = "wrong checksum"
		}
		if why != "" {
			return &wal.CorruptError{Place: place, LSN: at, Why: why}
		}
		if at < from && from < h.End() {
			return fmt.Errorf("LSN %d is inside the frame at %d", from, at)
		}
		l.seq.Advance(&h)
		if at >= from {
			if err := fn(wal.Frame{Header: h, Payload: b[wal.HeaderSize:]}); err != nil {
				return err
			}
		}
		at = h.End()
	}
	return nil
}

// Append adds a frame. See wal.Log.
func (l *Log) Append(lsn wal.LSN, frame []byte) error {
	l.wal.mu.Lock()
	defer l.wal.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if l.failed = l.seq.Check(lsn, frame); l.failed != nil {
		return l.failed
	}
	s := l.store
	if binary.LittleEndian.Uint16(frame[36:])&wal.FlagSegmentStart != 0 {
		l.failed = l.roll(lsn)
	}
	if l.failed == nil {
		l.failed = l.reserve(len(frame))
	}
	if l.failed != nil {
		l.failed = fmt.Errorf("append at LSN %d: %w", lsn, l.failed)
		return l.failed
	}
	wal.Complete(frame, s.durable, l.seq.Epoch, l.seq.Chain, 0)
	h := wal.ParseHeader(frame)
	l.seq.Advance(&h)
	last := s.active()
	last.bytes = append(last.bytes, frame...)
	s.end = l.seq.End
	l.owesGap = false
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

// Flush makes everything durable, or with Options.Manual asks for it. It calls
// notify itself.
func (l *Log) Flush() {
	l.wal.mu.Lock()
	l.asked = l.stage == stageReady
	l.wal.mu.Unlock()
	l.atOnce()
}

// atOnce does what was asked for, unless that is the owner's business.
func (l *Log) atOnce() {
	if !l.wal.opt.Manual {
		for l.SyncStep() {
		}
	}
}

// SyncStep does one thing that was asked for: it makes durable what was appended,
// gives up what was trimmed, or makes a spare segment. It reports whether there
// was one. The owner calls it.
func (l *Log) SyncStep() bool {
	if !l.step() {
		return false
	}
	l.notify()
	return true
}

func (l *Log) step() bool {
	l.wal.mu.Lock()
	defer l.wal.mu.Unlock()
	if l.stage != stageReady || l.failed != nil {
		return false
	}
	return l.sync() || l.trim() || l.makeSpare()
}

// sync makes durable what was appended, if Flush asked since the last time.
func (l *Log) sync() bool {
	s := l.store
	if !l.asked {
		return false
	}
	l.asked = false
	if s.durable == s.end {
		return false
	}
	s.durable = s.end
	s.boot = l.wal.boot
	return true
}

// Fail ends the log with err, as a failed write or sync of a real one does.
func (l *Log) Fail(err error) {
	l.wal.mu.Lock()
	if l.failed == nil {
		l.failed = err
	}
	l.wal.mu.Unlock()
	l.notify()
}

// Progress returns the watermarks. See wal.Log.
func (l *Log) Progress() (written, durable wal.LSN, err error) {
	l.wal.mu.Lock()
	defer l.wal.mu.Unlock()
	return l.store.end, l.store.durable, l.failed
}

// ReadAt copies bytes. See wal.Log.
func (l *Log) ReadAt(p []byte, lsn wal.LSN) (int, error) {
	l.wal.mu.Lock()
	defer l.wal.mu.Unlock()
	if l.stage == stageClosed {
		return 0, wal.ErrClosed
	}
	all := l.store.segments
	i := sort.Search(len(all), func(i int) bool { return all[i].base > lsn }) - 1
	if i < 0 || lsn < l.start || lsn+wal.LSN(len(p)) > all[i].end() {
		return 0, fmt.Errorf("read %d bytes at LSN %d: %w", len(p), lsn, wal.ErrRange)
	}
	return copy(p, all[i].bytes[lsn-all[i].base:]), nil
}

// Close ends the log. See wal.Log.
func (l *Log) Close(clean bool) error {
	l.wal.mu.Lock()
	defer l.wal.mu.Unlock()
	if l.stage == stageClosed {
		return wal.ErrClosed
	}
	s := l.store
	ready := l.stage == stageReady
	s.release()
	if !clean || !ready {
		return nil
	}
	if l.failed != nil {
		return l.failed
	}
	if !l.owesGap {
		s.durable, s.clean, s.boot = s.end, true, l.wal.boot
	}
	return nil
}
