package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/core/wal"
)

// Recover reads the log and takes it over. See wal.Log.
func (l *Log) Recover(from wal.LSN, fn func(wal.Frame) error) (wal.Recovery, error) {
	l.mu.Lock()
	stage := l.stage
	if stage == stageOpened {
		l.stage = stageRecovering
	}
	l.mu.Unlock()
	switch stage {
	case stageClosed:
		return wal.Recovery{}, wal.ErrClosed
	case stageRecovering, stageReady:
		return wal.Recovery{}, errors.New("log recovered twice")
	}
	r := recovery{log: l, from: from, fn: fn}
	result, err := r.run(l.ctx)
	if err != nil {
		return wal.Recovery{}, fmt.Errorf("recover log: %w", err)
	}
	if !l.opt.Manual {
		l.done.Go(l.keep)
	}
	return result, nil
}

// recovery is one run of Recover.
type recovery struct {
	log  *Log
	from wal.LSN
	fn   func(wal.Frame) error
}

func (r *recovery) run(ctx context.Context) (wal.Recovery, error) {
	l := r.log
	if start := l.Start(); 0 < r.from && r.from < start {
		return wal.Recovery{}, fmt.Errorf("LSN %d is below %d, where the log begins", r.from, start)
	}
	if err := r.position(ctx); err != nil {
		return wal.Recovery{}, err
	}
	err := r.patiently(ctx, func() error { return l.readBack(ctx, -1, r.frame) })
	if err != nil {
		return wal.Recovery{}, err
	}
	result := wal.Recovery{Clean: l.fold.released || !l.fold.existed, SameBoot: l.fold.existed}
	before := l.fold.epoch
	if err := r.patiently(ctx, func() error { return l.takeOver(ctx, r.frame) }); err != nil {
		return wal.Recovery{}, err
	}
	if l.fold.epoch != before+1 { // somebody owned it in between
		result.Clean, result.SameBoot = false, true
	}
	if acked := l.witness.lsn; acked > l.fold.next {
		return wal.Recovery{}, l.lose(fmt.Sprintf("this machine has seen acknowledgements up to LSN %d", acked))
	}
	if r.from > l.fold.next {
		return wal.Recovery{}, &wal.CorruptError{Place: l.place(), LSN: l.fold.next, Why: fmt.Sprintf("the log ends here, but LSN %d was asked for", r.from)}
	}
	result.End, result.StoreTime = l.fold.next, l.fold.time
	r.take()
	return result, nil
}

// take begins the owner's life.
func (r *recovery) take() {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq = wal.Sequence{End: l.fold.next, StoreTime: l.fold.time, Epoch: l.fold.epoch, Chain: l.fold.chain, Begun: l.fold.begun}
	l.written = l.fold.next
	l.stage = stageReady
}

// position finds the place to read from: the segment that holds from, if a hint
// tells where it lies, else the beginning.
func (r *recovery) position(ctx context.Context) error {
	l := r.log
	start, end, err := l.bounds(ctx)
	if err != nil {
		return err
	}
	l.last = start - 1
	l.fold.inside = start > 0
	if r.from == 0 || start == end {
		return nil
	}
	hint, err := l.hints.load(ctx)
	if err != nil {
		l.opt.Logger.Warn("the places of segments cannot be read; the log is read from its beginning", "shard", l.shard, "err", err)
		return nil
	}
	for len(hint) > 0 && hint[0].lsn < l.table.start {
		hint = hint[1:]
	}
	if len(hint) == 0 || hint[0].lsn != l.table.start {
		return nil
	}
	at := -1
	for i := range hint {
		if hint[i].lsn <= r.from {
			at = i
		}
	}
	if at <= 0 || !l.confirm(ctx, &hint[at].place) {
		return nil
	}
	l.table.segments = hint[:at]
	l.fold = hint[at].fold()
	l.last = hint[at].offset - 1
	return nil
}

// confirm looks whether the frame of a hint is where it says.
func (l *Log) confirm(ctx context.Context, p *place) bool {
	b, err := l.part.Fetch(ctx, p.offset, 1)
	if err != nil || len(b.Records) == 0 || b.Records[0].Offset != p.offset {
		return false
	}
	h, ok := openFrame(b.Records[0].Value)
	return ok && h.LSN == p.lsn && h.CRC == p.crc && h.Epoch == p.epoch && h.Chain == p.chain &&
		h.Flags&wal.FlagSegmentStart != 0
}

// frame passes a frame on that counts.
func (r *recovery) frame(f wal.Frame) error {
	l := r.log
	l.mu.Unlock() // the owner's function may ask the log, and nobody else is here
	defer l.mu.Lock()
	if f.LSN < r.from && r.from < f.End() {
		return &callerError{fmt.Errorf("LSN %d is inside the frame at %d", r.from, f.LSN)}
	}
	l.save()
	if f.LSN < r.from {
		return nil
	}
	if err := r.fn(f); err != nil {
		return &callerError{err}
	}
	return nil
}

// callerError is what the owner, or its function, is to blame for.
type callerError struct{ err error }

func (e *callerError) Error() string { return e.err.Error() }
func (e *callerError) Unwrap() error { return e.err }

// patiently repeats a step while Kafka cannot be asked, for as long as a start may take.
func (r *recovery) patiently(ctx context.Context, step func() error) error {
	ctx, cancel := context.WithTimeout(ctx, r.log.opt.StartTimeout)
	defer cancel()
	for {
		err := step()
		if err == nil || final(err) || r.log.opt.Manual {
			return err
		}
		if e := pause(ctx, 5*retryAfter); e != nil {
			return err
		}
	}
}

// final tells that trying again is of no use.
func final(err error) bool {
	if _, ok := errors.AsType[*FatalError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*DeposedError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*callerError](err); ok {
		return true
	}
	_, ok := errors.AsType[*wal.CorruptError](err)
	return ok
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// bounds asks for the ends of the partition.
func (l *Log) bounds(ctx context.Context) (start, end int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.opt.StartTimeout)
	defer cancel()
	start, end, err = l.part.Bounds(ctx)
	if err != nil {
		err = fmt.Errorf("%s: %w", l.place(), err)
	}
	return start, end, err
}

// findStart learns the first LSN that is kept.
func (l *Log) findStart(ctx context.Context) error {
	start, end, err := l.bounds(ctx)
	if err != nil || start == 0 || start == end {
		return err
	}
	b, err := l.part.Fetch(ctx, start, 1)
	if err != nil {
		return err
	}
	gone := func(why string) error {
		return &wal.CorruptError{Place: l.place(), Why: fmt.Sprintf("records below offset %d were deleted, and %s: was it this server that deleted them?", start, why)}
	}
	if len(b.Records) == 0 || b.Records[0].Offset != start {
		return gone("there is none at it")
	}
	h, ok := openFrame(b.Records[0].Value)
	if !ok || h.Flags&wal.FlagSegmentStart == 0 || h.Flags&(flagEpoch|flagRelease) != 0 {
		return gone("no segment begins at it")
	}
	l.table.start = h.LSN
	l.deleted = start
	return nil
}
