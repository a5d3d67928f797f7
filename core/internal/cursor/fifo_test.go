package cursor

import (
	"slices"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

func TestLockedMessageGroupStopsOnlyItself(t *testing.T) {
	l := newLane(t, true, 1, 1, 2, 1, 3, 2)
	first := l.receive(1)
	l.want(first, 1, 0)
	l.want(l.receive(10), 1, 2, 4, 5)
	if l.c.Locked(l.now, nil) != 3 {
		t.Fatal("not all are locked")
	}
	l.want(l.receive(10), 1)
	l.acks(first...)
	l.want(l.receive(10), 1, 1, 3)
}

func TestMessagesWithoutMessageGroupAreOne(t *testing.T) {
	l := newLane(t, true, 0, 0, 5, 0)
	l.want(l.receive(1), 1, 0)
	l.want(l.receive(10), 1, 2)
}

// TestFailedMessageComesFirstAndAgain: of a batch the second and the third are
// acknowledged; after the time is over, and for as long as it goes on like this,
// exactly the three come again, the first one first.
func TestFailedMessageComesFirstAndAgain(t *testing.T) {
	l := newLane(t, true, 1, 1, 1)
	got := l.receive(3)
	for attempt := int32(1); attempt < 6; attempt++ {
		l.want(got, attempt, 0, 1, 2)
		l.acks(got[1], got[2])
		if v := l.do(record.AckDone, got[2], 0); v != Done {
			t.Fatalf("repeated ack: %d", v)
		}
		if v := l.do(record.AckChange, got[2], 0); v != Done {
			t.Fatalf("change after an ack: %d", v)
		}
		l.want(l.receive(3), 0)
		l.at(0, 3)
		l.now += lease
		l.restart()
		got = l.receive(3)
	}
	l.acks(got[1], got[0])
	l.at(2, 3)
	l.acks(got[2])
	l.at(3, 3)
}

func TestProvisionalAckIsUndoneByARedelivery(t *testing.T) {
	l := newLane(t, true, 1, 1, 1)
	got := l.receive(3)
	l.acks(got[1])
	l.do(record.AckChange, got[0], 5)
	l.settle(record.AckChange, 2, 10*lease) // the third one is held much longer
	l.now += lease
	l.want(l.receive(3), 0) // so the message group stays locked
	l.now += 10 * lease
	l.want(l.receive(1), 2, 0)
	if v := l.do(record.AckDone, got[1], 0); v != Stale {
		t.Fatalf("verdict %d", v)
	}
	l.now += lease
	l.want(l.receive(1)[:1], 3, 0)
	l.acks(given{0, l.pop.PopTime, 3})
	l.want(l.receive(3), 2, 1, 2)
}

func TestNackWaitsForTheRestOfTheBatch(t *testing.T) {
	l := newLane(t, true, 1, 1)
	got := l.receive(2)
	l.do(record.AckChange, got[0], 0)
	if l.c.Ready(l.now, nil) {
		t.Fatal("ready while the second one is held")
	}
	l.acks(got[1])
	if !l.c.Ready(l.now, nil) {
		t.Fatal("not ready")
	}
	l.want(l.receive(2), 2, 0, 1)
}

func TestChangeDelaysTheMessageGroup(t *testing.T) {
	l := newLane(t, true, 1, 1, 2)
	got := l.receive(1)
	l.do(record.AckChange, got[0], 10*lease)
	l.now += 9 * lease
	l.want(l.receive(3), 1, 2)
	at, ok := l.c.NextDue()
	s, _ := l.c.Slot(0)
	if key2, _ := l.c.Slot(2); !ok || at != min(s.Deadline, key2.Deadline) {
		t.Fatalf("next due %d", at)
	}
	l.now += lease + 1
	l.want(l.receive(1), 2, 0)
}

// TestChangeMayKeepTheName: clients of ordered queues go on with the name they have.
func TestChangeMayKeepTheName(t *testing.T) {
	l := newLane(t, true, 1)
	got := l.receive(1)[0]
	err := l.c.ApplyAck(&record.Ack{Op: record.AckChange, Offsets: []model.Offset{0}, PopTime: got.popTime, Invisible: 2 * lease})
	l.now += 2*lease - 1
	if v := l.do(record.AckDone, got, 0); err != nil || v != Current {
		t.Fatalf("verdict %d, %v", v, err)
	}
}

func TestAttemptIsReplayed(t *testing.T) {
	l := newLane(t, true, 1, 2, 1, 3)
	const a, b = 77, 78
	got := l.receiveFor(3, lease, a)
	other := l.receiveFor(3, lease, b)
	l.restart()
	for hash, want := range map[uint64][]given{a: got, b: other, 79: nil} {
		leases, popTime := l.c.Replay(nil, hash, l.now, nil)
		if len(leases) != len(want) || len(want) > 0 && popTime != want[0].popTime {
			t.Fatalf("attempt %d: %v of %d", hash, leases, popTime)
		}
		for i := range leases {
			if leases[i].Offset != want[i].offset || leases[i].Attempt != 1 || leases[i].FirstPop != popTime {
				t.Fatalf("attempt %d: %+v", hash, leases[i])
			}
		}
	}
	if leases, _ := l.c.Replay(nil, a, l.now+lease, nil); len(leases) > 0 {
		t.Fatal("replayed after its time")
	}
	l.acks(got[0])
	if leases, _ := l.c.Replay(nil, a, l.now, nil); len(leases) > 0 {
		t.Fatal("replayed though not all are in flight")
	}
	if leases, _ := l.c.Replay(nil, b, l.now, nil); len(leases) != 1 {
		t.Fatal("the other attempt is gone")
	}
}

// TestStuckMessageGroupIsLookedForAgain: far more messages wait than its list
// takes; all of them come, in order, once it is unlocked.
func TestStuckMessageGroupIsLookedForAgain(t *testing.T) {
	for _, restart := range []bool{false, true} {
		l := newLane(t, true, 1, 9)
		stuck := l.receive(1)
		var want []model.Offset
		for range 1000 {
			want = append(want, model.Offset(len(l.keys)))
			l.send(1, 1)
			l.send(1, 2)
		}
		for got := l.receive(100); len(got) > 0; got = l.receive(100) {
			l.acks(got...)
		}
		l.at(0, 2002)
		if l.c.Ready(l.now, nil) {
			t.Fatal("ready")
		}
		if restart {
			l.restart()
		}
		l.acks(stuck...)
		var all []model.Offset
		for got := l.receive(7); len(got) > 0; got = l.receive(7) {
			l.acks(got...)
			all = append(all, offsets(got)...)
		}
		if !slices.Equal(all, want) {
			t.Fatalf("%d messages came, want %d", len(all), len(want))
		}
		l.at(2002, 2002)
	}
}

func TestLookAheadStopsAtItsBound(t *testing.T) {
	l := newLane(t, true, 1)
	l.hold = 64 << 10
	stuck := l.receive(1)
	for key := range uint32(2000) {
		l.send(1, 1)
		l.send(1, 10+key)
	}
	got := 0
	for range 100 {
		got += len(l.receive(64))
	}
	if !l.plan.Stopped() || got > 1000 || l.c.w.holds() > l.hold {
		t.Fatalf("%d leased, %d bytes held, stopped %v", got, l.c.w.holds(), l.plan.Stopped())
	}
	read := l.c.ReadOffset()
	l.acks(stuck...) // what is known goes on
	if more := l.receive(64); len(more) != 64 || more[0].offset != 1 {
		t.Fatalf("given %v", more)
	}
	for o := model.Offset(0); o < read; o++ {
		if s, ok := l.c.Slot(o); ok {
			l.do(record.AckDone, given{o, s.PopTime, 1}, 0)
		}
	}
	l.receive(64)
	if l.receive(64); l.c.ReadOffset() <= read {
		t.Fatal("it does not go on")
	}
}

func TestDeadLetterBehindAnUnfinishedMessageIsFinal(t *testing.T) {
	l := newLane(t, true, 1, 1, 1)
	got := l.receive(3)
	l.do(record.AckDead, got[1], 0)
	l.acks(got[2])
	l.now += lease
	l.want(l.receive(3), 2, 0, 2)
}

// TestOrderIsTakenAwayAndGivenBack: nothing is lost, and what was acknowledged
// does not come again.
func TestOrderIsTakenAwayAndGivenBack(t *testing.T) {
	l := newLane(t, true, 1)
	l.receive(1) // never settled
	acked := map[model.Offset]bool{}
	seen := map[model.Offset]bool{0: true}
	for round := range 8 {
		for key := range uint32(200) {
			l.send(1, 1+key%3)
		}
		for _, g := range l.receive(40) {
			if acked[g.offset] {
				t.Fatalf("round %d: %d comes again", round, g.offset)
			}
			if seen[g.offset] = true; g.offset%2 == 0 && g.offset > 0 {
				l.acks(g)
				acked[g.offset] = !l.fifo || acked[g.offset]
			}
		}
		l.fifo = !l.fifo
		if l.c.Turns(l.fifo) {
			l.c.Turn(&l.pop, l.fifo, l.tick())
			b := record.Append(nil, &l.pop)
			var d record.Decoder
			if _, _, err := d.Decode(b); err != nil {
				t.Fatal(err)
			}
			if err := l.c.ApplyPop(&l.pop, &l.memory); err != nil {
				t.Fatal(err)
			}
		}
		l.restart()
	}
	for range 200 {
		l.now += 2 * lease
		l.max = 1 << 10
		for _, g := range l.receive(1000) {
			if acked[g.offset] {
				t.Fatalf("%d comes again", g.offset)
			}
			seen[g.offset] = true
			l.acks(g)
		}
	}
	l.at(1601, 1601)
	if len(seen) != 1601 {
		t.Fatalf("%d messages came", len(seen))
	}
}
