package conformance

import (
	"slices"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
)

// TestPull: what Java's pull consumer is told about every place in and around a queue.
func TestPull(t *testing.T) {
	eachKind(t, harness.Kind.Java, func(t *testing.T, k harness.Kind) {
		topic, p := newTopic(t, 2), start(t, k)
		p.Send(harness.Cmd{Topic: topic, Count: 5, Queues: 1, Tag: "A"})
		consumer := p.Do(harness.Cmd{Op: "pull", Topic: topic, Group: unique(t, "G")})
		cases := []struct {
			name           string
			queue          int
			offset         int64
			max            int
			expression     string
			status         string
			next, min, end int64
			offsets        []int64
		}{
			{"all", 0, 0, 32, "*", "FOUND", 5, 0, 5, []int64{0, 1, 2, 3, 4}},
			{"some", 0, 1, 2, "*", "FOUND", 3, 0, 5, []int64{1, 2}},
			{"at the end", 0, 5, 32, "*", "NO_NEW_MSG", 5, 0, 5, nil},
			{"past the end", 0, 9, 32, "*", "OFFSET_ILLEGAL", 5, 0, 5, nil},
			{"no tag matches", 0, 2, 32, "B", "NO_MATCHED_MSG", 5, 0, 5, nil},
			{"the tag matches", 0, 3, 32, "A || B", "FOUND", 5, 0, 5, []int64{3, 4}},
			{"never used", 1, 0, 32, "*", "NO_NEW_MSG", 0, 0, 0, nil},
			{"past the end of a queue never used", 1, 3, 32, "*", "OFFSET_ILLEGAL", 0, 0, 0, nil},
		}
		for _, c := range cases {
			got := p.Do(harness.Cmd{Op: "poll", Target: consumer.ID, Queue: c.queue, Offset: c.offset, Max: c.max, Expression: c.expression})
			if got.Status != c.status || got.Next != c.next || got.Min != c.min || got.Max != c.end || !slices.Equal(got.Offsets, c.offsets) {
				t.Errorf("%s: got %s next %d min %d max %d offsets %v, want %s next %d min %d max %d offsets %v", c.name,
					got.Status, got.Next, got.Min, got.Max, got.Offsets, c.status, c.next, c.min, c.end, c.offsets)
			}
		}
	})
}

// TestPullWaits: a pull that may wait is answered when a message comes.
func TestPullWaits(t *testing.T) {
	eachKind(t, harness.Kind.Java, func(t *testing.T, k harness.Kind) {
		topic, p := newTopic(t, 1), start(t, k)
		consumer := p.Do(harness.Cmd{Op: "pull", Topic: topic, Group: unique(t, "G")})
		waiting := p.Begin(harness.Cmd{Op: "poll", Target: consumer.ID, Block: 1})
		sent := start(t, goKind).Send(harness.Cmd{Topic: topic})
		got, ok := p.End(waiting)
		if !ok || got.Status != "FOUND" || got.Next != 1 {
			t.Fatalf("the waiting pull ended with %+v", got)
		}
		if late := got.At.Sub(sent[0].At); late > 5*time.Second {
			t.Errorf("the waiting pull was answered %v after the send", late)
		}
	})
}

// TestStoredOffsets: offsets that Java's pull consumer keeps at the broker, and how a group without one begins.
func TestStoredOffsets(t *testing.T) {
	eachKind(t, harness.Kind.Java, func(t *testing.T, k harness.Kind) {
		topic, group, p := newTopic(t, 2), unique(t, "G"), start(t, k)
		p.Send(harness.Cmd{Topic: topic, Count: 6, Queues: 2})
		pull := harness.Cmd{Op: "pull", Topic: topic, Group: group}
		consumer := p.Do(pull)
		p.Do(harness.Cmd{Op: "poll", Target: consumer.ID}) // makes the group known: some servers refuse offsets of unknown ones
		committed := func(target, queue int) int64 {
			return p.Do(harness.Cmd{Op: "committed", Target: target, Queue: queue}).Offset
		}
		if got := committed(consumer.ID, 0); got != 0 {
			t.Errorf("a new group stands at %d, want 0: nothing of the queue has expired", got)
		}
		for _, offset := range []int64{2, 1, 3} { // tools go back
			p.Do(harness.Cmd{Op: "commit", Target: consumer.ID, Queue: 0, Offset: offset})
			if got := committed(consumer.ID, 0); got != offset {
				t.Errorf("committed %d, the broker says %d", offset, got)
			}
		}
		p.Stop(consumer.ID)
		again := p.Do(pull)
		if got := committed(again.ID, 0); got != 3 {
			t.Errorf("after a new start the broker says %d, want 3", got)
		}
		if got := committed(again.ID, 1); got != 0 {
			t.Errorf("the other queue stands at %d, want 0", got)
		}
	})
}

// TestOffsets: the ends of a queue and its offset at a time.
func TestOffsets(t *testing.T) {
	eachKind(t, harness.Kind.Java, func(t *testing.T, k harness.Kind) {
		topic, p := newTopic(t, 2), start(t, k)
		begin := time.Now()
		p.Send(harness.Cmd{Topic: topic, Count: 3, Queues: 1, Prefix: "early"})
		middle := time.Now().Add(20 * time.Millisecond)
		<-time.After(40 * time.Millisecond) // store times count milliseconds: the halves must differ
		p.Send(harness.Cmd{Topic: topic, Count: 2, Queues: 1, Prefix: "late"})
		end := time.Now().Add(time.Second)

		for _, c := range []struct {
			name string
			time time.Time
			want int64
		}{
			{"long before", begin.Add(-time.Hour), 0},
			{"between", middle, 3},
			{"after all", end, 5},
		} {
			got := p.Do(harness.Cmd{Op: "offsets", Topic: topic, Time: c.time.UnixMilli()})
			if got.ByTime != c.want || got.Min != 0 || got.Max != 5 {
				t.Errorf("%s: offset by time %d, min %d, max %d; want %d, 0, 5", c.name, got.ByTime, got.Min, got.Max, c.want)
			}
			if earliest := time.UnixMilli(got.Earliest); earliest.Before(begin.Add(-time.Second)) || earliest.After(end) {
				t.Errorf("%s: the earliest message is of %v, sent was from %v", c.name, earliest, begin)
			}
		}
	})
}
