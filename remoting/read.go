package remoting

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

var errDraining = errors.New("the server shuts down")

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// socketReader reads from a socket without holding a buffer while there is
// nothing to read: the system says when there is.
type socketReader struct {
	raw  syscall.RawConn // nil: pipes and TLS, which read the usual way
	read func(fd uintptr) bool
	c    *conn

	n   int // result of the last read
	err error
}

func (s *socketReader) bind(c *conn) {
	s.c = c
	sc, ok := c.conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	s.raw, s.read = raw, s.readFD
	c.out.raw = raw
}

// readFD is called when the socket may have something; false means wait.
func (s *socketReader) readFD(fd uintptr) bool {
	c := s.c
	for {
		room, err := c.in.space(c.frameSize())
		if err != nil {
			s.n, s.err = 0, err
			return true
		}
		n, err := syscall.Read(int(fd), room)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			if err := c.in.park(); err != nil {
				s.n, s.err = 0, err
				return true
			}
			return false
		case n == 0 && err == nil:
			err = io.EOF
		}
		s.n, s.err = max(n, 0), err
		return true
	}
}

// frameSize returns the announced size of the frame that is being received.
func (c *conn) frameSize() int {
	size, err := wire.FrameSize(c.in.bytes())
	if err != nil {
		return 0 // burst reports it
	}
	return size
}

// fill waits for more bytes and reads them.
func (c *conn) fill() error {
	for {
		if err := c.deadlines.arm(c); err != nil {
			return err
		}
		n, err := c.read()
		c.in.w += n
		switch {
		case n > 0:
			return nil
		case errors.Is(err, errNoMemory):
			err = c.waitMemory()
		case errors.Is(err, os.ErrDeadlineExceeded):
			err = c.deadlines.check(c, time.Now())
		}
		if err != nil {
			return err
		}
	}
}

func (c *conn) read() (int, error) {
	if c.socket.raw == nil {
		room, err := c.in.space(c.frameSize())
		if err != nil {
			return 0, err
		}
		return c.stream.Read(room)
	}
	if err := c.socket.raw.Read(c.socket.read); err != nil {
		return 0, err
	}
	return c.socket.n, c.socket.err
}

// waitMemory waits until incomplete frames of other connections are through,
// while the time for this frame lasts.
func (c *conn) waitMemory() error {
	c.server.metrics.limits.WithLabelValues("partial_frames").Inc()
	ctx, cancel := context.WithDeadline(c.server.ctx, c.deadlines.frame.Add(frameTimeout))
	defer cancel()
	const step = burstSize // enough to try again; what is granted is given back at once
	if err := c.server.budget.Acquire(ctx, step); err != nil {
		return errNoMemory
	}
	c.server.budget.Release(step)
	return nil
}

// deadlines decide how long the reader waits. The connection's deadline is only
// moved when it passes or comes earlier: moving it costs more than a read.
type deadlines struct {
	opened  time.Time // until the first frame is there
	frame   time.Time // when the first byte of an incomplete frame came; zero: none
	active  time.Time // the last traffic
	armed   time.Time // what the connection's deadline is set to
	expired string    // which one closed the connection
}

func (d *deadlines) start(now time.Time) { d.opened, d.active = now, now }

// burst notes what a burst brought: whole frames, and part of one.
func (d *deadlines) burst(now time.Time, complete, part bool) {
	d.active = now
	if complete {
		d.opened = time.Time{}
	}
	switch {
	case !part:
		d.frame = time.Time{}
	case complete || d.frame.IsZero():
		d.frame = now
	}
}

// next returns when the reader is to give up, and what it is then called.
func (d *deadlines) next() (time.Time, string) {
	at, why := d.active.Add(idleTimeout), "idle"
	if !d.opened.IsZero() {
		if first := d.opened.Add(firstFrameTimeout); first.Before(at) {
			at, why = first, "no_frame"
		}
	}
	if !d.frame.IsZero() {
		if frame := d.frame.Add(frameTimeout); frame.Before(at) {
			at, why = frame, "slow_frame"
		}
	}
	return at, why
}

// arm sets the connection's deadline where that is due.
func (d *deadlines) arm(c *conn) error {
	at, _ := d.next()
	if d.armed.IsZero() || at.Before(d.armed) {
		if err := c.conn.SetReadDeadline(at); err != nil {
			return err
		}
		d.armed = at
	}
	if c.draining.Load() { // looked at last: Shutdown sets it before it sets a deadline
		return errDraining
	}
	return nil
}

// check decides what a passed deadline means.
func (d *deadlines) check(c *conn, now time.Time) error {
	if c.draining.Load() {
		return errDraining
	}
	d.armed = time.Time{}
	_, _, written := c.out.state()
	switch {
	case c.waited():
		d.active = now // a held poll or an answer on its way is traffic
	case written.After(d.active):
		d.active = written
	}
	at, why := d.next()
	if now.Before(at) {
		return nil
	}
	d.expired = why
	return os.ErrDeadlineExceeded
}

// waited reports whether the client waits for something.
func (c *conn) waited() bool {
	finished, empty, _ := c.out.state()
	return finished < c.started || !empty
}
