package shard

import (
	"github.com/gantrymq/gantry/core/internal/model"
)

// level is what an effect waits for.
type level uint8

const (
	atWritten level = iota
	atDurable
)

// completer is an effect that waits for the log: an answer, a message that
// becomes visible. err tells that the log failed before.
type completer interface {
	complete(s *Shard, err error)
}

// completions are effects in log order.
type completions struct {
	queue []completion
	head  int
}

type completion struct {
	at   model.LSN
	what completer
}

// when runs an effect once the log has reached `at` at that level.
func (s *Shard) when(l level, at model.LSN, what completer) {
	if s.Err() != nil {
		what.complete(s, s.unavailable())
		return
	}
	if l == atDurable {
		s.syncing.wanted = true
	}
	s.pending[l].queue = append(s.pending[l].queue, completion{at, what})
}

// run runs what has been reached.
func (c *completions) run(s *Shard, reached model.LSN) {
	for c.head < len(c.queue) && c.queue[c.head].at <= reached {
		what := c.queue[c.head].what
		c.queue[c.head] = completion{}
		c.head++
		what.complete(s, nil)
	}
	if c.head == len(c.queue) {
		c.queue, c.head = c.queue[:0], 0
	}
}

// settle takes notice of how far the log has come, and runs what waited for it,
// until nothing more follows.
func (s *Shard) settle() {
	for {
		s.closeFrame()
		if s.Err() == nil {
			s.progress()
		}
		if len(s.ripe) == 0 && len(s.outlets.ripe) == 0 && !s.frame.open {
			return
		}
		s.wakeRipe()
		s.wakeOutlets()
	}
}

func (s *Shard) progress() {
	written, durable, err := s.log.Progress()
	if err != nil {
		s.fail(err)
		return
	}
	s.written, s.durable = written, durable
	s.arrived(written)
	s.pending[atWritten].run(s, written)
	s.pending[atDurable].run(s, promised(written, durable))
	s.tail.evict(written)
	if s.holdUntil != 0 && durable >= s.holdUntil {
		s.holdUntil = 0
		close(s.ready)
	}
}

// completeAll fails everything that waits: its outcome is not known.
func (s *Shard) completeAll(err error) {
	for l := range s.pending {
		c := &s.pending[l]
		for c.head < len(c.queue) {
			what := c.queue[c.head].what
			c.head++
			what.complete(s, err)
		}
		c.queue, c.head = nil, 0
	}
}

// show makes a queue's messages below end visible.
func (s *Shard) show(slot uint32, end model.Offset) {
	q := s.queueAt(slot)
	q.visible = max(q.visible, end)
	if found := s.state.QueueAt(slot); found != nil && len(s.outlets.of) > 0 { // its topic may be gone
		s.stirTopic(found)
	}
	if len(q.waiters) > 0 && !q.ripe {
		q.ripe = true
		s.ripe = append(s.ripe, slot)
	}
}

// then is an effect that is only a call.
type then func(s *Shard, err error)

func (f then) complete(s *Shard, err error) { f(s, err) }
