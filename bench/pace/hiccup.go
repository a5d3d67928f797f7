package pace

import (
	"context"
	"time"

	"github.com/gantrymq/gantry/bench/histogram"
)

// hiccupInterval is how often the machine is asked. 1 ms is what jHiccup asks by default.
const hiccupInterval = time.Millisecond

// Hiccup sleeps a millisecond at a time until ctx ends and returns by how much each wake-up was late: the floor under
// any latency measured meanwhile.
func Hiccup(ctx context.Context) *histogram.Histogram {
	var h histogram.Histogram
	clock := NewClock()
	s := clock.NewSleeper(0)
	defer s.Close()
	for due := hiccupInterval; ctx.Err() == nil; due += hiccupInterval {
		late := s.Until(due) - due
		h.Record(late)
		due += late.Truncate(hiccupInterval) // a stall is one hiccup, not one for each millisecond of it
	}
	return &h
}
