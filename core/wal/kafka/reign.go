package kafka

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/core/wal"
)

func systemRandom(b []byte) { rand.Read(b) } // never fails

// epochTimeout is how long one attempt to begin a reign waits for Kafka.
const epochTimeout = 3 * time.Second

// errRace: somebody else began a reign at the same time.
var errRace = errors.New("another process takes the log over at the same time")

// takeOver begins a reign: a producer that Kafka does not know, an EPOCH alone, and
// all up to it read back. Then every frame of before is known to count or not to,
// for ever. Those of our own that do not are produced again, under the new epoch.
func (l *Log) takeOver(ctx context.Context, each func(wal.Frame) error) error {
	l.giveUp()
	// What is there by now may hold a higher epoch than the last one known.
	if err := l.readBack(ctx, l.known(), each); err != nil {
		return err
	}
	producer, mark, at, err := l.proclaim(ctx)
	if err != nil {
		return err
	}
	if err := l.readBack(ctx, at, each); err != nil {
		producer.Close()
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fold.nonce != mark.nonce {
		producer.Close()
		return errRace
	}
	l.begin(producer)
	return nil
}

// giveUp ends the producer of the present reign: nobody listens to it any more.
func (l *Log) giveUp() {
	l.mu.Lock()
	old := l.producer
	if old != nil {
		l.reign++
		l.producer = nil
		l.count.Reigns++
	}
	l.mu.Unlock()
	if old != nil {
		old.Close()
	}
}

func (l *Log) known() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// proclaim appends an EPOCH and waits for its acknowledgement. An epoch whose
// outcome is not known is never used again.
func (l *Log) proclaim(ctx context.Context) (Producer, reignMark, int64, error) {
	mark := reignMark{level: formatLevel, shard: uint32(l.shard), cluster: l.opt.Cluster, node: l.opt.Node}
	l.opt.Random(mark.nonce[:])
	l.mine[mark.nonce] = true
	producer, err := l.part.NewProducer()
	if err != nil {
		return nil, mark, 0, err
	}
	l.mu.Lock()
	l.tried = max(l.tried, l.fold.epoch) + 1
	value := mark.encode(flagEpoch, l.tried, l.fold.next, max(l.fold.time, time.Now().UnixMilli()))
	l.mu.Unlock()
	at, err := l.produceAlone(ctx, producer, value)
	if err != nil {
		producer.Close()
		return nil, mark, 0, fmt.Errorf("take over shard %d: %w", l.shard, err)
	}
	return producer, mark, at, nil
}

// produceAlone produces a record that is the only one under way, and waits.
func (l *Log) produceAlone(ctx context.Context, producer Producer, value []byte) (int64, error) {
	type result struct {
		offset int64
		err    error
	}
	answer := make(chan result, 1)
	producer.Produce(value, time.Now().UnixMilli(), func(offset int64, err error) { answer <- result{offset, err} })
	timeout := time.NewTimer(epochTimeout)
	defer timeout.Stop()
	select {
	case r := <-answer:
		if r.err == nil && r.offset < 0 {
			r.err = errors.New("it was acknowledged, and nobody knows where")
		}
		return r.offset, r.err
	case <-timeout.C:
		return 0, fmt.Errorf("no acknowledgement within %v", epochTimeout)
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// begin makes a producer ours. What is pending did not come through and never will:
// it is written again. Caller holds mu.
func (l *Log) begin(producer Producer) {
	l.reign++
	l.producer, l.leader = producer, producer.LeaderEpoch()
	l.seq.Epoch = l.fold.epoch
	chain := l.fold.chain
	for _, p := range l.pending {
		value := make([]byte, len(p.value)) // the old producer may still read the other
		copy(value, p.value)
		chain = wal.Complete(value, l.written, l.fold.epoch, chain, 0)
		p.value, p.header = value, wal.ParseHeader(value)
		p.produced, p.resolved, p.err = false, false, nil
	}
	if len(l.pending) > 0 {
		l.seq.Chain = chain
	}
	if l.frozen != "" {
		l.goOn()
	}
}
