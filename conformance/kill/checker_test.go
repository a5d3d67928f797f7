package kill

import (
	"slices"
	"strings"
	"testing"
)

// good is a history and its reading in which all promises hold: two sends one after the other, one at the same time, one
// whose answer was lost but which happened, one that did not, and one that was refused.
func good() ([]Op, Reading) {
	history := []Op{
		{ID: "a", Queue: 0, Invoke: 10, Return: 20, Outcome: Acknowledged, Offset: 0},
		{ID: "b", Queue: 0, Invoke: 30, Return: 50, Outcome: Acknowledged, Offset: 2},
		{ID: "c", Queue: 0, Invoke: 30, Return: 40, Outcome: Acknowledged, Offset: 1},
		{ID: "d", Queue: 0, Invoke: 45, Return: 60, Outcome: Unknown},
		{ID: "e", Queue: 0, Invoke: 45, Return: 60, Outcome: Unknown},
		{ID: "f", Queue: 0, Invoke: 45, Return: 60, Outcome: Refused},
		{ID: "g", Queue: 1, Invoke: 70, Return: 80, Outcome: Acknowledged, Offset: 0},
	}
	reading := Reading{
		Messages: []Stored{
			{ID: "a", Queue: 0, Offset: 0, Physical: 100},
			{ID: "c", Queue: 0, Offset: 1, Physical: 200},
			{ID: "b", Queue: 0, Offset: 2, Physical: 300},
			{ID: "d", Queue: 0, Offset: 3, Physical: 400},
			{ID: "g", Queue: 1, Offset: 0, Physical: 500},
		},
		Max: map[int32]int64{0: 4, 1: 1},
	}
	return history, reading
}

func TestCheckAcceptsGoodHistory(t *testing.T) {
	history, reading := good()
	if found := Check(history, reading); len(found) != 0 {
		t.Errorf("violations in a good history: %v", found)
	}
	early := Reading{Messages: slices.Clone(reading.Messages[:2]), Max: map[int32]int64{0: 2, 1: 0}}
	if found := Check(history, early, reading); len(found) != 0 {
		t.Errorf("violations in a good history with an earlier reading: %v", found)
	}
}

// TestCheckFindsForgery breaks the good history in one way at a time: each must be found, and called what it is.
func TestCheckFindsForgery(t *testing.T) {
	for _, c := range []struct {
		name    string
		promise string
		forge   func(h *[]Op, r *Reading)
	}{
		{"an acknowledged message is gone", "lost", func(_ *[]Op, r *Reading) {
			r.Messages = r.Messages[:4]
			r.Max[1] = 0
		}},
		{"an acknowledged message is gone from the middle", "hole", func(_ *[]Op, r *Reading) {
			r.Messages = slices.Delete(r.Messages, 1, 2)
		}},
		{"the tail of a queue is gone, its end is not", "hole", func(_ *[]Op, r *Reading) {
			r.Messages = slices.Delete(r.Messages, 3, 4)
		}},
		{"an acknowledged message has moved", "moved", func(_ *[]Op, r *Reading) {
			r.Messages[1].ID, r.Messages[2].ID = "b", "c"
		}},
		{"a message is stored twice", "twice", func(_ *[]Op, r *Reading) {
			r.Messages = slices.Insert(r.Messages, 4, Stored{ID: "d", Queue: 0, Offset: 4, Physical: 450})
			r.Max[0] = 5
		}},
		{"two acknowledgements name one place", "reused", func(h *[]Op, _ *Reading) {
			*h = append(*h, Op{ID: "h", Queue: 0, Invoke: 45, Return: 46, Outcome: Acknowledged, Offset: 2})
		}},
		{"two messages have one physical offset", "reused", func(_ *[]Op, r *Reading) {
			r.Messages[3].Physical = 100
		}},
		{"a body has changed", "damaged", func(_ *[]Op, r *Reading) {
			r.Messages[3].Damaged = true
		}},
		{"a message that nobody sent", "invented", func(_ *[]Op, r *Reading) {
			r.Messages[3].ID = "x"
		}},
		{"a message that was refused", "refused", func(_ *[]Op, r *Reading) {
			r.Messages[3].ID = "f"
		}},
		{"a message in another queue than it was sent to", "moved", func(_ *[]Op, r *Reading) {
			r.Messages = append(r.Messages, Stored{ID: "e", Queue: 1, Offset: 1, Physical: 600})
			r.Max[1] = 2
		}},
		{"a later send got a lower offset", "order", func(h *[]Op, r *Reading) {
			(*h)[0].Offset, (*h)[1].Offset = 2, 0
			r.Messages[0].ID, r.Messages[2].ID = "b", "a"
		}},
		{"nothing was read", "lost", func(_ *[]Op, r *Reading) {
			*r = Reading{}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			history, reading := good()
			c.forge(&history, &reading)
			expect(t, Check(history, reading), c.promise)
		})
	}
}

// TestCheckFindsChangeBetweenReadings: what was once readable stays as it was, acknowledged or not.
func TestCheckFindsChangeBetweenReadings(t *testing.T) {
	for _, c := range []struct {
		name    string
		promise string
		forge   func(later *Reading)
	}{
		{"a message of unknown outcome was read and is gone", "lost", func(r *Reading) {
			r.Messages = slices.Delete(r.Messages, 3, 4)
			r.Max[0] = 3
		}},
		{"its offset was given to another", "reused", func(r *Reading) { r.Messages[3].ID = "e" }},
		{"a physical offset changed", "moved", func(r *Reading) { r.Messages[0].Physical = 101 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			history, early := good()
			_, later := good()
			c.forge(&later)
			expect(t, Check(history, early, later), c.promise)
		})
	}
}

func TestCheckNeedsAReading(t *testing.T) {
	history, _ := good()
	expect(t, Check(history), "lost")
}

func expect(t *testing.T, found []Violation, promise string) {
	t.Helper()
	var all []string
	for _, v := range found {
		if v.Promise == promise {
			return
		}
		all = append(all, v.String())
	}
	t.Errorf("no violation of %q found, only: %s", promise, strings.Join(all, "; "))
}
