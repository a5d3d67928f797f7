package pace

import "time"

// Schedule is the list of intended times of an open loop: the i-th event is due at Start + i/Rate, whatever happened to
// the ones before.
type Schedule struct {
	Start time.Duration // on the Clock
	Rate  float64       // events per second, > 0
}

// At is the intended time of event i.
func (s Schedule) At(i int64) time.Duration {
	return s.Start + time.Duration(float64(i)*1e9/s.Rate)
}

// Due is the number of events whose time has come at now.
func (s Schedule) Due(now time.Duration) int64 {
	if now < s.Start {
		return 0
	}
	n := int64(float64(now-s.Start)*s.Rate/1e9) + 1
	for s.At(n-1) > now { // rounding of the two float divisions
		n--
	}
	for s.At(n) <= now {
		n++
	}
	return n
}
