package cursor

import (
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

func TestExpiredReceiptIsStaleBeforeAnybodyElseHasTheMessage(t *testing.T) {
	l := newLane(t, false, 0, 0)
	got := l.receive(2)
	l.now += lease - 1
	l.acks(got[0])
	l.now++
	if v := l.do(record.AckDone, got[1], 0); v != Stale {
		t.Fatalf("verdict %d", v)
	}
	if v := l.do(record.AckChange, got[1], 5); v != Stale {
		t.Fatalf("verdict %d", v)
	}
	l.want(l.receive(2), 2, 1)
}

func TestRepeatedAckIsDone(t *testing.T) {
	l := newLane(t, false, 0, 0)
	got := l.receive(2)
	l.acks(got[1])
	if v := l.do(record.AckDone, got[1], 0); v != Done {
		t.Fatalf("verdict %d", v)
	}
	l.acks(got[0])
	if v := l.do(record.AckDone, got[1], 0); v != Done {
		t.Fatalf("verdict %d", v)
	}
	l.at(2, 2)
}

func TestRedeliveredFirstPopAndAttempt(t *testing.T) {
	l := newLane(t, false, 0)
	first := l.receive(1)[0]
	for attempt := int32(2); attempt < 5; attempt++ {
		l.now += lease
		l.restart()
		l.want(l.receive(1), attempt, 0)
		s, ok := l.c.Slot(0)
		if !ok || s.FirstPop != first.popTime || s.PopTime <= first.popTime || s.Deadline != s.PopTime+lease {
			t.Fatalf("%+v", s)
		}
	}
}

func TestDeadExactlyAfterMaxAttempts(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		l := newLane(t, fifo, 7, 7)
		l.max = 3
		l.acks(l.receive(2)[1:]...)
		l.now += lease
		for attempt := int32(2); attempt <= 3; attempt++ {
			l.want(l.receive(1), attempt, 0)
			if len(l.dead) > 0 {
				t.Fatal("dead too early")
			}
			l.now += lease
		}
		if !l.c.Ready(l.now, nil) {
			t.Fatal("not ready")
		}
		got := l.receive(2)
		if len(l.dead) != 1 || l.dead[0] != 0 || len(got) != 0 {
			t.Fatalf("dead %v, given %v", l.dead, got)
		}
		if fifo {
			l.want(l.receive(2), 2, 1) // only now, because its message group comes first
			continue
		}
		l.at(2, 2)
	}
}

func TestPoisonMessagesDoNotStarveNewOnes(t *testing.T) {
	l := newLane(t, false)
	l.send(100, 0)
	l.max = 1 << 10
	for len(l.receiveFor(100, 1, 0)) > 0 && l.c.ReadOffset() < 100 {
	}
	l.now += 10
	l.send(1000, 0)
	fresh, again := 0, 0
	for range 40 {
		for _, g := range l.receiveFor(8, 1, 0) {
			if g.attempt == 1 {
				fresh++
			} else {
				again++
			}
		}
		l.now += 10
	}
	if fresh < 40*8/4 || again < 40*8/2 {
		t.Fatalf("%d new messages and %d old ones", fresh, again)
	}
	one := newLane(t, false)
	one.send(1, 0)
	one.max = 1 << 10
	one.receiveFor(1, 1, 0)
	one.send(10, 0)
	fresh = 0
	for range 8 {
		one.now += 10
		if got := one.receiveFor(1, 1, 0); got[0].attempt == 1 {
			fresh++
			one.acks(got...)
		}
	}
	if fresh == 0 || fresh == 8 {
		t.Fatalf("%d of 8 single messages are new", fresh)
	}
}

func TestRoomIsUsedWhenThereIsNothingNew(t *testing.T) {
	l := newLane(t, false)
	l.send(8, 0)
	l.receiveFor(8, 1, 0)
	l.now += 1
	if got := l.receive(8); len(got) != 8 {
		t.Fatalf("given %v", got)
	}
}

func TestCommitEndsWhatIsBelow(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		l := newLane(t, fifo, 1, 2, 1, 2, 1)
		got := l.receive(5)
		l.acks(got[3])
		l.c.Apply(&record.Offset{Op: record.OffsetCommit, Offset: 3})
		l.at(4, 5)
		if v := l.c.Check(got[1].offset, got[1].popTime, l.now, nil); v != Done {
			t.Fatalf("verdict %d", v)
		}
		if v := l.do(record.AckDone, got[4], 0); v != Current {
			t.Fatalf("verdict %d", v)
		}
		l.at(5, 5)
	}
}

func TestReceiptsFromBeforeAResetAreStale(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		l := newLane(t, fifo, 1, 1, 1, 1)
		old := l.receive(4)
		l.acks(old[0])
		l.c.Apply(&record.Offset{Op: record.OffsetReset, Offset: 0})
		l.at(0, 0)
		for _, g := range old {
			if v := l.do(record.AckDone, g, 0); v != Stale {
				t.Fatalf("verdict %d", v)
			}
		}
		now := l.receive(4)
		l.want(now, 1, 0, 1, 2, 3)
		for _, g := range old {
			if v := l.do(record.AckDone, g, 0); v != Stale {
				t.Fatalf("verdict %d", v)
			}
		}
		l.acks(now...)
		l.at(4, 4)
		l.c.Apply(&record.Offset{Op: record.OffsetReset, Offset: 2})
		if v := l.do(record.AckDone, now[3], 0); v != Stale {
			t.Fatalf("verdict %d", v)
		}
		if l.c.Accepts(record.OffsetCommit) {
			t.Fatal("a commit from before the reset counts")
		}
	}
}

func TestTrimmedMessagesAreNotDeliveredAgain(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		l := newLane(t, fifo, 1, 2, 3, 1, 2, 3)
		held := l.receiveFor(1, 2*lease, 0)
		l.receiveFor(1, lease, 0)
		l.now += lease + 1
		l.min = 2
		if l.c.Outrun(2, l.now, nil) {
			t.Fatal("somebody still holds 0")
		}
		l.want(l.receive(6), 1, map[bool][]model.Offset{false: {2, 3, 4, 5}, true: {2, 4, 5}}[fifo]...)
		l.acks(held...)
		if !l.c.Outrun(2, l.now, nil) {
			t.Fatal("nobody holds what was trimmed")
		}
		l.c.Apply(&record.Offset{Op: record.OffsetCommit, Offset: 2})
		l.at(2, 6)
	}
}

func TestOwnedLeasesGoOnWhileTheirOwnerIsAlive(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		l := newLane(t, fifo, 1, 2, 3)
		gone := map[uint16]bool{}
		l.alive = func(o uint16) bool { return !gone[o] }
		got := l.receive(3)
		l.c.Own([]Lease{{Offset: 0}, {Offset: 1}}, 9)
		l.now += 10 * lease
		l.want(l.receive(3), 2, 2)
		if at, ok := l.c.NextDue(); !ok || at != l.popTime+lease {
			t.Fatalf("next due %d %v", at, ok)
		}
		l.acks(got[0])
		if owned := l.c.Owned(9, nil); len(owned) != 1 || owned[0] != 1 {
			t.Fatalf("owned %v", owned)
		}
		if l.c.Ready(l.now, l.alive) {
			t.Fatal("ready")
		}
		gone[9] = true
		if v := l.do(record.AckDone, got[1], 0); v != Stale || !l.c.Ready(l.now, l.alive) {
			t.Fatalf("verdict %d", v)
		}
		l.want(l.receive(3), 2, 1)
		l.now += 10 * lease
		l.restart() // owners are not kept
		l.want(l.receive(3)[:1], 3, 1)
	}
}

func TestGivenUpPlanLeavesNoTrace(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		l := newLane(t, fifo, 1, 2)
		l.receive(2)
		l.now += lease
		image := string(l.c.AppendImage(nil))
		for range 3 {
			l.plan.Begin(&l.c, Rules{Now: l.now, Max: 2, FIFO: fifo})
			if got := l.plan.Leases(); len(got) == 0 || got[0].Offset != 0 {
				t.Fatalf("leases %v", got)
			}
		}
		if string(l.c.AppendImage(nil)) != image || !l.c.Ready(l.now, nil) {
			t.Fatal("the plan has changed the cursor")
		}
		l.plan.Begin(&l.c, Rules{Now: l.now, Max: 2, FIFO: fifo})
		l.plan.Rest()
		l.plan.Keep(1)
		if l.plan.Rest(); len(l.plan.Leases()) != 1 || !l.plan.Full() {
			t.Fatalf("leases %v", l.plan.Leases())
		}
	}
}

func TestInFlightIsBounded(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		l := newLane(t, fifo)
		for key := range uint32(20) {
			l.send(1, key)
		}
		l.plan.Begin(&l.c, Rules{Now: l.now, Max: 50, InFlight: 10, FIFO: fifo})
		look, ok := l.plan.Next()
		for o := look.From; ok && l.plan.Offer(o, l.keys[o], true); o++ {
		}
		if got := len(l.plan.Leases()); got != 10 {
			t.Fatalf("%d leased", got)
		}
		if _, ok := l.plan.Next(); ok {
			t.Fatal("looks further")
		}
	}
}

func TestGapIsPassed(t *testing.T) {
	var c Cursor
	var p Plan
	p.Begin(&c, Rules{Max: 4})
	p.Next()
	p.Offer(5, 0, true)
	p.Offer(1000, 0, false)
	p.Passed(1 << 40)
	var r record.Pop
	var m Memory
	p.Record(&r, 1, 10, 0)
	if err := c.ApplyPop(&r, &m); err != nil || c.Floor() != 5 || c.ReadOffset() != 1<<40 {
		t.Fatalf("floor %d, read %d, %v", c.Floor(), c.ReadOffset(), err)
	}
	c.ApplyAck(&record.Ack{Offsets: []model.Offset{5}})
	if c.Floor() != 1<<40 || c.w != nil {
		t.Fatalf("floor %d", c.Floor())
	}
}
