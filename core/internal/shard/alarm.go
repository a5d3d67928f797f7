package shard

import "github.com/gantrymq/gantry/core/internal/timer"

// alarm is what a timer of the wheel rings for.
type alarm interface{ ring(s *Shard) }

// alarms maps the wheel's references to who waits for them.
type alarms struct {
	who  []alarm
	free []uint32
}

// alarmID names a set alarm, to be taken back.
type alarmID struct {
	timer timer.ID
	ref   uint32
}

// set rings a at the given moment of the monotonic clock.
func (a *alarms) set(s *Shard, at int64, who alarm) alarmID {
	var ref uint32
	if k := len(a.free); k > 0 {
		ref = a.free[k-1]
		a.free = a.free[:k-1]
		a.who[ref] = who
	} else {
		ref = uint32(len(a.who))
		a.who = append(a.who, who)
	}
	return alarmID{s.wheel.Add(at, uint64(ref)), ref}
}

// cancel takes back an alarm that has not rung.
func (a *alarms) cancel(s *Shard, id alarmID) {
	s.wheel.Cancel(id.timer)
	a.drop(id.ref)
}

func (a *alarms) drop(ref uint32) {
	a.who[ref] = nil
	a.free = append(a.free, ref)
}

// ring is what the wheel calls.
func (s *Shard) ring(ref uint64) {
	who := s.alarms.who[ref]
	s.alarms.drop(uint32(ref))
	who.ring(s)
}
