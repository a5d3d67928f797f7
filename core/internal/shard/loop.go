package shard

import (
	"time"
)

// Start runs the loop on a goroutine of its own, and waits until the shard can
// serve: until what recovery wrote is durable.
func (s *Shard) Start() error {
	if s.env.Apart == nil {
		s.readers.start(readerCount)
		s.files.start(1)
	}
	go s.loop()
	select {
	case <-s.ready:
		return nil
	case <-s.failed:
		s.Stop()
		<-s.stopped
		return s.Err()
	}
}

// loop is the one goroutine that owns the shard. It sleeps while the inbox is
// empty and no alarm is due.
func (s *Shard) loop() {
	defer close(s.stopped)
	clock := time.NewTimer(time.Hour)
	for !s.Step() {
		clock.Reset(s.untilAlarm())
		select {
		case <-s.inbox.wake:
		case <-clock.C:
		}
	}
}

// untilAlarm returns how long nothing is due.
func (s *Shard) untilAlarm() time.Duration {
	at, ok := s.wheel.Next()
	if !ok {
		return time.Hour
	}
	return time.Duration(max(at-s.now.Mono, 0)) * time.Millisecond
}

// NextAlarm returns when, by the monotonic clock, the loop has something to do
// although nobody asks for it. For drivers that are the loop.
func (s *Shard) NextAlarm() (at int64, ok bool) { return s.wheel.Next() }

// Step takes what the inbox holds, decides it, writes it as one frame (or several
// if it is much), and runs all callbacks that are due. It reports whether the shard has
// stopped. The loop calls it for ever; a simulation calls it instead of the loop.
func (s *Shard) Step() (stopped bool) {
	s.now = s.env.Now()
	s.wheel.Advance(s.now.Mono, s.ring)
	s.settle()
	s.delays.step(s) // first, or those who wait for the disk would leave nothing of the window
	s.checks.step(s)
	s.stalled.decide(s)
	if s.holdUntil == 0 || s.Err() != nil {
		runs := s.inbox.take(s.spare)
		for i, r := range runs {
			s.delays.hurry += len(r.reqs)
			s.decideRun(r)
			runs[i] = nil
		}
		s.spare = runs[:0]
	}
	s.delays.arm(s)
	s.checks.arm(s)
	s.settle()
	s.housekeep()
	s.syncing.start(s)
	if s.stopping {
		stopped = s.stop()
	}
	s.flush()
	s.publishStats()
	return stopped
}

// housekeep takes the steps of what goes on between bursts, each of them short.
func (s *Shard) housekeep() {
	if s.Err() != nil || s.holdUntil != 0 {
		return
	}
	s.disk.step(s)
	s.seals.step(s)
	s.retention.step(s)
	s.settle()
	s.snapshots.step(s)
}

// chores has the loop take another step soon, for what housekeeping does in slices.
// Not at once: a loop that never rests keeps its processor from looking at the
// network, and the requests that come meanwhile wait for the last slice.
type chores struct{ armed bool }

func (c *chores) again(s *Shard) {
	if !c.armed {
		c.armed = true
		s.alarms.set(s, s.now.Mono+1, c)
	}
}

// ring has nothing to do: the step that it is part of is what was wanted.
func (c *chores) ring(*Shard) { c.armed = false }

func (s *Shard) decideRun(r *run) {
	r.open = r.used + 1
	for _, req := range r.reqs {
		s.decide(r, req)
	}
	r.answered(s)
}

// decide decides one request, or has it wait in its place.
func (s *Shard) decide(r *run, req request) {
	switch class := req.class(); {
	case class == control:
		req.decide(s)
	case s.Err() != nil:
		s.refuse(r, req, s.unavailable())
	case class == appends && s.disk.empty:
		s.refuse(r, req, errDiskFull)
	case class == appends && (!s.stalled.empty() || s.full() || s.disk.short(s) || s.mayFit(req)):
		s.stalled.add(s, r, req)
	default:
		req.decide(s)
	}
}

// mayFit tells of a send that is larger than what can be appended for certain, while
// it is not known yet whether there is more room.
func (s *Shard) mayFit(req request) bool {
	r, ok := req.(*sendRequest)
	return ok && s.disk.asks && !s.disk.fits(r.size())
}

func (s *Shard) refuse(r *run, req request, err error) {
	s.touch(r.client)
	req.refuse(err)
	if _, ok := req.(*sendRequest); ok {
		r.answered(s)
	}
}

// Poked reports whether a step was asked for since the last call: by a client, by
// work that came back, or by the last step itself. For drivers that are the loop.
func (s *Shard) Poked() bool {
	select {
	case <-s.inbox.wake:
		return true
	default:
		return false
	}
}
