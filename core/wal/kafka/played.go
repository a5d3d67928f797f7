package kafka

import (
	"context"
	"errors"

	"github.com/gantrymq/gantry/core/wal"
)

// played are logs on partitions that somebody plays.
type played struct {
	opt   Options
	ctx   context.Context
	part  func(wal.ShardID) Partition
	parts func(wal.ShardID) wal.Parts
}

// Played returns the logs of a simulation, which plays Kafka and keeps the parts.
func Played(ctx context.Context, opt Options, part func(wal.ShardID) Partition, parts func(wal.ShardID) wal.Parts) wal.WAL {
	return &played{opt.withDefaults(), context.WithoutCancel(ctx), part, parts}
}

// Open implements wal.WAL. The log it returns is a *Log.
func (p *played) Open(shard wal.ShardID, notify func()) (wal.Log, error) {
	lock, err := lockFolder(p.opt.FS, p.opt.Dir, shard)
	if err != nil {
		return nil, err
	}
	l, err := newLog(p.ctx, &p.opt, shard, p.part(shard), notify)
	if err == nil {
		l.parts, l.hints, l.lock, l.onEnd = p.parts(shard), noHints{}, lock, func() {}
		err = l.findStart(p.ctx)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return l, nil
}

// Close implements wal.WAL.
func (p *played) Close() error { return nil }

// noHints has every start read the log from its beginning.
type noHints struct{}

func (noHints) load(context.Context) ([]segment, error) { return nil, nil }
func (noHints) save(context.Context, []segment) error   { return nil }
