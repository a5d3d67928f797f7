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
	waiting bool // for room that was asked for: nothing is decided that appends
	low     bool // there is none: sends are refused
	empty   bool // nothing is appended any more
	scarce  bool // there is no spare segment
	asked   bool // in vain: the alarm asks again
	armed   bool
	room    int64
}

// step looks at the room that a step has left.
func (d *disk) step(s *Shard) {
	room, preparing := s.log.Room()
	enough := s.cfg.SegmentBytes - s.cfg.SegmentBytes/4 // what a spare segment alone has
	if room < enough && !preparing && !d.asked {
		s.log.Prepare()
		room, preparing = s.log.Room()
	}
	d.room, d.scarce = room, room < enough
	reserve := min(diskReserve, s.cfg.SegmentBytes/4)
	waited := d.waiting
	d.waiting = room < reserve && preparing
	if waited && !d.waiting {
		s.inbox.poke() // what has stalled is decided at the beginning of a step
	}
	d.asked = room < enough && !preparing
	if preparing {
		return
	}
	d.set(s, room < reserve, room)
	d.empty = room < reserve/2
	if d.asked && !d.armed {
		d.armed = true
		s.alarms.set(s, s.now.Mono+diskRetry, d)
	}
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
	d.armed, d.asked = false, false
	d.step(s)
}

var errDiskFull = model.Errorf(model.DiskFull, "the server's disk is full: nothing was stored")
