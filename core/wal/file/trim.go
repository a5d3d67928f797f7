package file

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/gantrymq/gantry/core/wal"
)

// removeStep is how much of a file goes at once: a sync that is asked for
// meanwhile waits for no more than that.
const removeStep = 32 << 20

// Trim gives up the segments before an LSN. See wal.Log.
func (l *Log) Trim(before wal.LSN) error {
	if err := l.trim(before); err != nil {
		return fmt.Errorf("trim log before LSN %d: %w", before, err)
	}
	return nil
}

func (l *Log) trim(before wal.LSN) error {
	if err := l.usable(); err != nil {
		return err
	}
	all := *l.segments.Load()
	if len(all) == 0 || before <= all[0].base {
		return nil
	}
	if durable := wal.LSN(l.durable.Load()); before >= durable {
		return fmt.Errorf("the log is durable up to LSN %d only", durable)
	}
	i := slices.IndexFunc(all, func(s *segment) bool { return s.base == before })
	if i < 0 {
		return errors.New("no segment begins there")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.setSegments(all[i:])
	l.doomed = append(l.doomed, all[:i]...)
	l.wakeSyncer()
	return nil
}

// trimStep does a step of what Trim began: it notes in MANIFEST where the log
// begins, then takes the files away, each in steps.
func (l *Log) trimStep() bool {
	s := l.nextDoomed()
	if s == nil {
		return false
	}
	if l.trimPending() {
		if err := l.noteTrim(); err != nil {
			l.fail(fmt.Errorf("note where the log begins: %w", err))
		}
		return true
	}
	gone, err := l.removeStep(s)
	if err != nil {
		l.fail(fmt.Errorf("remove segment: %w", err))
		return true
	}
	if gone {
		l.mu.Lock()
		l.doomed = l.doomed[1:]
		l.mu.Unlock()
	}
	return true
}

func (l *Log) nextDoomed() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.doomed) == 0 || l.failure() != nil {
		return nil
	}
	return l.doomed[0]
}

// trimPending reports whether MANIFEST still lists segments that Trim gave up.
func (l *Log) trimPending() bool {
	return len(l.manifest.segments) > 0 && l.manifest.segments[0] < l.Start()
}

// noteTrim makes durable where the log begins. A full disk must not hinder it,
// for a trim is what gives it room: rather the spare segment goes.
func (l *Log) noteTrim() error {
	if !l.reserved {
		if err := l.reserveManifest(); isFull(err) {
			l.dropSpare()
		}
	}
	l.manifest.trim(l.Start())
	return l.saveManifest()
}

// removeStep shortens a segment file by a step, or takes its rest away.
func (l *Log) removeStep(s *segment) (gone bool, err error) {
	size, err := s.file.Size()
	if err != nil {
		return false, err
	}
	if size > removeStep {
		return false, s.file.Truncate(size - removeStep)
	}
	if err := l.opt.FS.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, s.file.Close()
}
