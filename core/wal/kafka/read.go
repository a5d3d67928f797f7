package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/core/wal"
)

// readTimeout is how long ReadAt tries to reach Kafka.
const readTimeout = 10 * time.Second

// coldBytes is how much one fetch for ReadAt brings: with what follows what was
// asked for, for consumers that catch up.
const coldBytes = 2 << 20

// ReadAt reads bytes of the log: what is on its way to the cache, the cache, Kafka.
// See wal.Log.
func (l *Log) ReadAt(p []byte, lsn wal.LSN) (int, error) {
	l.mu.Lock()
	if l.stage == stageClosed {
		l.mu.Unlock()
		return 0, wal.ErrClosed
	}
	if err := l.table.holds(lsn, len(p), l.written); err != nil {
		l.mu.Unlock()
		return 0, err
	}
	if n := l.readUnsaved(p, lsn); n == len(p) {
		l.mu.Unlock()
		return n, nil
	}
	base := l.table.find(lsn).lsn
	l.mu.Unlock()
	if l.cache.read(p, base, lsn) {
		return len(p), nil
	}
	n, err := l.readInTurn(p, base, lsn)
	if err != nil && lsn < l.Start() { // it went meanwhile
		err = wal.ErrRange
	}
	if err != nil {
		return n, fmt.Errorf("read %d bytes at LSN %d from %s: %w", len(p), lsn, l.place(), err)
	}
	return n, nil
}

// readUnsaved reads a range that lies within one frame that is not in the cache
// yet. Caller holds mu.
func (l *Log) readUnsaved(p []byte, lsn wal.LSN) int {
	for i := range l.unsaved {
		f := &l.unsaved[i]
		if from := lsn - f.lsn; from >= 0 && int(from)+len(p) <= len(f.value) {
			return copy(p, f.value[from:])
		}
	}
	return 0
}

// save writes to the cache what is not there yet. It reports whether there was any.
func (l *Log) save() bool {
	l.mu.Lock()
	frames := l.unsaved
	bases := make([]wal.LSN, len(frames))
	for i := range frames {
		if s := l.table.find(frames[i].lsn); s != nil {
			bases[i] = s.lsn
		}
	}
	l.mu.Unlock()
	for i := range frames {
		l.cache.write(bases[i], frames[i])
	}
	l.mu.Lock()
	l.unsaved = append([]savedFrame(nil), l.unsaved[len(frames):]...)
	l.unsavedBytes = 0
	for i := range l.unsaved {
		l.unsavedBytes += len(l.unsaved[i].value)
	}
	l.count.CacheBytes = l.cache.size()
	written := l.written
	l.mu.Unlock()
	l.witness.note(written)
	return len(frames) > 0
}

// readInTurn reads from Kafka, one reader at a time: what one has fetched, and there
// is more of it than it asked for, is in the cache for the next.
func (l *Log) readInTurn(p []byte, base, lsn wal.LSN) (int, error) {
	ctx, cancel := context.WithTimeout(l.ctx, readTimeout)
	defer cancel()
	select {
	case l.fetching <- struct{}{}:
		defer func() { <-l.fetching }()
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	if l.cache.read(p, base, lsn) {
		return len(p), nil
	}
	return l.readRemote(ctx, p, lsn)
}

// readRemote fetches a range within one segment, from the nearest known place on.
func (l *Log) readRemote(ctx context.Context, p []byte, lsn wal.LSN) (int, error) {
	l.mu.Lock()
	s := l.table.find(lsn)
	if s == nil {
		l.mu.Unlock()
		return 0, wal.ErrRange
	}
	at := s.before(lsn)
	l.mu.Unlock()
	w := remoteWalk{log: l, segment: s.lsn, fold: at.fold(), p: p, lsn: lsn}
	for next := at.offset; w.fold.next < lsn+wal.LSN(len(p)); {
		b, err := l.part.Fetch(ctx, next, coldBytes)
		if err != nil {
			return w.n, err
		}
		if b.Next == next {
			return w.n, errBehind
		}
		for i := range b.Records {
			if err := w.take(&b.Records[i]); err != nil {
				return w.n, err
			}
		}
		next = b.Next
	}
	if w.n < len(p) {
		return w.n, wal.ErrRange
	}
	return w.n, nil
}

// remoteWalk copies a range of the log out of the records that are shown to it.
type remoteWalk struct {
	log     *Log
	segment wal.LSN
	fold    fold
	p       []byte
	lsn     wal.LSN
	n       int // bytes copied
}

func (w *remoteWalk) take(r *Record) error {
	v, h := w.fold.take(r)
	if v == loss || v == newer {
		return fmt.Errorf("%s", w.fold.why)
	}
	if v != live {
		return nil
	}
	l := w.log
	l.mu.Lock()
	l.count.RemoteRead += int64(len(r.Value))
	if s := l.table.find(h.LSN); s != nil && s.lsn == w.segment && h.End() <= s.end {
		s.mark(place{h.LSN, r.Offset, h.Epoch, h.Chain, h.CRC})
	}
	l.mu.Unlock()
	l.cache.write(w.segment, savedFrame{h.LSN, r.Value})
	if at := w.lsn + wal.LSN(w.n); h.LSN <= at && at < h.End() {
		w.n += copy(w.p[w.n:], r.Value[at-h.LSN:])
	}
	return nil
}
