package pace

import (
	"context"
	"testing"
	"time"
)

func TestScheduleDueCountsExactlyTheTimesThatHaveCome(t *testing.T) {
	for _, rate := range []float64{1, 3, 2000, 333_333, 1_100_000} {
		s := Schedule{Start: 7 * time.Millisecond, Rate: rate}
		if got := s.Due(s.Start - 1); got != 0 {
			t.Errorf("rate %v: %d due before the start", rate, got)
		}
		for _, i := range []int64{0, 1, 2, 99, 12_345, 1_000_001} {
			at := s.At(i)
			if got := s.Due(at); got != i+1 {
				t.Errorf("rate %v: due at the time of event %d = %d, want %d", rate, i, got, i+1)
			}
			if got := s.Due(at - 1); got != i {
				t.Errorf("rate %v: due just before event %d = %d, want %d", rate, i, got, i)
			}
		}
	}
}

func TestScheduleKeepsItsRate(t *testing.T) {
	s := Schedule{Rate: 2000}
	if got := s.At(2000 * 60); got != time.Minute {
		t.Errorf("2000/s: event 120,000 is due at %v, want 1m", got)
	}
}

func TestSleeperNeverReturnsEarly(t *testing.T) {
	c := NewClock()
	for _, spin := range []time.Duration{0, 50 * time.Microsecond} {
		s := c.NewSleeper(spin)
		for range 50 {
			due := c.Now() + 300*time.Microsecond
			if at := s.Until(due); at < due {
				t.Errorf("spin %v: returned %v before its time", spin, due-at)
			}
		}
		if past := c.Now() - time.Second; s.Until(past) < past {
			t.Error("a time that has passed did not return the present")
		}
		s.Close()
	}
}

func TestHiccupCountsOneWakeUpPerMillisecond(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	h := Hiccup(ctx)
	if most := uint64(time.Since(began)/hiccupInterval) + 1; h.Count() == 0 || h.Count() > most {
		t.Errorf("%d wake-ups, want 1..%d", h.Count(), most)
	}
}
