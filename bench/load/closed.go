package main

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
)

// source makes the requests of one closed-loop connection and judges their answers. A slot is one of the connection's
// places in flight. It belongs to the connection's goroutine.
type source interface {
	// append appends the next request of a slot to dst; its opaque must be opaqueBase + slot.
	append(dst []byte, slot int) []byte
	// accept returns how many messages an answer stands for, or why it is not a good one.
	accept(slot int, a answer) (int, error)
	// more tells whether another request should follow at this time.
	more(now time.Duration) bool
}

// closedLoop runs a source on each connection, all at once, with inflight requests outstanding on each.
func closedLoop(w window, addr string, inflight int, sources []source) (*tally, error) {
	tallies := make([]tally, len(sources))
	var g errgroup.Group
	for i, s := range sources {
		g.Go(func() error {
			c, err := dial(addr)
			if err != nil {
				return err
			}
			defer c.close()
			l := &closedConn{window: w, conn: c, source: s, sentAt: make([]time.Duration, inflight), tally: &tallies[i]}
			return l.run()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	sum := &tally{}
	for i := range tallies {
		sum.merge(&tallies[i])
	}
	return sum, nil
}

// closedConn is one connection of a closed loop.
type closedConn struct {
	window
	conn        *conn
	source      source
	sentAt      []time.Duration // by slot
	outstanding int
	tally       *tally
}

// stall is how long after the end of the window answers may still come; then the server hangs.
const stall = 30 * time.Second

// run keeps every slot busy until the source has no more, then waits for what is outstanding.
func (l *closedConn) run() error {
	now := l.clock.Now()
	if err := l.conn.net.SetReadDeadline(time.Now().Add(l.end - now + stall)); err != nil {
		return err
	}
	for slot := range l.sentAt {
		l.send(slot, now)
	}
	for l.outstanding > 0 {
		if err := l.conn.flush(); err != nil {
			return err
		}
		if err := l.read(); err != nil {
			return err
		}
		// One look at the clock per burst. It is also the time at which the burst's answers are followed by new
		// requests.
		now = l.clock.Now()
		if err := l.answerAll(now); err != nil {
			return err
		}
	}
	return nil
}

func (l *closedConn) send(slot int, now time.Duration) {
	if !l.source.more(now) {
		return
	}
	l.conn.out = l.source.append(l.conn.out, slot)
	l.sentAt[slot] = now
	l.outstanding++
}

func (l *closedConn) read() error {
	err := l.conn.fill()
	if e, ok := err.(net.Error); ok && e.Timeout() {
		return fmt.Errorf("no answer to %d requests in flight", l.outstanding)
	}
	return err
}

func (l *closedConn) answerAll(now time.Duration) error {
	for {
		a, ok, err := l.conn.next()
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		if !a.response {
			continue
		}
		slot := int(a.opaque) - opaqueBase
		if slot < 0 || slot >= len(l.sentAt) {
			return fmt.Errorf("answer to opaque %d, which was never sent", a.opaque)
		}
		l.count(slot, a, now)
		l.outstanding--
		l.send(slot, now)
	}
}

func (l *closedConn) count(slot int, a answer, now time.Duration) {
	n, err := l.source.accept(slot, a)
	if err != nil {
		l.tally.fail(err)
		return
	}
	if l.counts(now) && n > 0 {
		l.tally.messages += int64(n)
		l.tally.latency.Record(now - l.sentAt[slot])
	}
}
