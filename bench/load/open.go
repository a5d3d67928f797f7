package main

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gantrymq/gantry/bench/pace"
	"github.com/gantrymq/gantry/bench/report"
)

// ringSize is how many sends of one connection may be unanswered: at 100,000 a second more than half a second's worth.
// A server that is further behind cannot keep the rate.
const ringSize = 1 << 16

// openConn is one connection of an open loop. The pacer writes, a goroutine of its own reads; the ring between them
// holds the intended time of every send that is not answered yet.
type openConn struct {
	window
	conn     *conn
	sender   *sender
	sent     atomic.Int64
	answered atomic.Int64
	ring     []atomic.Int64 // by the sequence of the send, modulo its size
	tally    tally          // reader only
}

func newOpenConn(w window, o *options, rt route) (*openConn, error) {
	c, err := dial(rt.addr)
	if err != nil {
		return nil, err
	}
	return &openConn{window: w, conn: c, sender: newSender(o, rt), ring: make([]atomic.Int64, ringSize)}, nil
}

// append queues one send for the next flush.
func (c *openConn) append(intended time.Duration) error {
	seq := c.sent.Load()
	if seq-c.answered.Load() >= ringSize {
		return fmt.Errorf("%d sends unanswered: the server does not keep the rate", ringSize)
	}
	at := seq % ringSize
	c.ring[at].Store(int64(intended))
	c.conn.out = c.sender.appendStamped(c.conn.out, int32(opaqueBase+at), intended)
	c.sent.Store(seq + 1)
	return nil
}

// read counts answers until the connection is closed.
func (c *openConn) read() error {
	for {
		if err := c.conn.fill(); err != nil {
			return unlessClosed(err)
		}
		now := c.clock.Now()
		for {
			a, ok, err := c.conn.next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if a.response {
				c.count(a, now)
			}
		}
	}
}

func (c *openConn) count(a answer, now time.Duration) {
	at := int(a.opaque) - opaqueBase
	if at < 0 || at >= ringSize {
		c.tally.fail(fmt.Errorf("answer to opaque %d, which was never sent", a.opaque))
		return
	}
	intended := time.Duration(c.ring[at].Load())
	c.answered.Add(1)
	if a.code != codeSuccess {
		c.tally.fail(sendError(a))
		return
	}
	if c.counts(intended) {
		c.tally.messages++
		c.tally.latency.Record(now - intended)
	}
}

func unlessClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// openLoop sends at the rate from now to the window's end, over all connections in turn, and waits for the answers. The
// tally counts by intended time.
func openLoop(w window, o *options, rt route) (*tally, error) {
	conns := make([]*openConn, o.connections)
	var readers errgroup.Group
	for i := range conns {
		c, err := newOpenConn(w, o, rt)
		if err != nil {
			return nil, err
		}
		conns[i] = c
		readers.Go(c.read)
	}
	err := paceSends(w, o, conns)
	for end := time.Now().Add(stall); err == nil && unanswered(conns) > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	lost := unanswered(conns)
	for _, c := range conns {
		c.conn.close()
	}
	if err := errors.Join(err, readers.Wait()); err != nil {
		return nil, err
	}
	if lost > 0 {
		return nil, fmt.Errorf("%d sends were never answered", lost)
	}
	sum := &tally{}
	for _, c := range conns {
		c.tally.total = c.sent.Load()
		sum.merge(&c.tally)
	}
	return sum, nil
}

func unanswered(conns []*openConn) (n int64) {
	for _, c := range conns {
		n += c.sent.Load() - c.answered.Load()
	}
	return n
}

// paceSends writes every send when its time has come. Sends that are due together leave in one write per connection.
func paceSends(w window, o *options, conns []*openConn) error {
	s := w.clock.NewSleeper(o.spin)
	defer s.Close()
	plan := pace.Schedule{Start: w.clock.Now(), Rate: o.rate}
	for sent := int64(0); ; {
		at := plan.At(sent)
		if at >= w.end {
			return nil
		}
		for due := plan.Due(s.Until(at)); sent < due && plan.At(sent) < w.end; sent++ {
			if err := conns[sent%int64(len(conns))].append(plan.At(sent)); err != nil {
				return err
			}
		}
		for _, c := range conns {
			if err := c.conn.flush(); err != nil {
				return err
			}
		}
	}
}

// runRate is the mode rate: an open loop of sends.
func runRate(o *options) (*report.Result, error) {
	rt, err := ensureTopic(o.namesrv, o.topic, o.queues)
	if err != nil {
		return nil, err
	}
	return o.measure(func(w window) (*tally, error) { return openLoop(w, o, rt) })
}
