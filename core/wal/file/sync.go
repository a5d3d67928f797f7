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
	if asked {
		l.wakeSyncer()
	}
}

func (l *Log) wakeSyncer() {
	select {
	case l.wake <- struct{}{}:
	default: // the syncer has not taken the last one yet: it will see this too
	}
}

// runSyncer does whatever was asked for, until Close.
func (l *Log) runSyncer() {
	for {
		select {
		case <-l.stop:
			return
		case <-l.wake:
			l.runSteps()
		}
	}
}

// runSteps does one step after the other while there are any.
func (l *Log) runSteps() {
	for l.SyncStep() {
		select {
		case <-l.stop:
			return
		default:
		}
	}
}

// SyncStep does one thing that was asked for and reports whether there was one:
// the sync that Flush wants, which goes before all else; a step of a Trim; the
// spare segment that Prepare wants. With Options.Manual the owner calls it, else
// the syncer does and nobody else may.
func (l *Log) SyncStep() bool {
	switch {
	case l.sync():
	case l.trimStep():
	case l.prepareStep():
	default:
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
	l.unsynced, l.emptied = l.emptied[:0], work
	return work, wal.LSN(l.written.Load())
}

// syncSegments makes everything below target durable: content first, oldest
// first, then the names of new files, then what MANIFEST says about them.
func (l *Log) syncSegments(work []*segment, target wal.LSN) error {
	fresh := false
	for _, s := range work {
		if err := s.giveBack(); err != nil {
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
	return l.saveManifest()
}

// giveBack gives back the room behind the end of a segment that has one.
func (s *segment) giveBack() error {
	end := s.end.Load()
	if end == openEnd || s.shrunk {
		return nil
	}
	s.shrunk = true
	return s.file.Truncate(s.pos(wal.LSN(end)))
}
