package file

import (
	"fmt"

	"github.com/gantrymq/gantry/core/wal"
)

// Flush asks for a sync. See wal.Log.
func (l *Log) Flush() {
	if l.stage != stageReady {
		return
	}
	l.mu.Lock()
	l.asked = len(l.unsynced) > 0
	asked := l.asked
	l.mu.Unlock()
	if !asked {
		return
	}
	select {
	case l.wake <- struct{}{}:
	default: // the syncer has not taken the last one yet: it will see this too
	}
}

// runSyncer syncs whenever Flush has asked, until Close.
func (l *Log) runSyncer() {
	for {
		select {
		case <-l.stop:
			return
		case <-l.wake:
			l.SyncStep()
		}
	}
}

// SyncStep does the sync that Flush asked for, if it asked since the last one,
// and reports whether it did. With Options.Manual the owner calls it, else the
// syncer does and nobody else may.
func (l *Log) SyncStep() bool {
	if !l.sync() {
		return false
	}
	l.notify()
	return true
}

// sync does what was asked and moves the durable watermark, or ends the log.
func (l *Log) sync() bool {
	work, target := l.takeUnsynced()
	if len(work) == 0 {
		return false
	}
	if err := l.syncSegments(work, target); err != nil {
		l.fail(fmt.Errorf("sync log: %w", err))
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure() == nil {
		l.durable.Store(int64(target))
	}
	return true
}

// takeUnsynced takes the work that Flush asked for: which segments to sync, and
// up to where the log is durable then.
func (l *Log) takeUnsynced() ([]*segment, wal.LSN) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.asked || l.failure() != nil {
		return nil, 0
	}
	l.asked = false
	work := l.unsynced
	for _, s := range work {
		s.unsynced = false
	}
	l.unsynced, l.spare = l.spare[:0], work
	return work, wal.LSN(l.written.Load())
}

// syncSegments makes everything below target durable: content first, oldest
// first, then the names of new files, then what MANIFEST says about them.
func (l *Log) syncSegments(work []*segment, target wal.LSN) error {
	fresh := false
	for _, s := range work {
		if err := s.trim(); err != nil {
			return err
		}
		if err := s.file.Sync(); err != nil {
			return err
		}
		if !s.listed {
			fresh = true
		}
	}
	if fresh {
		if err := l.opt.FS.SyncDir(l.logDir); err != nil {
			return err
		}
	}
	if !fresh && l.manifest.boot == l.opt.BootID {
		return nil
	}
	for _, s := range work {
		if !s.listed {
			s.listed = true
			l.manifest.segments = append(l.manifest.segments, s.base)
		}
	}
	l.manifest.proven = target
	l.manifest.boot = l.opt.BootID
	return writeManifest(l.opt.FS, l.dir, &l.manifest)
}

// trim gives back the room behind the end of a segment that has one.
func (s *segment) trim() error {
	end := s.end.Load()
	if end == openEnd || s.trimmed {
		return nil
	}
	s.trimmed = true
	return s.file.Truncate(s.pos(wal.LSN(end)))
}
