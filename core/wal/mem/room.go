package mem

import (
	"errors"
	"fmt"
	"math"
	"syscall"

	"github.com/gantrymq/gantry/core/wal"
)

// headerSize is what a segment takes of its room for itself: as the file log's.
const headerSize = 4096

func (s *store) active() *segment { return &s.segments[len(s.segments)-1] }

// room returns how much of the disk is free. Caller holds mu.
func (w *WAL) room() int64 {
	if w.opt.Bytes == 0 {
		return math.MaxInt64
	}
	free := w.opt.Bytes
	for _, s := range w.stores {
		for i := range s.segments {
			free -= s.segments[i].reserved
		}
		if s.spare {
			free -= w.opt.SegmentSize
		}
		for _, part := range s.parts {
			free -= int64(len(part))
		}
	}
	return max(0, free)
}

// roll begins a segment: the spare one if there is one.
func (l *Log) roll(lsn wal.LSN) error {
	s := l.store
	if !s.spare && l.wal.room() < l.wal.opt.SegmentSize {
		return syscall.ENOSPC
	}
	if len(s.segments) > 0 {
		old := s.active()
		old.reserved = headerSize + int64(len(old.bytes))
	}
	s.spare = false
	s.segments = append(s.segments, segment{base: lsn, reserved: l.wal.opt.SegmentSize})
	return nil
}

// reserve finds room for n more bytes in the segment that grows.
func (l *Log) reserve(n int) error {
	last := l.store.active()
	more := headerSize + int64(len(last.bytes)+n) - last.reserved
	if more <= 0 {
		return nil
	}
	if more > l.wal.room() {
		return syscall.ENOSPC
	}
	last.reserved += more
	return nil
}

// Room returns what can certainly be appended. See wal.Log.
func (l *Log) Room() (room int64, preparing bool) {
	l.wal.mu.Lock()
	defer l.wal.mu.Unlock()
	if l.stage != stageReady {
		return 0, false
	}
	if s := l.store; len(s.segments) > 0 {
		last := s.active()
		room = max(0, last.reserved-headerSize-int64(len(last.bytes)))
	}
	if l.store.spare {
		room += l.wal.opt.SegmentSize - headerSize
	}
	return room, l.prepare
}

// Prepare makes a spare segment, or with Options.Manual asks for it. See wal.Log.
func (l *Log) Prepare() {
	l.wal.mu.Lock()
	l.prepare = l.stage == stageReady && !l.store.spare
	l.wal.mu.Unlock()
	l.atOnce()
}

// makeSpare makes a spare segment if one was asked for and there is room.
func (l *Log) makeSpare() bool {
	if !l.prepare {
		return false
	}
	l.prepare = false
	if !l.store.spare && l.wal.room() >= l.wal.opt.SegmentSize {
		l.store.spare = true
	}
	return true // without room too: the owner waits to be told
}

// Start returns the first LSN that is kept. See wal.Log.
func (l *Log) Start() wal.LSN {
	l.wal.mu.Lock()
	defer l.wal.mu.Unlock()
	if len(l.store.segments) == 0 {
		return 0
	}
	return max(l.start, l.store.segments[0].base)
}

// Trim gives up what lies before an LSN, or with Options.Manual asks for it: a
// crash before SyncStep has done it undoes it. See wal.Log.
func (l *Log) Trim(before wal.LSN) error {
	if err := l.noteTrim(before); err != nil {
		return fmt.Errorf("trim log before LSN %d: %w", before, err)
	}
	l.atOnce()
	return nil
}

func (l *Log) noteTrim(before wal.LSN) error {
	l.wal.mu.Lock()
	defer l.wal.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	s := l.store
	if len(s.segments) == 0 || before <= max(l.start, s.segments[0].base) {
		return nil
	}
	if before >= s.durable {
		return fmt.Errorf("the log is durable up to LSN %d only", s.durable)
	}
	for i := range s.segments {
		if s.segments[i].base == before {
			l.start = before
			return nil
		}
	}
	return errors.New("no segment begins there")
}

// trim gives up the segments before the start.
func (l *Log) trim() bool {
	s := l.store
	n := 0
	for n < len(s.segments) && s.segments[n].base < l.start {
		n++
	}
	if n == 0 {
		return false
	}
	s.segments = append([]segment(nil), s.segments[n:]...)
	s.trimmed = true
	return true
}
