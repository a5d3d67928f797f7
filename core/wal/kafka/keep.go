package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/core/wal"
)

// keep is the keeper: it thaws a frozen log, writes the cache, and deletes what was
// trimmed. It sleeps while nothing is to be done.
func (l *Log) keep() {
	for {
		l.Step()
		var again <-chan time.Time
		if l.delay > 0 {
			t := time.NewTimer(l.delay)
			again = t.C
		}
		select {
		case <-l.wake:
		case <-again:
		case <-l.ctx.Done():
			return
		}
	}
}

// Step does what is to be done, and reports whether there was something. With
// Options.Manual the owner calls it.
func (l *Log) Step() bool {
	l.delay = 0
	did := l.save()
	if l.isFrozen() {
		did = true
		l.tryThaw()
	}
	if l.ctx.Err() != nil {
		return did
	}
	did = l.trimSome(l.ctx) || did
	return l.saveHint(l.ctx) || did
}

func (l *Log) isFrozen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.frozen != "" && l.failed == nil
}

// tryThaw makes one attempt. What is final ends the log; else there is another one.
func (l *Log) tryThaw() {
	ctx, cancel := context.WithTimeout(l.ctx, 10*epochTimeout)
	defer cancel()
	var err error
	if l.hasProducer() {
		err = l.thaw(ctx)
	} else {
		err = l.takeOver(ctx, nil)
	}
	switch {
	case err == nil:
		l.attempt = 0
	case l.ctx.Err() != nil:
	case final(err):
		l.mu.Lock()
		l.fail(err)
		l.mu.Unlock()
		l.giveUp()
	default:
		l.attempt++
		l.delay = min(retryAfter<<min(l.attempt, 6), time.Second)
		if !errors.Is(err, errBehind) {
			l.opt.Logger.Warn("log is still frozen", "shard", l.shard, "err", err, "again_in", l.delay.String())
		}
	}
	l.notify()
}

func (l *Log) hasProducer() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.producer != nil
}

// Trim gives up segments. See wal.Log.
func (l *Log) Trim(before wal.LSN) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.noteTrim(before); err != nil {
		return fmt.Errorf("trim log before LSN %d: %w", before, err)
	}
	l.poke()
	return nil
}

func (l *Log) noteTrim(before wal.LSN) error {
	if err := l.usable(); err != nil {
		return err
	}
	if len(l.table.segments) == 0 || before <= l.table.start {
		return nil
	}
	if before >= l.written {
		return fmt.Errorf("the log is acknowledged up to LSN %d only", l.written)
	}
	s := l.table.find(before)
	if s == nil || s.lsn != before {
		return errors.New("no segment begins there")
	}
	l.trimTo = s.offset
	l.table.trim(before)
	return nil
}

// trimSome deletes what was trimmed. If that fails, the next trim does it too.
func (l *Log) trimSome(ctx context.Context) bool {
	l.mu.Lock()
	to, start := l.trimTo, l.table.start
	l.mu.Unlock()
	if to <= l.deleted {
		return false
	}
	l.cache.trim(start)
	if err := l.part.DeleteBefore(ctx, to); err != nil {
		l.opt.Logger.Warn("what was trimmed cannot be deleted in Kafka; it is tried again later", "shard", l.shard, "offset", to, "err", err)
		l.delay = time.Second
		return true
	}
	l.deleted = to
	l.notify()
	return true
}

// saveHint stores where complete segments lie, once there is one more.
func (l *Log) saveHint(ctx context.Context) bool {
	l.mu.Lock()
	n := len(l.table.segments)
	if n < 2 || l.table.segments[n-1].lsn == l.hinted || l.frozen != "" || l.failed != nil {
		l.mu.Unlock()
		return false
	}
	all := append([]segment(nil), l.table.segments...)
	l.mu.Unlock()
	if err := l.hints.save(ctx, all); err != nil {
		l.opt.Logger.Warn("the places of segments cannot be stored; the next start may read more", "shard", l.shard, "err", err)
	}
	l.hinted = all[n-1].lsn
	return true
}

// Close ends the log. See wal.Log.
func (l *Log) Close(clean bool) error {
	l.mu.Lock()
	stage := l.stage
	if stage == stageClosed {
		l.mu.Unlock()
		return wal.ErrClosed
	}
	l.mu.Unlock()
	var err error
	if clean && stage == stageReady {
		err = l.finish()
	}
	l.mu.Lock()
	l.stage = stageClosed
	l.mu.Unlock()
	l.stop()
	l.done.Wait()
	l.giveUp()
	l.save()
	l.cache.close()
	l.witness.close()
	l.onEnd()
	return errors.Join(err, l.lock.Close())
}

// finish waits until all that was appended is acknowledged, and says that this
// reign ended in order.
func (l *Log) finish() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), l.opt.CloseTimeout)
	defer cancel()
	for {
		if l.opt.Manual {
			l.Step()
		}
		producer, done, err := l.quiet()
		if err != nil {
			return err
		}
		if done {
			l.settleTrim(ctx)
			return l.release(ctx, producer)
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return fmt.Errorf("close log: not all that was appended is acknowledged after %v", l.opt.CloseTimeout)
		}
	}
}

// quiet tells whether nothing is under way.
func (l *Log) quiet() (p Producer, done bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.producer, len(l.pending) == 0 && l.frozen == "", l.failed
}

// settleTrim waits for what was trimmed to be deleted. It is not owed.
func (l *Log) settleTrim(ctx context.Context) {
	if l.opt.Manual {
		l.trimSome(ctx)
		return
	}
	l.stop() // the keeper's work is taken over
	l.done.Wait()
	l.trimSome(ctx)
}

// release appends the mark. That it comes through is not owed either: without it
// the next owner reads an unclean end, which costs nothing here.
func (l *Log) release(ctx context.Context, producer Producer) error {
	l.mu.Lock()
	mark := reignMark{nonce: l.fold.nonce, level: formatLevel, shard: uint32(l.shard), cluster: l.opt.Cluster, node: l.opt.Node}
	value := mark.encode(flagRelease, l.fold.epoch, l.fold.next, l.fold.time)
	l.mu.Unlock()
	if _, err := l.produceAlone(ctx, producer, value); err != nil {
		l.opt.Logger.Warn("the end of this reign could not be marked", "shard", l.shard, "err", err)
	}
	return nil
}
