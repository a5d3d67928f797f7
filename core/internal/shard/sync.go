package shard

import (
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/wal"
)

const (
	// syncEvery bounds the age of what is written and not synced, in ms.
	syncEvery = 200
	// syncBytes starts a sync before its time.
	syncBytes = 1 << 20
	// maxUnsynced is the hard cap of the window: at it nothing is decided that appends.
	maxUnsynced = 4 << 20
	// maxUnwritten bounds the frames that are on their way to a log that takes its
	// time: one that is being kept, and one behind it. What comes meanwhile makes the next
	// frame the larger.
	maxUnwritten = 2
)

// syncing sees to it that what is written becomes durable in time, and that a log
// gone idle ends with a mark that proves its last frames.
type syncing struct {
	wanted   bool      // an answer waits for the next sync
	asked    model.LSN // Flush was called when the log ended here
	armed    bool      // the alarm is set
	unmarked bool      // data frames since the last mark
	newest   int64     // when the last data frame was appended
}

// appended follows every frame.
func (y *syncing) appended(s *Shard, flags uint16) {
	if flags&wal.FlagIdleMark == 0 {
		y.unmarked, y.newest = true, s.now.Mono
	}
	y.arm(s)
}

func (y *syncing) arm(s *Shard) {
	if !y.armed {
		y.armed = true
		s.alarms.set(s, s.now.Mono+syncEvery, y)
	}
}

// start begins a sync where one is due.
func (y *syncing) start(s *Shard) {
	due := y.wanted || int64(s.end-s.durable) >= syncBytes
	if due && y.asked < s.end && s.Err() == nil {
		y.wanted = false
		y.asked = s.end
		s.log.Flush()
	}
}

// ring is the alarm: syncEvery after the first unsynced frame.
func (y *syncing) ring(s *Shard) {
	y.armed = false
	if s.Err() != nil {
		return
	}
	if s.durable < s.end {
		y.asked = s.end
		s.log.Flush()
		y.arm(s)
		return
	}
	y.mark(s)
}

// mark appends the idle mark once everything is durable and has been for a while.
func (y *syncing) mark(s *Shard) {
	if s.frame.open {
		return // an alarm of this very ms has appended: that frame arms it anew
	}
	if !y.unmarked || s.holdUntil != 0 {
		return
	}
	if s.now.Mono-y.newest < syncEvery {
		y.arm(s)
		return
	}
	y.unmarked = false
	s.beginFrame(s.end, wal.HeaderSize, wal.FlagIdleMark)
	s.closeFrame()
}

// full tells that the unsynced window has reached its cap, that enough frames are
// on their way, or that it is not known yet whether there is room on the disk.
func (s *Shard) full() bool {
	return int64(s.frameEnd()-s.durable) >= maxUnsynced || s.disk.waiting || s.onTheWay() >= maxUnwritten
}

// onTheWay counts the frames that are not written yet.
func (s *Shard) onTheWay() int {
	if len(s.unwritten) >= maxUnwritten {
		written, _, _ := s.log.Progress()
		s.arrived(written)
	}
	return len(s.unwritten)
}

// arrived forgets the frames that are written.
func (s *Shard) arrived(written model.LSN) {
	n := 0
	for n < len(s.unwritten) && s.unwritten[n] <= written {
		n++
	}
	s.unwritten = append(s.unwritten[:0], s.unwritten[n:]...)
}
