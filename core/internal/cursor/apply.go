package cursor

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// ApplyPop folds leases in. An error means that the record does not follow from
// what was: the cursor is of no use any more.
func (c *Cursor) ApplyPop(r *record.Pop, m *Memory) error {
	if c.w == nil {
		c.w = m.window()
		c.w.read, c.w.exact = c.floor, c.floor
		if r.FIFO {
			c.w.fifo = m.newFIFO()
		}
	}
	w := c.w
	if r.FIFO != (w.fifo != nil) {
		return c.applyTurn(r)
	}
	if r.ReadTo < w.read {
		return fmt.Errorf("read offset goes back from %d to %d", w.read, r.ReadTo)
	}
	for i := range r.Leased {
		if err := c.lease(r, r.Leased[i]); err != nil {
			return err
		}
	}
	if r.FIFO {
		if err := w.applyFIFO(r, c.floor); err != nil {
			return err
		}
	}
	w.read = r.ReadTo
	c.rise()
	return nil
}

func deadline(popTime, invisible int64) int64 {
	if invisible == 0 {
		return 0
	}
	return popTime + invisible
}

// lease gives a message to a consumer.
func (c *Cursor) lease(r *record.Pop, l record.PopMessage) (err error) {
	w := c.w
	s := w.slot(l.Offset)
	switch {
	case l.Offset < c.floor:
		return fmt.Errorf("message %d leased, and the floor is %d", l.Offset, c.floor)
	case s != nil:
		err = c.leaseAgain(r, l, s)
	default:
		s, err = c.leaseFirst(r, l)
	}
	if err != nil {
		return err
	}
	s.popTime, s.deadline = r.PopTime, deadline(r.PopTime, r.Invisible)
	s.owner = 0
	if s.attempt < math.MaxUint16 {
		s.attempt++
	}
	if !r.FIFO {
		w.remind(int64(l.Offset))
	}
	return nil
}

func (c *Cursor) leaseAgain(r *record.Pop, l record.PopMessage, s *slot) error {
	if s.popTime >= r.PopTime {
		return fmt.Errorf("message %d leased with pop time %d, and it has had %d", l.Offset, r.PopTime, s.popTime)
	}
	if r.FIFO {
		return c.w.leaseKeyAgain(r, l, s)
	}
	return nil
}

func (c *Cursor) leaseFirst(r *record.Pop, l record.PopMessage) (*slot, error) {
	w := c.w
	if r.FIFO {
		if err := w.leaseKeyFirst(l); err != nil {
			return nil, err
		}
	} else if l.Offset < w.read || !w.unknown(l.Offset) {
		return nil, fmt.Errorf("message %d leased, and it is done with", l.Offset)
	}
	s := w.add(l.Offset, c.floor)
	s.key, s.firstPop = l.Key, r.PopTime
	return s, nil
}

// ApplyAck folds the end, or the change, of leases in. See ApplyPop for errors.
func (c *Cursor) ApplyAck(r *record.Ack) error {
	if c.w == nil {
		return fmt.Errorf("message %d settled, and none is in flight", r.Offsets[0])
	}
	for _, offset := range r.Offsets {
		s := c.w.slot(offset)
		if s == nil {
			return fmt.Errorf("message %d settled, and it is not in flight", offset)
		}
		if err := c.w.settleOne(r, offset, s); err != nil {
			return err
		}
	}
	c.rise()
	return nil
}

func (w *window) settleOne(r *record.Ack, offset model.Offset, s *slot) error {
	if w.fifo != nil {
		w.fifo.forgetAttempt(offset, s.popTime)
	}
	if w.acked(offset) && r.Op != record.AckDead {
		return fmt.Errorf("message %d settled, and it is acknowledged", offset)
	}
	switch {
	case r.Op == record.AckChange:
		return w.change(r, offset, s)
	case w.fifo == nil:
		w.end(offset)
	case r.Op == record.AckDead:
		w.endInKey(offset, s.key)
	default:
		w.ackInKey(offset, s)
	}
	return nil
}

func (w *window) change(r *record.Ack, offset model.Offset, s *slot) error {
	if r.PopTime < s.popTime || r.PopTime == s.popTime && w.fifo == nil {
		return fmt.Errorf("message %d changed to pop time %d, and it has had %d", offset, r.PopTime, s.popTime)
	}
	s.popTime, s.deadline, s.owner = r.PopTime, deadline(r.PopTime, r.Invisible), 0
	if w.fifo != nil {
		w.touch(s.key)
		return nil
	}
	w.remind(int64(offset))
	return nil
}

// Turns reports whether a record made by Turn must be applied before the next
// Plan: the group was not ordered and is now, or the other way round.
func (c *Cursor) Turns(fifo bool) bool { return c.w != nil && fifo != (c.w.fifo != nil) }

// Turn fills dst, but for the names, with the record that makes the cursor an
// ordered one, or none. It leases nothing.
func (c *Cursor) Turn(dst *record.Pop, fifo bool, popTime int64) {
	*dst = record.Pop{
		Group: dst.Group, Topic: dst.Topic, Queue: dst.Queue, PopTime: popTime, ReadTo: c.turnTo(), FIFO: fifo,
		Leased: dst.Leased[:0], Parked: dst.Parked[:0], Resumed: dst.Resumed[:0],
	}
}

// turnTo returns where the search goes on after a turn: what message groups have
// parked is found anew.
func (c *Cursor) turnTo() model.Offset {
	to := c.w.read
	if c.w.fifo != nil {
		to = c.w.exact
		for _, chunk := range c.w.list() {
			if chunk.parked != 0 {
				return min(to, firstOf(chunk.num)+model.Offset(bits.TrailingZeros64(chunk.parked)))
			}
		}
	}
	return to
}

func (c *Cursor) applyTurn(r *record.Pop) error {
	if len(r.Leased)+len(r.Parked)+len(r.Resumed) > 0 || r.ReadTo != c.turnTo() {
		return fmt.Errorf("a turn leases messages, or reads to %d instead of %d", r.ReadTo, c.turnTo())
	}
	w := c.w
	w.read, w.exact = r.ReadTo, r.ReadTo
	if r.FIFO {
		w.fifo = w.mem.newFIFO()
		w.each(func(offset model.Offset, s *slot, _ bool) bool {
			k := w.fifo.need(s.key, w.mem)
			k.list = append(k.list, offset)
			k.delivered++
			return true
		})
	} else {
		w.dropOrder()
	}
	w.reschedule()
	c.rise()
	return nil
}

// dropOrder makes a window one of no ordered group: what is acknowledged is done
// with, whatever is before.
func (w *window) dropOrder() {
	w.mem.keepFIFO(w.fifo)
	w.fifo = nil
	acked := make([]model.Offset, 0, 16)
	w.each(func(offset model.Offset, _ *slot, is bool) bool {
		if is {
			acked = append(acked, offset)
		}
		return true
	})
	for _, chunk := range w.list() {
		chunk.parked = 0
	}
	for _, offset := range acked {
		w.end(offset)
	}
	w.chunks = slices.DeleteFunc(w.chunks, func(c *chunk) bool { return c != nil && c.run == 0 && c.done|c.live == 0 })
}
