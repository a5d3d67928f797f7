package file

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/gantrymq/gantry/core/wal/vfs"
)

// spare is a file with room for a segment, and nothing in it yet.
type spare struct {
	file vfs.File
	path string
	size int64
}

const spareName = "spare.log"

// Room returns what can certainly be appended. See wal.Log.
func (l *Log) Room() (room int64, preparing bool) {
	if l.usable() != nil {
		return 0, false
	}
	if l.active != nil {
		room = max(0, l.active.allocated-l.active.pos(l.seq.End))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.spare != nil && l.reserved {
		room += max(0, l.spare.size-headerPage)
	}
	return room, l.prepare || l.preparing
}

// Prepare asks for a spare segment. See wal.Log.
func (l *Log) Prepare() {
	if l.usable() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.prepare = l.spare == nil || !l.reserved; l.prepare {
		l.wakeSyncer()
	}
}

// prepareStep makes the spare segment that Prepare asked for. Whether it found
// room or not, the owner is told that it is known now.
func (l *Log) prepareStep() bool {
	l.mu.Lock()
	wanted := l.prepare && l.failure() == nil
	there := l.spare != nil
	l.prepare, l.preparing = false, wanted
	l.mu.Unlock()
	if !wanted {
		return false
	}
	err := l.makeSpare(there)
	l.mu.Lock()
	l.preparing = false
	l.mu.Unlock()
	switch {
	case isFull(err):
		l.noteFull(err)
	case err != nil:
		l.fail(fmt.Errorf("make a spare segment: %w", err))
	default:
		l.full = false
	}
	return true
}

// makeSpare makes a spare segment if there is none. It sees first to the room for
// the MANIFEST that will name it: without that the segment is of no use.
func (l *Log) makeSpare(there bool) error {
	if !l.reserved {
		if err := l.reserveManifest(); err != nil {
			return err
		}
	}
	if there {
		return nil
	}
	s, err := makeSpare(l.opt.FS, path.Join(l.logDir, spareName), l.opt.SegmentSize)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spare = s
	return nil
}

// noteFull logs that the disk is full, once until it no longer is.
func (l *Log) noteFull(err error) {
	if !l.full {
		l.opt.Logger.Warn("no room for a spare segment", "bytes", l.opt.SegmentSize, "err", err)
	}
	l.full = true
}

// makeSpare makes a spare file. Without room for all of it nothing is left.
func makeSpare(fsys vfs.FS, name string, size int64) (*spare, error) {
	f, err := fsys.Create(name)
	if errors.Is(err, fs.ErrExist) {
		return openSpare(fsys, name, size, false)
	}
	if err != nil {
		return nil, err
	}
	return allocateSpare(fsys, &spare{file: f, path: name, size: size})
}

// openSpare takes over a spare file that an earlier owner has left. Unless it is
// known to be unused it is emptied: after a power cut it may be a segment that has
// lost its new name. That gives its room back for a moment, and on a full disk it
// may not return at once.
func openSpare(fsys vfs.FS, name string, size int64, unused bool) (*spare, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	have, err := f.Size()
	if err == nil && (!unused || have != size) {
		err = f.Truncate(0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return allocateSpare(fsys, &spare{file: f, path: name, size: size})
}

func allocateSpare(fsys vfs.FS, s *spare) (*spare, error) {
	if err := s.file.Allocate(s.size); err != nil {
		return nil, errors.Join(err, s.file.Close(), fsys.Remove(s.path))
	}
	return s, nil
}

// takeSpare takes the spare segment, if there is one, from whoever else might.
func (l *Log) takeSpare() *spare {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.spare
	l.spare = nil
	return s
}

// become makes a segment of a spare file. Nothing of it is durable yet.
func (s *spare) become(fsys vfs.FS, dir string, h segmentHeader) (*segment, error) {
	seg := newSegment(dir, h, s.size)
	seg.file = s.file
	_, err := s.file.WriteAt(h.encode(), 0)
	if err == nil {
		err = fsys.Rename(s.path, seg.path)
	}
	if err != nil {
		s.file.Close()
		return nil, err
	}
	return seg, nil
}

// dropSpare gives the spare segment's room back, for something that needs it more.
func (l *Log) dropSpare() {
	s := l.takeSpare()
	if s == nil {
		return
	}
	err := errors.Join(s.file.Close(), l.opt.FS.Remove(s.path))
	l.opt.Logger.Warn("the disk is full: gave up the spare segment", "err", err)
}
