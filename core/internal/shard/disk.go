package shard

import "github.com/gantrymq/gantry/core/internal/model"

const (
	// diskReserve is kept for what frees room and for what must go on: offsets,
	// deletions, groups. Sends are refused before it is touched.
	diskReserve = 64 << 20
	// diskRetry is how often, in ms, room is asked for while there is too little.
	diskRetry = 1000
)

// disk watches how much can still be appended for certain.
type disk struct {
	waiting bool      // for room that was asked for: nothing is decided that appends
	low     bool      // there is none: sends are refused
	empty   bool      // nothing is appended any more
	scarce  bool      // there is no spare segment
	wanted  bool      // one, though the segment that grows has room
	asking  bool      // a spare segment was asked for
	asked   model.LSN // when this segment grew
	vain    bool      // there was no room for it: the alarm asks again
	armed   bool
	room    int64
	used    int64 // of the room, since it was looked at
	held    bool  // a request waits until it is looked at again
	asks    bool  // the answer to whether there is a spare segment is awaited
}

// look notes the room that there is at a start, before more has been asked for: the
// first step must not begin a segment that there is no room for.
func (d *disk) look(s *Shard) {
	d.room, _ = s.log.Room()
	d.scarce = d.room < s.cfg.SegmentBytes-s.cfg.SegmentBytes/4
}

// step looks at the room that a step has left.
func (d *disk) step(s *Shard) {
	enough := s.cfg.SegmentBytes - s.cfg.SegmentBytes/4 // what a spare segment alone has
	preparing := d.ask(s, enough)
	d.asks = preparing
	if d.room == 0 { // a log that has just failed has no room either
		if _, _, err := s.log.Progress(); err != nil {
			s.fail(err)
			return
		}
	}
	d.scarce = d.room < enough
	reserve := min(diskReserve, s.cfg.SegmentBytes/4)
	waited := d.waiting
	d.waiting = d.room < reserve && preparing
	if waited && !d.waiting {
		s.inbox.poke() // what has stalled is decided at the beginning of a step
	}
	if preparing {
		return
	}
	d.set(s, d.room < reserve, d.room)
	d.empty = d.room < reserve/2
	if d.vain && !d.armed {
		d.armed = true
		s.alarms.set(s, s.now.Mono+diskRetry, d)
	}
}

// ask notes the room, and asks for more where there is not enough, unless that
// was in vain just now. It reports whether an answer is awaited.
func (d *disk) ask(s *Shard, enough int64) (preparing bool) {
	segment, _ := s.index.SegmentStart()
	d.room, preparing = s.log.Room()
	d.used = 0
	if d.held {
		d.held = false
		s.inbox.poke()
	}
	switch {
	case preparing:
	case d.room >= enough && !(d.wanted && d.left(s) > d.room-enough):
		d.asking, d.vain, d.wanted = false, false, false
	case d.asking && d.asked == segment:
		d.asking, d.vain = false, true // it was answered, and nothing has used it up since
	case !d.vain:
		s.log.Prepare()
		d.room, preparing = s.log.Room()
		d.asking, d.asked = preparing, segment
		d.vain = !preparing && d.room < enough
	}
	return preparing
}

// short tells that this step has used so much that the room must be looked at before
// more is decided that appends.
func (d *disk) short(s *Shard) bool {
	if d.used == 0 || d.room-d.used >= min(diskReserve, s.cfg.SegmentBytes/4) {
		return false
	}
	d.held = true
	return true
}

// fits tells whether so many bytes can be appended for certain.
func (d *disk) fits(n int) bool { return int64(n) <= d.room-d.used }

// refuses tells that they cannot, and that room was asked for in vain.
func (d *disk) refuses(n int) bool { return d.low || d.vain && !d.fits(n) }

// left returns what the segment that grows has room for.
func (d *disk) left(s *Shard) int64 {
	base, _ := s.index.SegmentStart()
	return max(s.cfg.SegmentBytes-int64(s.end-base), 0)
}

// mayRoll tells whether a segment may begin although the last one has room: there
// is a spare one. If not, one is asked for.
func (d *disk) mayRoll(s *Shard) bool {
	room, _ := s.log.Room()
	if room-d.left(s) >= s.cfg.SegmentBytes-s.cfg.SegmentBytes/4 {
		return true
	}
	d.wanted = true
	return false
}

func (d *disk) set(s *Shard, low bool, room int64) {
	switch {
	case low && !d.low:
		s.logger.Error("the disk is full: sends are refused until there is room again", "shard", s.cfg.Shard, "room", room)
		s.retention.wake(s)
	case d.low && !low:
		s.logger.Info("there is room on the disk again: sends are taken", "shard", s.cfg.Shard)
	}
	d.low = low
}

// ring asks for room again.
func (d *disk) ring(s *Shard) {
	d.armed, d.vain = false, false
	d.step(s)
}

var errDiskFull = model.Errorf(model.DiskFull, "the server's disk is full: nothing was stored")
