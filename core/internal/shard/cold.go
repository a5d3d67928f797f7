package shard

import (
	"cmp"
	"maps"
	"slices"
)

// coldReads passes what must be read from files on to the readers, so that who
// reads much, or from a slow place, hurts only itself: of one reader (a group, or
// a client without one) one job is away at a time, readers take turns, and each
// may read so many bytes a second. All of it is the loop's.
type coldReads struct {
	who     map[coldName]*coldReader
	ready   []*coldReader // have a job, none away, and bytes left; the next is first
	away    int
	waiting int // jobs
	seen    int // readers so far
}

// coldName names who reads: a group, or without one a client.
type coldName struct {
	group  string
	client *Client
}

// coldReader is one of them, for as long as it has jobs or less than all its bytes.
type coldReader struct {
	name  coldName
	turn  int // among all that there were
	jobs  []coldJob
	away  bool
	bytes int64 // that it may still read; below 0 once a job has read more
	at    int64 // when, by the monotonic clock, bytes was counted
	alarm alarmID
	armed bool
}

// coldJob reads, and tells how many bytes.
type coldJob func() (bytes int64, then func(*Shard))

// coldAway is how many cold reads are away at once. There is one goroutine more:
// what needs no file does not wait for them.
const coldAway = readerCount - 1

// readCold has a reader run a job when it is the turn of who asks.
func (s *Shard) readCold(group string, client *Client, job coldJob) {
	name := coldName{group: group}
	if group == "" {
		name.client = client
	}
	c := &s.cold
	r := c.who[name]
	if r == nil {
		if c.who == nil {
			c.who = make(map[coldName]*coldReader)
		}
		c.seen++
		r = &coldReader{name: name, turn: c.seen, bytes: max(s.cfg.ColdReadBytes, 1), at: s.now.Mono}
		c.who[name] = r
	}
	r.jobs = append(r.jobs, job)
	c.waiting++
	if len(r.jobs) == 1 && !r.away {
		c.next(s, r)
	}
	c.dispatch(s)
}

// next puts a reader at the end of the ready ones, or has it wait until it may
// read again, or forgets it. None of its jobs is away, and it is not ready.
func (c *coldReads) next(s *Shard, r *coldReader) {
	r.disarm(s)
	rate := s.cfg.ColdReadBytes
	if rate > 0 { // below: no budget
		r.bytes = min(r.bytes+(s.now.Mono-r.at)*rate/1000, rate)
		r.at = s.now.Mono
	}
	switch {
	case len(r.jobs) > 0 && (r.bytes > 0 || rate < 0 || s.stopping):
		c.ready = append(c.ready, r)
	case len(r.jobs) > 0:
		r.arm(s, 1-r.bytes, rate)
	case rate < 0 || r.bytes == rate:
		delete(c.who, r.name)
	default:
		r.arm(s, rate-r.bytes, rate)
	}
}

// dispatch sends jobs away, as long as there is a goroutine for them.
func (c *coldReads) dispatch(s *Shard) {
	for len(c.ready) > 0 && c.away < coldAway {
		r := c.ready[0]
		c.ready[0] = nil
		c.ready = c.ready[1:]
		job := r.jobs[0]
		r.jobs[0] = nil
		r.jobs = r.jobs[1:]
		r.away = true
		c.waiting--
		c.away++
		s.apart(&s.readers, func() func(*Shard) {
			bytes, then := job()
			return func(s *Shard) {
				s.cold.returned(s, r, bytes)
				then(s)
			}
		})
	}
}

func (c *coldReads) returned(s *Shard, r *coldReader, bytes int64) {
	c.away--
	r.away = false
	r.bytes -= bytes
	c.next(s, r)
	c.dispatch(s)
}

// finish lets the jobs that wait for their reader's bytes go, because the shard
// stops. It reports whether there are none left.
func (c *coldReads) finish(s *Shard) bool {
	if c.waiting == 0 {
		return true
	}
	byTurn := func(a, b *coldReader) int { return cmp.Compare(a.turn, b.turn) }
	for _, r := range slices.SortedFunc(maps.Values(c.who), byTurn) {
		if r.armed && len(r.jobs) > 0 {
			c.next(s, r)
		}
	}
	c.dispatch(s)
	return false
}

// arm waits until so many bytes have been given.
func (r *coldReader) arm(s *Shard, bytes, rate int64) {
	r.armed = true
	r.alarm = s.alarms.set(s, s.now.Mono+(bytes*1000+rate-1)/rate, r)
}

func (r *coldReader) disarm(s *Shard) {
	if r.armed {
		r.armed = false
		s.alarms.cancel(s, r.alarm)
	}
}

func (r *coldReader) ring(s *Shard) {
	r.armed = false
	s.cold.next(s, r)
	s.cold.dispatch(s)
}
