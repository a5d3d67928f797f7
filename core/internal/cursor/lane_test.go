package cursor

import (
	"slices"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// lane is a queue with a cursor, for tests that tell a story.
type lane struct {
	t       testing.TB
	memory  Memory
	c       Cursor
	plan    Plan
	pop     record.Pop
	ack     record.Ack
	fifo    bool
	keys    []uint32 // of the messages
	filter  func(model.Offset) bool
	alive   func(uint16) bool
	min     model.Offset
	max     int32 // attempts
	hold    int
	now     int64
	popTime int64
	dead    []model.Offset // moved to the dead letters
}

// given is a delivery.
type given struct {
	offset  model.Offset
	popTime int64
	attempt int32
}

const lease = 30_000

func newLane(t testing.TB, fifo bool, keys ...uint32) *lane {
	return &lane{t: t, fifo: fifo, keys: keys, now: 1_764_000_000_000, max: 16}
}

// send appends n messages of a message group.
func (l *lane) send(n int, key uint32) {
	for range n {
		l.keys = append(l.keys, key)
	}
}

func (l *lane) tick() int64 {
	l.popTime = max(l.popTime+1, l.now)
	return l.popTime
}

func (l *lane) receive(n int) []given { return l.receiveFor(n, lease, 0) }

func (l *lane) receiveFor(n int, invisible int64, attempt uint64) []given {
	l.t.Helper()
	p := &l.plan
	p.Begin(&l.c, Rules{Now: l.now, Max: n, FIFO: l.fifo, MaxAttempts: l.max, Min: l.min, Alive: l.alive, Hold: l.hold})
	for look, ok := p.Next(); ok; look, ok = p.Next() {
		to, more := min(look.To, model.Offset(len(l.keys))), true
		for o := look.From; o < to && more; o++ {
			if !look.OneKey || l.keys[o] == look.Key {
				more = p.Offer(o, l.keys[o], l.filter == nil || l.filter(o))
			}
		}
		if more {
			p.Passed(to)
		}
	}
	p.Rest()
	l.bury(p.Dead())
	if p.Empty() {
		return nil
	}
	p.Record(&l.pop, l.tick(), invisible, attempt)
	if err := l.c.ApplyPop(&l.pop, &l.memory); err != nil {
		l.t.Fatal(err)
	}
	var got []given
	for _, lease := range p.Leases() {
		got = append(got, given{lease.Offset, l.pop.PopTime, lease.Attempt})
	}
	return got
}

func (l *lane) bury(dead []Lease) {
	l.t.Helper()
	for _, d := range dead {
		l.dead = append(l.dead, d.Offset)
		l.settle(record.AckDead, d.Offset, 0)
	}
}

// do settles a delivery as the shard does: not at all if its receipt is stale.
func (l *lane) do(op record.AckOp, g given, after int64) Verdict {
	l.t.Helper()
	v := l.c.Check(g.offset, g.popTime, l.now, l.alive)
	if v == Current {
		l.settle(op, g.offset, after)
	}
	return v
}

func (l *lane) settle(op record.AckOp, offset model.Offset, after int64) {
	l.t.Helper()
	l.ack = record.Ack{Op: op, Offsets: append(l.ack.Offsets[:0], offset)}
	if op == record.AckChange {
		l.ack.PopTime, l.ack.Invisible = l.tick(), after
	}
	if err := l.c.ApplyAck(&l.ack); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lane) acks(all ...given) {
	l.t.Helper()
	for _, g := range all {
		if v := l.do(record.AckDone, g, 0); v != Current {
			l.t.Fatalf("%+v acknowledged: verdict %d", g, v)
		}
	}
}

// restart goes on with what a snapshot has.
func (l *lane) restart() {
	l.t.Helper()
	c, err := DecodeImage(l.c.AppendImage(nil), &l.memory)
	if err != nil {
		l.t.Fatal(err)
	}
	l.c = c
}

func offsets(all []given) (list []model.Offset) {
	for _, g := range all {
		list = append(list, g.offset)
	}
	return list
}

// want fails unless exactly these messages were given, in this order.
func (l *lane) want(got []given, attempt int32, want ...model.Offset) {
	l.t.Helper()
	if !slices.Equal(offsets(got), want) {
		l.t.Fatalf("given %v, want %v", got, want)
	}
	for _, g := range got {
		if g.attempt != attempt {
			l.t.Fatalf("given %v, want attempt %d", got, attempt)
		}
	}
}

func (l *lane) at(floor, read model.Offset) {
	l.t.Helper()
	if l.c.Floor() != floor || l.c.ReadOffset() != read {
		l.t.Fatalf("floor %d, read %d; want %d and %d", l.c.Floor(), l.c.ReadOffset(), floor, read)
	}
}
