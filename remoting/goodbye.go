package remoting

import (
	"errors"
	"os"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

// goAway answers a request that comes while the server shuts down. Clients that
// know GO_AWAY connect anew and send it again; older ones take the broker for
// unavailable and try another.
func (r *request) goAway() {
	code := wire.ServiceNotAvailable
	if r.version > wire.VersionGoAway {
		code = wire.GoAway
	}
	r.refuse(code, "the server is shutting down")
}

// goodbye ends the connection in order: held polls are answered, requests in
// flight are finished, and what still comes is told to go away, until the client
// has all its answers.
func (c *conn) goodbye() string {
	c.leave()
	c.out.flush()
	quiet := time.Time{}
	for c.server.ctx.Err() == nil {
		switch {
		case c.waited():
			quiet = time.Time{}
		case quiet.IsZero():
			quiet = time.Now()
		case time.Since(quiet) >= goodbyeTimeout:
			return "shutdown"
		}
		if err := c.readSome(); err != nil {
			return c.closeReason(err)
		}
	}
	return "shutdown"
}

// readSome answers what comes within a moment.
func (c *conn) readSome() error {
	if err := c.conn.SetReadDeadline(time.Now().Add(goodbyeTimeout / 4)); err != nil {
		return err
	}
	n, err := c.read()
	c.in.w += n
	if n > 0 {
		return c.burst()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}
