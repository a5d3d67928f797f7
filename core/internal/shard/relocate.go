package shard

import (
	"github.com/gantrymq/gantry/core/internal/delay"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
)

const (
	// moveAhead is how long, in ms, before its time an old message is copied.
	moveAhead = 5000
	// moveLook is how often, in ms, it is looked for such messages.
	moveLook = 100
	// A batch has so many messages at most, and so many bytes, but for one message.
	moveBatch = 256
	moveBytes = 1 << 20
	// moveSlice is how many messages a step looks at.
	moveSlice = 2000
)

// mover copies messages that wait forward: those of a segment that is about to go,
// and those that have become old and are due soon. A reader reads them, the loop
// writes them again, in batches, one at a time. Their addresses stay.
type mover struct {
	reading bool
	read    []moved // and not yet written
	next    int     // of read

	ahead  delay.Key // of those that are due soon: all below were looked at
	lookAt int64     // by the monotonic clock

	// The segment that is being emptied, if then is set.
	span segmentSpan
	from delay.Key // all below were looked at
	bad  bool      // one of them cannot be read
	then func(s *Shard, empty bool)

	unreadable map[model.LSN]bool // by address: they are published as they lie
}

// moved is a message that was read to be copied.
type moved struct {
	delay.Message
	data *record.Data
	err  error
}

// empty copies what waits of a segment, and calls then.
func (v *mover) empty(s *Shard, span segmentSpan, then func(s *Shard, empty bool)) {
	v.span, v.from, v.bad, v.then = span, delay.Key{}, false, then
	s.inbox.poke()
}

// step writes what was read, or looks for what is to be read next.
func (v *mover) step(s *Shard) {
	if v.next < len(v.read) {
		v.write(s)
		return
	}
	if v.reading {
		return
	}
	batch := v.dueSoon(s)
	if len(batch) == 0 && v.then != nil {
		batch = v.nextOfSegment(s)
	}
	if len(batch) > 0 {
		v.fetch(s, batch)
	}
}

// dueSoon returns old messages whose time is near.
func (v *mover) dueSoon(s *Shard) []delay.Message {
	if s.now.Mono < v.lookAt || s.disk.low {
		return nil
	}
	v.lookAt = s.now.Mono + moveLook
	batch := movedBatch{left: moveSlice}
	s.state.Delayed().Each(v.ahead, func(m *delay.Message) bool {
		if m.DeliverAt() > s.now.Wall+moveAhead || !batch.more() {
			return false
		}
		if s.age(m.At()) > s.referAge() && !v.unreadable[m.ID()] && !batch.add(m) {
			return false
		}
		v.ahead = delay.Key{DeliverAt: m.DeliverAt(), ID: m.ID() + 1}
		return true
	})
	if batch.left <= 0 || len(batch.all) > 0 {
		v.lookAt = s.now.Mono
		s.inbox.poke()
	}
	return batch.all
}

// nextOfSegment returns messages of the segment that is being emptied. If there
// are none left, it is empty.
func (v *mover) nextOfSegment(s *Shard) []delay.Message {
	batch := movedBatch{left: moveSlice}
	cut := false
	s.state.Delayed().Each(v.from, func(m *delay.Message) bool {
		if !batch.more() {
			cut = true
			return false
		}
		if v.span.base <= m.At() && m.At() < v.span.end && !batch.add(m) {
			cut = true
			return false
		}
		v.from = delay.Key{DeliverAt: m.DeliverAt(), ID: m.ID() + 1}
		return true
	})
	if cut {
		s.inbox.poke()
	} else if len(batch.all) == 0 {
		then := v.then
		v.then = nil
		then(s, !v.bad)
	}
	return batch.all
}

// movedBatch collects messages, as long as there is room.
type movedBatch struct {
	all  []delay.Message
	size int
	left int // to be looked at
}

func (b *movedBatch) more() bool {
	b.left--
	return b.left >= 0
}

func (b *movedBatch) add(m *delay.Message) bool {
	if n := len(b.all); n == moveBatch || n > 0 && b.size+m.Size() > moveBytes {
		return false
	}
	b.size += m.Size()
	b.all = append(b.all, *m)
	return true
}

// fetch has a reader read a batch.
func (v *mover) fetch(s *Shard, batch []delay.Message) {
	v.reading = true
	log, shard := s.log, s.cfg.Shard
	s.readCold("", nil, func() (int64, func(*Shard)) {
		read, bytes := readBatch(log, shard, batch)
		return bytes, func(*Shard) { v.reading, v.read, v.next = false, read, 0 }
	})
}

// readBatch reads messages that wait. It tells how many bytes that were.
func readBatch(log wal.Log, shard model.ShardID, batch []delay.Message) (read []moved, bytes int64) {
	read = make([]moved, len(batch))
	for i := range batch {
		read[i].Message = batch[i]
		read[i].data, read[i].err = readStored(log, shard, &batch[i])
		bytes += int64(batch[i].Size())
	}
	return read, bytes
}

// write copies what was read and still waits where it lay.
func (v *mover) write(s *Shard) {
	for v.next < len(v.read) {
		m := &v.read[v.next]
		if s.full() || s.disk.empty {
			return // a sync, or room, takes the next step
		}
		v.next++
		if now := s.state.Delayed().Get(m.Order()); now == nil || now.At() != m.At() {
			continue
		}
		if m.err != nil {
			v.failed(s, m)
			continue
		}
		s.emit(&record.Relocate{Data: *m.data})
		s.count.Relocated++
	}
	v.read, v.next = nil, 0
	s.inbox.poke()
}

func (v *mover) failed(s *Shard, m *moved) {
	s.logger.Error("a message that waits cannot be read: its segment stays", "shard", s.cfg.Shard, "lsn", m.ID(), "err", m.err)
	if v.unreadable == nil {
		v.unreadable = make(map[model.LSN]bool)
	}
	v.unreadable[m.ID()] = true
	v.bad = true
}

// ready tells whether a message that is due may be published as it lies: it is not
// old, or cannot be copied. One that is old is looked for first of all.
func (v *mover) ready(s *Shard, m *delay.Message) bool {
	// It was not old when it was looked at, if it is not twice as old as may be.
	if s.age(m.At()) <= 2*s.referAge() || s.disk.low || v.unreadable[m.ID()] {
		return true
	}
	if !v.reading && v.next == len(v.read) {
		v.ahead, v.lookAt = delay.Key{}, 0
		s.inbox.poke()
	}
	return false
}

// referAge is how old, in ms, a message may be to be published by reference.
func (s *Shard) referAge() int64 {
	if age := s.cfg.Retention.Age; age > 0 {
		return min(maxReferAge, age/8).Milliseconds()
	}
	return maxReferAge.Milliseconds()
}

// age returns how long, in ms, the segment that holds an LSN has been complete: so
// much longer it stays for what is published from it now.
func (s *Shard) age(at model.LSN) int64 {
	newest, complete := s.index.Newest(at)
	if !complete {
		return 0
	}
	return max(s.now.Wall, s.storeTime) - newest
}
