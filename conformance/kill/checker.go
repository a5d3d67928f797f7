package kill

import (
	"fmt"
	"slices"
)

// Stored is one message as a reading of a queue shows it.
type Stored struct {
	ID       string
	Queue    int32
	Offset   int64
	Physical int64
	Damaged  bool // the body is not what ID says it was
}

// Reading is what one pass over all queues shows, each from its first offset to its end.
type Reading struct {
	Messages []Stored
	Max      map[int32]int64 // the end of each queue
}

// Violation is one broken promise.
type Violation struct {
	Promise string // lost, moved, twice, reused, hole, damaged, invented, refused, order, commit
	Text    string
}

func (v Violation) String() string { return v.Promise + ": " + v.Text }

type place struct {
	queue  int32
	offset int64
}

func (p place) String() string { return fmt.Sprintf("queue %d offset %d", p.queue, p.offset) }

// Check judges a history against readings of all queues, the earlier first: one after every restart, or only the last.
// It returns every violation it finds.
func Check(history []Op, readings ...Reading) []Violation {
	var found []Violation
	report := func(promise, format string, args ...any) {
		found = append(found, Violation{promise, fmt.Sprintf(format, args...)})
	}
	if len(readings) == 0 {
		report("lost", "nothing was read")
		return found
	}
	ops := map[string]Op{}
	for _, op := range history {
		ops[op.ID] = op
	}
	checkAcks(history, report)
	checkOrder(history, report)
	for _, r := range readings {
		checkReading(ops, r, report)
	}
	for i := 1; i < len(readings); i++ {
		checkKept(readings[i-1], readings[i], report)
	}
	checkStored(history, readings[len(readings)-1], report)
	return found
}

type reporter func(promise, format string, args ...any)

// checkAcks: no place was given to two messages.
func checkAcks(history []Op, report reporter) {
	given := map[place]string{}
	for _, op := range history {
		if op.Outcome != Acknowledged {
			continue
		}
		p := place{op.Queue, op.Offset}
		if other, taken := given[p]; taken {
			report("reused", "%s and %s were both acknowledged at %v", other, op.ID, p)
		}
		given[p] = op.ID
	}
}

// checkOrder: return(A) < invoke(B) means offset(A) < offset(B), in each queue. With the sends in order of invocation and
// a running maximum over those that had returned by then this takes one pass.
func checkOrder(history []Op, report reporter) {
	queues := map[int32][]Op{}
	for _, op := range history {
		if op.Outcome == Acknowledged {
			queues[op.Queue] = append(queues[op.Queue], op)
		}
	}
	for _, invoked := range queues {
		returned := slices.Clone(invoked)
		slices.SortFunc(invoked, func(a, b Op) int { return compare(a.Invoke, b.Invoke) })
		slices.SortFunc(returned, func(a, b Op) int { return compare(a.Return, b.Return) })
		next, highest := 0, Op{Offset: -1}
		for _, b := range invoked {
			for next < len(returned) && returned[next].Return < b.Invoke {
				if returned[next].Offset > highest.Offset {
					highest = returned[next]
				}
				next++
			}
			if highest.Offset >= b.Offset {
				report("order", "%s was acknowledged at offset %d before %s began, which got %d of the same queue %d",
					highest.ID, highest.Offset, b.ID, b.Offset, b.Queue)
			}
		}
	}
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// checkReading: one message an offset, one offset a message, no holes, and nothing that was not sent or was refused.
func checkReading(ops map[string]Op, r Reading, report reporter) {
	at := map[string]place{}
	offsets := map[int32][]int64{}
	physical := map[int64]string{}
	for _, m := range r.Messages {
		p := place{m.Queue, m.Offset}
		if other, twice := at[m.ID]; twice {
			report("twice", "%s is at %v and at %v", m.ID, other, p)
		}
		at[m.ID] = p
		if other, taken := physical[m.Physical]; taken && other != m.ID {
			report("reused", "%s and %s have the physical offset %d", other, m.ID, m.Physical)
		}
		physical[m.Physical] = m.ID
		offsets[m.Queue] = append(offsets[m.Queue], m.Offset)
		if m.Damaged {
			report("damaged", "the body of %s at %v is not what was sent", m.ID, p)
		}
		op, sent := ops[m.ID]
		switch {
		case !sent:
			report("invented", "%s at %v was never sent", m.ID, p)
		case op.Outcome == Refused:
			report("refused", "%s at %v was refused: %s", m.ID, p, op.Why)
		case op.Queue != m.Queue:
			report("moved", "%s at %v was sent to queue %d", m.ID, p, op.Queue)
		}
	}
	for queue, all := range offsets {
		for i, offset := range all {
			if offset != int64(i) {
				report("hole", "queue %d: message %d of the reading has offset %d", queue, i, offset)
				break
			}
		}
	}
	for queue, end := range r.Max {
		if n := int64(len(offsets[queue])); n != end {
			report("hole", "queue %d ends at %d, but %d messages were read", queue, end, n)
		}
	}
}

// checkKept: what an earlier reading showed, a later one shows at the same place.
func checkKept(before, after Reading, report reporter) {
	at := map[place]Stored{}
	for _, m := range after.Messages {
		at[place{m.Queue, m.Offset}] = m
	}
	for _, m := range before.Messages {
		p := place{m.Queue, m.Offset}
		now, there := at[p]
		switch {
		case !there:
			report("lost", "%s was read at %v and is gone", m.ID, p)
		case now.ID != m.ID:
			report("reused", "%v held %s and now holds %s", p, m.ID, now.ID)
		case now.Physical != m.Physical:
			report("moved", "%s at %v had the physical offset %d and now has %d", m.ID, p, m.Physical, now.Physical)
		}
	}
}

// checkStored: every acknowledged message is in the last reading, where its acknowledgement said.
func checkStored(history []Op, last Reading, report reporter) {
	at := map[string]place{}
	for _, m := range last.Messages {
		at[m.ID] = place{m.Queue, m.Offset}
	}
	for _, op := range history {
		if op.Outcome != Acknowledged {
			continue
		}
		want := place{op.Queue, op.Offset}
		got, there := at[op.ID]
		switch {
		case !there:
			report("lost", "%s was acknowledged at %v and is not there", op.ID, want)
		case got != want:
			report("moved", "%s was acknowledged at %v and is at %v", op.ID, want, got)
		}
	}
}
