package shard

import (
	"github.com/gantrymq/gantry/core/internal/model"
)

const (
	// diskReserve is kept for what frees room and for what must go on: offsets,
	// deletions, groups. Sends are refused before it is touched.
	diskReserve = 64 << 20
	// diskRetry is how often, in ms, room is asked for while there is too little.
	diskRetry = 1000
	// busyAfter is how long, in ms, a request may wait for a slow disk.
	busyAfter = 2000
)

// disk watches how much can still be appended for certain.
type disk struct {
	low   bool // sends are refused
	empty bool // nothing is appended but what cannot wait
	armed bool
}

// step looks at the room after a step's frames.
func (d *disk) step(s *Shard) {
	room := s.log.Room()
	if room < s.cfg.SegmentBytes {
		s.log.Prepare() // asks again are free
	}
	d.set(s, room < s.reserveBytes(), room < 4*frameLimit)
}

// reserveBytes is diskReserve, less for small segments.
func (s *Shard) reserveBytes() int64 { return min(diskReserve, s.cfg.SegmentBytes/4) }

func (d *disk) set(s *Shard, low, empty bool) {
	if low != d.low {
		if low {
			s.logger.Error("the disk is full: sends are refused until there is room again", "shard", s.cfg.Shard, "room", s.log.Room())
		} else {
			s.logger.Info("there is room on the disk again: sends are taken", "shard", s.cfg.Shard)
		}
		d.low = low
	}
	d.empty = empty && low
	if low && !d.armed {
		d.armed = true
		s.alarms.set(s, s.now.Mono+diskRetry, d)
		s.retention.wake(s)
	}
}

// ring asks for room again.
func (d *disk) ring(s *Shard) {
	d.armed = false
	d.step(s)
}

var errDiskFull = model.Errorf(model.DiskFull, "the server's disk is full: nothing was stored; messages that were consumed, or deleted topics, make room")
