package file

import (
	"fmt"
	"path"

	"github.com/gantrymq/gantry/core/wal"
)

// judge decides what the bytes behind the last accepted frame are: damage, which
// is reported, or the traces of a crash, which cut takes away.
func (r *recovery) judge(at stop) error {
	end := r.seq.End
	corrupt := func(why string) error {
		return &wal.CorruptError{Place: at.place, Pos: at.at, LSN: end, Why: at.why + ", " + why}
	}
	if end < r.manifest.proven {
		return corrupt(fmt.Sprintf("but the log was durable up to LSN %d", r.manifest.proven))
	}
	if end < r.from {
		return corrupt(fmt.Sprintf("but LSN %d was asked for: the owner knew the log up to there", r.from))
	}
	if r.manifest.clean {
		if end > r.manifest.proven || r.kept(at) < len(r.segments) {
			return corrupt(fmt.Sprintf("but %s says that the log was closed at LSN %d: is it an old copy?", manifestName, r.manifest.proven))
		}
		return nil
	}
	for i := at.seg; i < len(r.segments); i++ {
		pos := int64(headerPage)
		if i == at.seg {
			pos = at.pos
		}
		left, err := r.search(i, pos)
		if err != nil {
			return err
		}
		if left.proof != 0 {
			return corrupt(fmt.Sprintf("but the frame at LSN %d was written when this was durable", left.proof))
		}
		r.torn += left.used
		r.dirty = r.dirty || i == at.seg && left.used > 0
	}
	return nil
}

// kept returns how many segments hold accepted frames, or come before those.
func (r *recovery) kept(at stop) int {
	if at.pos == headerPage || len(r.segments) == 0 {
		return at.seg
	}
	return at.seg + 1
}

// search looks for a proof that more was durable in segment i, from pos on.
func (r *recovery) search(i int, pos int64) (remains, error) {
	if r.broken[i] != "" {
		return remains{}, nil
	}
	if err := r.scan.open(r.segments[i]); err != nil {
		return remains{}, err
	}
	return r.scan.search(pos, r.seq.End)
}

// cut removes what lies behind the last accepted frame: whole segments, and the
// rest of the one it is in. That one is shortened and lengthened again, so that
// its rest reads as zeros.
func (r *recovery) cut(at stop) error {
	if r.manifest.clean {
		return nil
	}
	if r.torn > 0 {
		r.log.opt.Logger.Warn("cutting off a torn tail", "file", at.place, "lsn", int64(r.seq.End), "bytes", r.torn, "why", at.why)
	}
	keep := r.kept(at)
	for i := len(r.segments) - 1; i >= keep; i-- {
		if err := r.remove(r.segments[i]); err != nil {
			return err
		}
		r.segments = r.segments[:i]
	}
	if keep == at.seg || !r.dirty {
		return nil
	}
	return r.segments[at.seg].file.Truncate(at.pos)
}

func (r *recovery) remove(s *segment) error {
	r.log.opt.Logger.Warn("removing a segment that was being started", "file", s.path)
	if err := s.file.Close(); err != nil {
		return err
	}
	return r.log.opt.FS.Remove(s.path)
}

// secure makes what was accepted, and what was cut off, durable, and takes the
// log over from its last owner.
func (r *recovery) secure(result wal.Recovery) error {
	l := r.log
	if !result.Clean {
		if err := r.syncTail(max(r.manifest.proven, r.claimed)); err != nil {
			return err
		}
	}
	// Always: an earlier start may have made or removed files, and died before this.
	if err := l.opt.FS.SyncDir(l.logDir); err != nil {
		return err
	}
	next := manifest{epoch: r.manifest.epoch + 1, proven: r.seq.End, boot: r.manifest.boot, trimmed: r.manifest.trimmed}
	if result.Clean || result.SameBoot {
		next.boot = l.opt.BootID
	}
	for _, s := range r.segments {
		s.listed = true
		next.segments = append(next.segments, s.base)
	}
	l.manifest = next
	return l.saveManifest()
}

// tidy gives the log its room back, and takes away what a former owner had begun
// to remove. None of it matters to what was recovered.
func (r *recovery) tidy(result wal.Recovery) error {
	l := r.log
	if n := len(r.segments); n > 0 {
		if err := r.segments[n-1].reserve(r.seq.End); err != nil {
			return err
		}
	}
	for _, base := range r.doomed {
		if err := l.opt.FS.Remove(path.Join(l.logDir, segmentName(base))); err != nil {
			return err
		}
	}
	if !r.spare {
		return nil
	}
	unused := result.Clean || result.SameBoot
	spare, err := openSpare(l.opt.FS, path.Join(l.logDir, spareName), l.opt.SegmentSize, unused)
	if isFull(err) {
		return nil // it is gone; the owner asks for another
	}
	l.spare = spare
	return err
}

// reserve makes sure of the room that a segment's file seems to have: a copy of it
// may have none, and a torn tail was cut off. Without room for it the segment has
// none behind its end.
func (s *segment) reserve(end wal.LSN) error {
	err := s.file.Allocate(s.allocated)
	if isFull(err) {
		s.allocated = s.pos(end)
		return nil
	}
	return err
}

// syncTail makes durable what is not proven to be. It writes it again first: if
// the last owner's sync failed, the system holds its pages for clean, though
// they never reached the disk, and a sync alone would do nothing.
func (r *recovery) syncTail(proven wal.LSN) error {
	for i, s := range r.segments {
		last := i == len(r.segments)-1
		if s.listed && !last && r.segments[i+1].base <= proven {
			continue
		}
		if !s.listed {
			if _, err := s.file.WriteAt(s.encode(), 0); err != nil {
				return err
			}
		}
		end := r.seq.End
		if !last {
			end = wal.LSN(s.end.Load())
		}
		if err := r.rewrite(s, s.pos(max(proven, s.base)), s.pos(end)); err != nil {
			return err
		}
		if err := s.file.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// rewrite writes the bytes of a file from one place to another as they are.
func (r *recovery) rewrite(s *segment, from, to int64) error {
	if err := r.scan.open(s); err != nil {
		return err
	}
	for from < to {
		b, err := r.scan.peek(from, int(min(readChunk, to-from)))
		if err != nil {
			return err
		}
		if len(b) == 0 {
			return fmt.Errorf("%s became shorter", s.path)
		}
		if _, err := s.file.WriteAt(b, from); err != nil {
			return err
		}
		from += int64(len(b))
	}
	return nil
}
