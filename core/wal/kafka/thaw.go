package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/core/wal"
)

// retryAfter is how long the keeper waits before it asks Kafka again.
const retryAfter = 20 * time.Millisecond

// errBehind: the leader does not show yet what it has acknowledged.
var errBehind = errors.New("the leader does not show yet what was acknowledged")

// thaw reads back what the partition holds behind the last offset, and goes on if
// that explains all that the producer said. It is the keeper's.
func (l *Log) thaw(ctx context.Context) error {
	// No offset that the producer named is believed: one may be of another record.
	if err := l.readBack(ctx, l.known(), nil); err != nil {
		return err
	}
	l.mu.Lock()
	for _, p := range l.pending {
		if p.resolved {
			// Neither there nor known to be missing: it may still arrive.
			l.mu.Unlock()
			return l.takeOver(ctx, nil)
		}
	}
	l.goOn()
	l.mu.Unlock()
	return nil
}

// goOn ends a freeze: what was appended meanwhile is produced. Caller holds mu.
func (l *Log) goOn() {
	l.opt.Logger.Info("log goes on", "shard", l.shard, "after", time.Since(l.frozenAt).Round(time.Millisecond).String())
	l.frozen, l.leader = "", l.producer.LeaderEpoch()
	for _, p := range l.pending {
		if !p.produced {
			l.produce(p)
		}
	}
}

// readBack folds what the partition holds behind the last offset, up to its end
// and at least up to one offset. Frames that count are handed to each, if it is set.
func (l *Log) readBack(ctx context.Context, atLeast int64, each func(wal.Frame) error) error {
	l.mu.Lock()
	from, checked := l.last, !l.anchored
	l.mu.Unlock()
	next := from
	if checked {
		next++
	}
	for {
		b, err := l.part.Fetch(ctx, next, fetchBytes)
		if err != nil {
			return l.readError(err)
		}
		for i := range b.Records {
			r := &b.Records[i]
			if !checked && r.Offset > from {
				break // what was there is gone
			}
			checked = true
			if err := l.meet(r, each); err != nil {
				return err
			}
		}
		switch {
		case !checked && b.Next > from:
			return l.lose(fmt.Sprintf("the record at offset %d is gone", from))
		case checked && b.Next >= b.High && b.Next > atLeast:
			return nil
		case b.Next == next:
			return errBehind
		}
		next = b.Next
	}
}

// readError tells a partition that has lost its end from one that cannot be asked now.
func (l *Log) readError(err error) error {
	r, ok := errors.AsType[*RangeError](err)
	switch {
	case ok && r.Offset < r.Start:
		return &FatalError{fmt.Errorf("%s: records below offset %d were deleted, and not by this server: another one owns the log, or Kafka was told to", l.place(), r.Start)}
	case ok:
		return l.lose(fmt.Sprintf("offset %d was acknowledged, and the partition holds %d to %d only", r.Offset, r.Start, r.End))
	}
	return err
}

// lose ends the log: Kafka does not hold what it has acknowledged.
func (l *Log) lose(why string) error {
	return &wal.CorruptError{Place: l.place(), LSN: l.fold.next, Why: "Kafka has lost what it had acknowledged: " + why}
}

func (l *Log) place() string { return fmt.Sprintf("topic %s partition %d", l.opt.Topic, l.shard) }

// meet takes notice of a record that was read. An error other than each's ends the
// log.
func (l *Log) meet(r *Record, each func(wal.Frame) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Offset <= l.last {
		if r.Offset == l.last && identity(r.Value) != l.lastID {
			return l.lose(fmt.Sprintf("offset %d holds another record than the one that was acknowledged there", r.Offset))
		}
		return nil
	}
	epoch := l.fold.epoch
	v, h := l.fold.take(r)
	switch v {
	case live:
		return l.meetLive(r, &h, each)
	case loss:
		return l.lose(l.fold.why)
	case newer:
		return &wal.CorruptError{Place: l.place(), LSN: h.LSN, Why: l.fold.why}
	case foreign:
		l.count.Foreign++
		l.opt.Logger.Warn("a record in the log's topic is none of its frames; it is skipped", "topic", l.opt.Topic, "partition", l.shard, "offset", r.Offset)
	case stale, repeated, hole, late:
		l.count.Dead++
	case accepted:
		if err := l.meetEpoch(epoch); err != nil {
			return err
		}
	}
	l.last, l.lastID, l.anchored = r.Offset, identity(r.Value), true
	return nil
}

// meetLive takes a frame that counts: one of ours, or, while we do not own the log
// yet, the next one of its owner. Caller holds mu.
func (l *Log) meetLive(r *Record, h *wal.Header, each func(wal.Frame) error) error {
	if len(l.pending) > 0 && l.pending[0].header.CRC == h.CRC {
		l.accept(l.pending[0], r.Offset)
		return nil
	}
	if l.stage == stageReady {
		return &FatalError{fmt.Errorf("%s, offset %d: a frame of this owner's epoch that it did not write", l.place(), r.Offset)}
	}
	l.last, l.lastID, l.anchored = r.Offset, h.CRC, true
	l.written = h.End()
	l.keepFrame(h, r.Value, r.Offset)
	if each == nil {
		return nil
	}
	return each(wal.Frame{Header: *h, Payload: r.Value[wal.HeaderSize:]})
}

// meetEpoch judges a reign that begins: it must be one that we began. Caller holds mu.
func (l *Log) meetEpoch(before uint32) error {
	m := &l.fold.mark
	if m.cluster != l.opt.Cluster {
		return &FatalError{fmt.Errorf("%s belongs to cluster %q; this server's is %q", l.place(), m.cluster, l.opt.Cluster)}
	}
	if m.shard != uint32(l.shard) {
		return &FatalError{fmt.Errorf("%s holds the log of shard %d", l.place(), m.shard)}
	}
	if l.stage == stageReady && !l.mine[m.nonce] {
		return &DeposedError{Shard: l.shard, Node: m.node, Epoch: l.fold.epoch, Before: before}
	}
	return nil
}

// DeposedError tells that another process owns the log now.
type DeposedError struct {
	Shard         wal.ShardID
	Node          string
	Epoch, Before uint32
}

func (e *DeposedError) Error() string {
	return fmt.Sprintf("shard %d was taken over by %s (epoch %d after %d): this server no longer owns it", e.Shard, e.Node, e.Epoch, e.Before)
}
