package cursor

import (
	"strings"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// Each test is named after an issue of apache/rocketmq, and holds what went wrong there.

// Issue 10276: a change of the invisible time landed on its own key, and deleted
// what it had just stored: the message was lost.
func TestIssue10276ChangeToTheSameTimeLosesNothing(t *testing.T) {
	l := newLane(t, false, 0)
	got := l.receive(1)
	for range 3 {
		if v := l.do(record.AckChange, got[0], lease); v != Current {
			t.Fatalf("verdict %d", v)
		}
		s, _ := l.c.Slot(0)
		if s.PopTime <= got[0].popTime {
			t.Fatal("the name is the old one")
		}
		if v := l.do(record.AckDone, got[0], 0); v != Stale {
			t.Fatalf("the old receipt: %d", v)
		}
		got[0].popTime = s.PopTime
	}
	l.restart()
	l.now += 2 * lease
	l.want(l.receive(1), 2, 0)
}

// Issue 10736: an acknowledgement while its delivery was being written out was
// undone by that. An image taken at any moment is of that moment.
func TestIssue10736AckIsNotUndoneByASnapshot(t *testing.T) {
	l := newLane(t, false, 0, 0)
	got := l.receive(2)
	before := l.c.AppendImage(nil)
	l.acks(got[0])
	after := l.c.AppendImage(nil)
	for _, image := range [][]byte{before, after} {
		c, err := DecodeImage(image, &l.memory)
		if err != nil {
			t.Fatal(err)
		}
		if c.Check(0, got[0].popTime, l.now, nil) == Current { // the log behind the image is replayed
			if err := c.ApplyAck(&record.Ack{Offsets: []model.Offset{0}}); err != nil {
				t.Fatal(err)
			}
		}
		if c.Floor() != 1 || c.InFlight() != 1 {
			t.Fatalf("floor %d, %d in flight", c.Floor(), c.InFlight())
		}
	}
}

// Issue 10256: a list of acknowledged offsets was shared with a call that still
// read it. The cursor keeps nothing of a record.
func TestIssue10256RecordsAreNotKept(t *testing.T) {
	l := newLane(t, true, 1, 2, 3)
	l.receiveFor(3, lease, 5)
	for i := range l.pop.Leased {
		l.pop.Leased[i] = record.PopMessage{Offset: 999, Key: 9}
	}
	ack := record.Ack{Offsets: []model.Offset{0, 1}}
	if err := l.c.ApplyAck(&ack); err != nil {
		t.Fatal(err)
	}
	ack.Offsets[0], ack.Offsets[1] = 999, 999
	l.at(2, 3)
	l.restart()
	l.acks(given{2, l.pop.PopTime, 1})
}

// Issue 3787: a consumer that acknowledged slowly, but in time, got the messages again.
func TestIssue3787SlowConsumerSeesEachMessageOnce(t *testing.T) {
	l := newLane(t, false)
	l.send(960, 0)
	seen := map[model.Offset]int{}
	for got := l.receive(32); len(got) > 0; got = l.receive(32) {
		for _, g := range got {
			l.now += 100 // of 30 s, for 32 messages
			seen[g.offset]++
			l.acks(g)
		}
	}
	if len(seen) != 960 {
		t.Fatalf("%d messages came", len(seen))
	}
	for o, n := range seen {
		if n != 1 {
			t.Fatalf("%d came %d times", o, n)
		}
	}
	l.at(960, 960)
}

// Issue 8835: of N messages N-1 were acknowledged at once and the last one late:
// the N-1 came again.
func TestIssue8835LateLastAckBringsNothingBack(t *testing.T) {
	l := newLane(t, false)
	l.send(32, 0)
	got := l.receive(32)
	l.acks(got[:31]...)
	l.now += lease - 1
	l.restart()
	l.acks(got[31])
	l.now += 10 * lease
	if more := l.receive(32); more != nil {
		t.Fatalf("given %v", more)
	}
	l.at(32, 32)
}

// Issue 7724: an acknowledged message came again, because the one that was to
// come was gone, and the next one there is was taken for it.
func TestIssue7724TrimmedMessageBringsNoOtherBack(t *testing.T) {
	l := newLane(t, false)
	l.send(10, 0)
	got := l.receive(10)
	l.acks(got[5:]...)
	l.now += lease
	l.min = 5
	if more := l.receive(10); more != nil {
		t.Fatalf("given %v", more)
	}
	if !l.c.Outrun(5, l.now, nil) {
		t.Fatal("not outrun")
	}
	l.c.Apply(&record.Offset{Offset: 5})
	l.at(10, 10)
}

// Issue 9105: messages of light queues came twice, two calls being answered from
// one place.
func TestIssue9105TwoReceivesNeverShareAMessage(t *testing.T) {
	l := newLane(t, false)
	l.send(100, 0)
	seen := map[model.Offset]bool{}
	for range 10 {
		l.restart()
		for _, g := range l.receive(10) {
			if seen[g.offset] {
				t.Fatalf("%d came twice", g.offset)
			}
			seen[g.offset] = true
		}
	}
	if len(seen) != 100 {
		t.Fatalf("%d messages came", len(seen))
	}
}

// Issue 7914: messages that were delivered and not acknowledged never came again.
func TestIssue7914UnacknowledgedMessagesComeAgain(t *testing.T) {
	l := newLane(t, false)
	l.send(300, 0)
	want := map[model.Offset]bool{}
	for got := l.receive(7); len(got) > 0; got = l.receive(7) {
		for _, g := range got {
			if g.offset%3 == 1 {
				want[g.offset] = true
				continue
			}
			l.acks(g)
		}
	}
	l.restart()
	l.now += 2 * lease
	for got := l.receive(7); len(got) > 0; got = l.receive(7) {
		for _, g := range got {
			if !want[g.offset] || g.attempt != 2 {
				t.Fatalf("given %+v", g)
			}
			delete(want, g.offset)
			l.acks(g)
		}
	}
	if len(want) > 0 {
		t.Fatalf("%d did not come again", len(want))
	}
	l.at(300, 300)
}

// Issue 5408 (and 3443): progress stood still when there were more
// acknowledgements than deliveries.
func TestIssue5408RepeatedAcksDoNotHoldProgress(t *testing.T) {
	l := newLane(t, false)
	l.send(8, 0)
	got := l.receive(8)
	for range 3 {
		for _, g := range got {
			l.do(record.AckDone, g, 0)
		}
	}
	l.at(8, 8)
	if at, ok := l.c.NextDue(); ok {
		t.Fatalf("something is due at %d", at)
	}
	if err := l.c.ApplyAck(&record.Ack{Offsets: []model.Offset{3}}); err == nil {
		t.Fatal("an ack without a delivery is folded in")
	}
}

// Issue 8479: deliveries of a topic that was deleted and made again were tried for
// ever. A cursor goes with its topic; one that begins anew knows nothing of old
// deliveries.
func TestIssue8479NewGenerationKnowsNoOldDelivery(t *testing.T) {
	l := newLane(t, false)
	l.send(5, 0)
	old := l.receive(5)
	l.c = Cursor{}
	l.c.Apply(&record.Offset{Offset: 5}) // where the queue goes on
	l.send(1, 0)
	if at, ok := l.c.NextDue(); ok {
		t.Fatalf("something is due at %d", at)
	}
	l.want(l.receive(5), 1, 5)
	for _, g := range old {
		if v := l.do(record.AckDone, g, 0); v == Current {
			t.Fatalf("%+v is current", g)
		}
	}
}

// Issue 9369: after a reset a group in the middle of its messages went on where it
// was, or its late acknowledgements moved it.
func TestIssue9369ResetWinsOverOlderAcks(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		l := newLane(t, fifo)
		l.send(20, 1)
		got := l.receive(10)
		l.c.Apply(&record.Offset{Op: record.OffsetReset, Offset: 15})
		for _, g := range got {
			l.do(record.AckDone, g, 0)
		}
		l.at(15, 15)
		l.want(l.receive(2), 1, 15, 16)
		l.c.Apply(&record.Offset{Op: record.OffsetReset, Offset: 3})
		for _, g := range got {
			l.do(record.AckDone, g, 0)
		}
		l.at(3, 3)
		l.want(l.receive(2), 1, 3, 4)
	}
}

// Issue 8268: what a filter passed over was looked at, and passed over, again and
// again.
func TestIssue8268PassedOverOnce(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		l := newLane(t, fifo)
		l.send(100, 1)
		l.filter = func(model.Offset) bool { return false }
		if got := l.receive(10); got != nil {
			t.Fatalf("given %v", got)
		}
		l.at(100, 100)
		l.restart()
		l.filter = nil
		if got := l.receive(10); got != nil {
			t.Fatalf("given %v", got)
		}
	}
}

// Issue 11180: the distance of an offset from the batch's first one was cut to 32
// bits: an ack of another message hit one of the batch.
func TestIssue11180FarOffsetIsAnotherMessage(t *testing.T) {
	l := newLane(t, false, 0, 0, 0, 0)
	got := l.receive(4)
	far := given{got[3].offset + 1<<32, got[3].popTime, 1}
	if v := l.do(record.AckDone, far, 0); v != Stale || l.c.InFlight() != 4 {
		t.Fatalf("verdict %d", v)
	}
}

// Issue 9217: in-flight counts drifted away from what was in flight.
func TestIssue9217InFlightIsCounted(t *testing.T) {
	l := newLane(t, false)
	l.send(200, 0)
	var held []given
	for i := range 200 {
		switch {
		case i%7 == 3 && len(held) > 0:
			l.acks(held[len(held)-1])
			held = held[:len(held)-1]
		case i%31 == 30:
			l.now += 2 * lease
			held = nil
		default:
			held = append(held, l.receive(2)...)
		}
		n := 0
		l.c.Each(func(model.Offset, Slot) bool { n++; return true })
		if l.c.InFlight() != n {
			t.Fatalf("%d in flight, counted %d", l.c.InFlight(), n)
		}
	}
}

func TestRecordsThatDoNotFollowAreErrors(t *testing.T) {
	lease := func(fifo bool, popTime int64, to model.Offset, m ...record.PopMessage) *record.Pop {
		return &record.Pop{FIFO: fifo, PopTime: popTime, Invisible: 10, ReadTo: to, Leased: m}
	}
	at := func(o model.Offset, key uint32) record.PopMessage { return record.PopMessage{Offset: o, Key: key} }
	park := func(r *record.Pop, m ...record.PopMessage) *record.Pop { r.Parked = m; return r }
	resume := func(r *record.Pop, m ...record.PopMessage) *record.Pop { r.Resumed = m; return r }
	begin := map[bool]*record.Pop{
		false: lease(false, 100, 10, at(3, 0), at(5, 0)),
		true:  park(lease(true, 100, 10, at(3, 1), at(5, 2), at(7, 1)), at(8, 1)),
	}
	cases := []struct {
		fifo bool
		r    record.Entry
		want string
	}{
		{false, lease(false, 100, 10, at(3, 0)), "pop time"},
		{false, lease(false, 200, 9), "goes back"},
		{false, lease(false, 200, 10, at(2, 0)), "floor"},
		{false, lease(false, 200, 10, at(4, 0)), "done with"},
		{false, lease(false, 200, 20, at(8, 0)), "done with"},
		{false, lease(true, 200, 20, at(12, 0)), "turn"},
		{false, lease(true, 200, 20), "turn"},
		{false, &record.Ack{Offsets: []model.Offset{4}}, "not in flight"},
		{false, &record.Ack{Offsets: []model.Offset{12}}, "not in flight"},
		{false, &record.Ack{Offsets: []model.Offset{3}, Op: record.AckChange, PopTime: 100}, "pop time"},
		{true, lease(true, 200, 10, at(3, 2)), "of 0x1"},
		{true, lease(true, 200, 10, at(8, 2)), "another message group"},
		{true, lease(true, 200, 10, at(6, 2)), "done with"},
		{true, park(lease(true, 200, 20), at(12, 9)), "parked"},
		{true, park(lease(true, 200, 20), at(6, 1)), "parked"},
		{true, resume(lease(true, 200, 20), at(12, 9)), "search"},
		{true, resume(lease(true, 200, 20), at(6, 1)), "search"},
		{true, resume(lease(true, 200, 20), at(20, 1)), "search"},
		{true, &record.Ack{Offsets: []model.Offset{8}}, "not in flight"},
		{true, &record.Ack{Offsets: []model.Offset{7, 7}}, "acknowledged"},
		{true, lease(false, 200, 10), "turn"},
	}
	for _, tc := range cases {
		var c Cursor
		var m Memory
		err := c.ApplyPop(begin[tc.fifo], &m)
		if err != nil {
			t.Fatal(err)
		}
		switch r := tc.r.(type) {
		case *record.Pop:
			err = c.ApplyPop(r, &m)
		case *record.Ack:
			err = c.ApplyAck(r)
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.r, err, tc.want)
		}
	}
	var none Cursor
	if none.ApplyAck(&record.Ack{Offsets: []model.Offset{0}}) == nil {
		t.Error("an ack where nothing was leased is folded in")
	}
}
