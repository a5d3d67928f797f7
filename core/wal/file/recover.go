package file

import (
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// Recover reads the log and makes it ready for Append. See wal.Log.
func (l *Log) Recover(from wal.LSN, fn func(wal.Frame) error) (wal.Recovery, error) {
	switch {
	case l.stage == stageClosed:
		return wal.Recovery{}, wal.ErrClosed
	case l.stage != stageOpened:
		return wal.Recovery{}, errors.New("log recovered twice")
	}
	l.stage = stageRecovering
	r := &recovery{log: l, openFile: l.opt.FS.Open, from: from, fn: fn}
	result, err := r.run()
	l.setSegments(r.segments) // Close closes them, whatever came of it
	if err != nil {
		return wal.Recovery{}, fmt.Errorf("recover log: %w", err)
	}
	l.take(r, result)
	return result, nil
}

// take begins the life of a recovered log.
func (l *Log) take(r *recovery, result wal.Recovery) {
	l.seq = r.seq
	l.seq.Epoch = l.manifest.epoch
	l.owesGap = !result.Clean && !result.SameBoot
	if n := len(r.segments); n > 0 {
		l.active = r.segments[n-1]
	}
	l.written.Store(int64(result.End))
	l.durable.Store(int64(result.End))
	l.stage = stageReady
	if !l.opt.Manual {
		l.done.Go(l.runSyncer)
	}
}

// recovery is one run of Recover: load what there is, scan it, judge what lies
// behind its end, cut that off, and secure the rest.
type recovery struct {
	log      *Log
	openFile func(path string) (vfs.File, error)
	from     wal.LSN
	fn       func(wal.Frame) error

	manifest manifest
	existed  bool       // there was a MANIFEST
	doomed   []wal.LSN  // segments that were given up and are still there
	spare    bool       // there is a spare file
	segments []*segment // open, by base
	broken   []string   // why a segment's header is not one; "" for all that were listed
	scan     scanner
	seq      wal.Sequence // after the last frame accepted
	claimed  wal.LSN      // the most that an accepted frame says was durable
	dirty    bool         // behind the last accepted frame its segment is not all zeros
	torn     int64        // bytes to cut off
}

func (r *recovery) run() (wal.Recovery, error) {
	at, err := r.read()
	if err != nil {
		return wal.Recovery{}, err
	}
	if err := r.cut(at); err != nil {
		return wal.Recovery{}, err
	}
	result := r.result()
	if err := r.secure(result); err != nil {
		return wal.Recovery{}, err
	}
	return result, r.tidy(result)
}

// read does all that changes nothing: it finds out what the log is, hands out its
// frames, and judges what lies behind them.
func (r *recovery) read() (stop, error) {
	if err := r.load(); err != nil {
		return stop{}, err
	}
	at, err := r.replay()
	if err != nil {
		return stop{}, err
	}
	return at, r.judge(at)
}

func (r *recovery) result() wal.Recovery {
	boot := r.log.opt.BootID
	return wal.Recovery{
		End:       r.seq.End,
		Clean:     r.manifest.clean || !r.existed,
		SameBoot:  r.existed && boot != "" && boot == r.manifest.boot,
		Torn:      r.torn,
		StoreTime: r.seq.StoreTime,
	}
}

// stop is the place where no further frame could be accepted.
type stop struct {
	seg   int   // of the last segment with accepted frames, or the first that was scanned
	pos   int64 // there
	place string
	at    int64 // in place, where the trouble is; 0 if it is no segment
	why   string
}

// replay accepts frame after frame, hands them to fn, and returns where that ended.
func (r *recovery) replay() (stop, error) {
	if len(r.segments) > 0 && 0 < r.from && r.from < r.segments[0].base {
		return stop{}, fmt.Errorf("LSN %d is below %d, where the log begins", r.from, r.segments[0].base)
	}
	first := r.firstToScan()
	if first == len(r.segments) {
		return stop{place: r.log.logDir, why: "there are no segments"}, nil
	}
	for i := range first { // the owner proved that they are whole; readers need an end
		s := r.segments[i]
		s.close(min(r.segments[i+1].base, s.lsn(s.allocated)))
	}
	if r.segments[first].listed {
		r.seq.End, r.seq.Inside = r.segments[first].base, true
	}
	at := stop{seg: first, pos: headerPage, why: whyEnd}
	for i := first; i < len(r.segments); i++ {
		before := r.seq.End
		pos, no, err := r.replaySegment(i)
		if err != nil {
			return stop{}, err
		}
		if pos == headerPage {
			// Not even its first frame. If that is whole, but follows another than
			// the last, or if the segment before does not end in zeros, then the
			// trouble is there.
			if at.why == whyEnd && (!no.whole || i == first) {
				at.place, at.at, at.why = r.segments[i].path, pos, no.why
			}
			return at, nil
		}
		at = stop{seg: i, pos: pos, place: r.segments[i].path, at: pos, why: no.why}
		if i > first {
			r.segments[i-1].close(before)
		}
	}
	return at, nil
}

// firstToScan returns the segment to start in. It is the one that holds from, so
// that the chain to the log's end is known whatever from is; but it is one that
// MANIFEST lists, if there is one, for nothing of the others need be whole.
func (r *recovery) firstToScan() int {
	first := 0
	for i, s := range r.segments {
		if s.base <= r.from {
			first = i
		}
		if !s.listed {
			return min(first, max(0, i-1))
		}
	}
	return first
}

// replaySegment accepts the frames of one segment.
func (r *recovery) replaySegment(i int) (pos int64, no refusal, err error) {
	if r.broken[i] != "" {
		return headerPage, refusal{why: r.broken[i]}, nil
	}
	if err := r.scan.open(r.segments[i]); err != nil {
		return 0, no, err
	}
	for pos = headerPage; ; {
		f, no, err := r.scan.frame(pos)
		if err != nil || no.why != "" {
			return pos, no, err
		}
		if why := r.seq.Follows(&f.Header); why != "" {
			return pos, refusal{why: why, whole: true}, nil
		}
		if err := r.accept(f); err != nil {
			return pos, no, err
		}
		pos += int64(f.Len)
	}
}

func (r *recovery) accept(f wal.Frame) error {
	if f.Epoch > r.manifest.epoch {
		return &wal.CorruptError{
			Place: r.log.dir, LSN: f.LSN,
			Why: fmt.Sprintf("a frame of epoch %d, but %s knows of %d only: is it an old copy?", f.Epoch, manifestName, r.manifest.epoch),
		}
	}
	if f.LSN < r.from && r.from < f.End() {
		return fmt.Errorf("LSN %d is inside the frame at %d", r.from, f.LSN)
	}
	r.seq.Advance(&f.Header)
	r.claimed = max(r.claimed, f.DurableLSN)
	if f.LSN < r.from {
		return nil
	}
	return r.fn(f)
}
