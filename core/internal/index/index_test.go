package index

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"pgregory.net/rapid"
)

// machine drives an index beside a plain log: messages, segments, gaps, parts
// that are built and exchanged in slices, retention, restarts.
type machine struct {
	t      *testing.T
	log    *testLog
	index  *Index
	swap   *Sealed   // being exchanged
	sealed int       // segments of the log that have a part, from the first on
	kept   model.LSN // below, all is dropped
	gone   [testSlots]bool
}

// slots is slotOf without queues that are gone.
func (m *machine) slots(topic model.TopicID, queue int32) (uint32, bool) {
	slot, _ := slotOf(topic, queue)
	return slot, !m.gone[slot]
}

// TestIndexAgainstSlices: whatever happens to an index, every message that is
// kept is found by offset, time, key and address, as in plain slices.
func TestIndexAgainstSlices(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := &machine{t: t, log: newTestLog(), index: New()}
		m.index.Roll(0, m.log.now)
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			m.step(r)
		}
		for slot := range uint32(testSlots) {
			m.check(r, slot)
		}
		m.checkSegments(r)
	})
}

func (m *machine) step(r *rapid.T) {
	switch rapid.IntRange(0, 13).Draw(r, "op") {
	case 0:
		m.roll(0)
	case 1: // offsets jump, as at a gap: always with a new segment
		m.roll(model.LSN(rapid.IntRange(0, 5000).Draw(r, "gap")))
		for q := range m.log.next {
			m.log.next[q] += 100
		}
	case 2: // a jump within a segment
		m.log.next[rapid.IntRange(0, testSlots-1).Draw(r, "slot")] += 3
	case 3:
		m.seal(r)
	case 4, 5:
		m.exchange(r)
	case 6:
		m.drop(r)
	case 7:
		m.index.Sweep(rapid.SampledFrom([]int{1, 100, 10_000}).Draw(r, "sweep"))
	case 8:
		m.restart(r)
	case 9:
		m.forget(r)
	default:
		m.send(r)
	}
}

func (m *machine) roll(gap model.LSN) {
	m.index.Ended(m.log.end)
	m.log.roll(gap)
	m.index.Roll(m.log.last().base, m.log.now)
}

func (m *machine) send(r *rapid.T) {
	topic := model.TopicID(rapid.IntRange(1, testTopics).Draw(r, "topic"))
	queue := int32(rapid.IntRange(0, testQueues-1).Draw(r, "queue"))
	if _, ok := m.slots(topic, queue); !ok {
		return
	}
	n := rapid.SampledFrom([]int{1, 3, 40, 1100, 2500}).Draw(r, "n")
	step := rapid.Int64Range(0, 2).Draw(r, "ms")
	m.log.now += rapid.Int64Range(0, 1000).Draw(r, "pause")
	m.log.send(topic, queue, n, rapid.IntRange(0, 20).Draw(r, "body"), step, func(i int) []string {
		return []string{fmt.Sprint("u", i), fmt.Sprint("k", i%5), "all", "all"}
	})
	frames := m.log.last().frames
	addFrame(m.t, m.index, frames[len(frames)-1])
}

// seal builds the part of the oldest segment that has none, and begins its exchange.
func (m *machine) seal(r *rapid.T) {
	if m.swap != nil || m.sealed == len(m.log.segments)-1 {
		return
	}
	s := m.log.segments[m.sealed]
	s.part = s.build(m.t)
	if again := s.build(m.t); !bytes.Equal(s.part, again) {
		r.Fatal("a part built twice differs")
	}
	m.sealed++
	if s.base >= m.kept {
		m.swap = openPart(m.t, s.part)
	}
}

func (m *machine) exchange(r *rapid.T) {
	if m.swap == nil {
		return
	}
	done, err := m.index.Swap(m.swap, m.slots, rapid.IntRange(1, 5).Draw(r, "budget"))
	if err != nil {
		r.Fatal(err)
	}
	if done {
		m.swap = nil
	}
}

func (m *machine) drop(r *rapid.T) {
	i := rapid.IntRange(0, len(m.log.segments)-1).Draw(r, "until")
	before := m.log.segments[i].base
	if i > 0 && rapid.Bool().Draw(r, "its end") { // before a gap, if there is one
		before = m.log.segments[i-1].end
	}
	for _, d := range m.index.Drop(before) {
		if d.Base >= before || d.Base < m.kept {
			r.Fatalf("dropped %d, asked to drop below %d", d.Base, before)
		}
	}
	m.kept = max(m.kept, m.log.segments[i].base)
}

// forget deletes a queue, not too often.
func (m *machine) forget(r *rapid.T) {
	if slot := rapid.IntRange(0, 3*testSlots).Draw(r, "forget"); slot < testSlots {
		m.gone[slot] = true
		m.index.Forget(uint32(slot))
	}
}

// restart replays from anywhere, loads the parts when the state has come to their
// end, and goes on behind them. Queues may be deleted before that or later.
func (m *machine) restart(r *rapid.T) {
	m.index, m.swap = New(), nil
	from := m.log.segments[rapid.IntRange(0, m.sealed).Draw(r, "replay from")].base
	loaded := m.log.segments[m.sealed].base
	m.index.Skip(loaded)
	m.log.replay(m.t, m.index, max(m.kept, from), loaded)
	slots := m.slots
	if rapid.Bool().Draw(r, "deleted later") {
		slots = slotOf
	}
	for _, s := range m.log.segments[:m.sealed] {
		if s.base < m.kept {
			continue
		}
		if err := m.index.Load(openPart(m.t, s.part), slots); err != nil {
			r.Fatal(err)
		}
	}
	m.log.replay(m.t, m.index, max(m.kept, loaded), m.log.end)
	for slot, gone := range m.gone {
		if gone {
			m.index.Forget(uint32(slot))
		}
	}
}

// check compares all look-ups of a queue.
func (m *machine) check(r *rapid.T, slot uint32) {
	want := slices.DeleteFunc(slices.Clone(m.log.messages[slot]), func(x testMessage) bool {
		return x.Segment < m.kept || m.gone[slot]
	})
	var got []Place
	for from := model.Offset(0); ; {
		run, ok := m.index.Range(slot, from)
		if !ok {
			break
		}
		if run.First < from || run.End <= run.First {
			r.Fatalf("range behind %d: %d to %d", from, run.First, run.End)
		}
		places := readRange(r, run, from, 1<<62)
		if len(places) != int(run.End-run.First) || places[0].Time != run.FirstTime || places[len(places)-1].Time != run.LastTime || places[0].Segment != run.Segment {
			r.Fatalf("range %+v has other messages", run)
		}
		got = append(got, places...)
		from = run.End
	}
	if len(got) != len(want) {
		r.Fatalf("slot %d: found %d of %d", slot, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i].Place {
			r.Fatalf("slot %d: entry %d is %+v, want %+v", slot, i, got[i], want[i].Place)
		}
	}
	if len(want) == 0 {
		return
	}
	for range 5 {
		m.probe(r, slot, want)
	}
}

// probe looks for one message, by offset and by time.
func (m *machine) probe(r *rapid.T, slot uint32, want []testMessage) {
	i := rapid.IntRange(0, len(want)-1).Draw(r, "probe")
	p := want[i].Place
	run, ok := m.index.Range(slot, p.Offset)
	if !ok || run.First > p.Offset || run.End <= p.Offset {
		r.Fatalf("Range(%d) = %+v, %v", p.Offset, run, ok)
	}
	n := rapid.Int64Range(0, 600).Draw(r, "n")
	places := readRange(r, run, p.Offset, p.Offset+model.Offset(n))
	if len(places) != int(min(n, int64(run.End-p.Offset))) {
		r.Fatalf("%d places of %d from %d in %+v", len(places), n, p.Offset, run)
	}
	for k := range places {
		if places[k] != want[i+k].Place {
			r.Fatalf("place %d behind offset %d is %+v", k, p.Offset, places[k])
		}
	}
	for _, at := range []int64{p.Time - 1, p.Time, p.Time + 1} {
		k := sort.Search(len(want), func(k int) bool { return want[k].Time >= at })
		run, ok := m.index.RangeByTime(slot, at)
		if ok != (k < len(want)) {
			r.Fatalf("RangeByTime(%d): %v", at, ok)
		}
		if !ok {
			continue
		}
		got, ok, err := run.FindTime(at)
		if err != nil || !ok || got != want[k].Place {
			r.Fatalf("FindTime(%d) = %+v, %v, %v, want %+v", at, got, ok, err, want[k].Place)
		}
	}
}

// checkSegments compares parts as a whole with what they were made of.
func (m *machine) checkSegments(r *rapid.T) {
	i := 0
	m.index.Each(func(info SegmentInfo) bool {
		for m.log.segments[i].base < info.Base {
			i++
		}
		if info.Base != m.log.segments[i].base {
			r.Fatalf("a segment at %d", info.Base)
		}
		if info.Base < m.log.last().base && info.End != m.log.segments[i].end {
			r.Fatalf("the segment at %d ends at %d, not %d", info.Base, info.End, m.log.segments[i].end)
		}
		if info.Sealed != nil {
			checkPart(r, info.Sealed, m.log.segments[i])
		}
		return true
	})
	if want := len(m.log.segments) - sort.Search(len(m.log.segments), func(i int) bool { return m.log.segments[i].base >= m.kept }); m.index.Segments() != want {
		r.Fatalf("%d segments, want %d", m.index.Segments(), want)
	}
}

func readRange(t rapid.TB, run Range, from, to model.Offset) (places []Place) {
	fn := func(p Place) bool { places = append(places, p); return true }
	if run.Sealed == nil {
		if !run.Scan(from, to, fn) {
			t.Fatal("Scan ended early")
		}
	} else if err := run.Read(from, to, fn); err != nil {
		t.Fatal(err)
	}
	return places
}
