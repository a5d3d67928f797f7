package protocols

import (
	"errors"
	"log/slog"
	"net"
	"time"
)

// Delays of the accept loop while the system gives no connections, for want of
// file descriptors or memory.
const (
	firstAcceptDelay = 5 * time.Millisecond
	maxAcceptDelay   = time.Second
)

// Accept hands the connections of ln to handle, one after the other, until ln is
// closed; then it returns nil. handle must not wait for the client.
func Accept(ln net.Listener, log *slog.Logger, handle func(net.Conn)) error {
	delay := time.Duration(0)
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			delay = 0
			handle(conn)
			continue
		case errors.Is(err, net.ErrClosed):
			return nil
		case !temporary(err):
			return err
		}
		if delay == 0 { // once for each time that it starts
			log.Warn("cannot accept connections", "err", err)
		}
		delay = min(max(2*delay, firstAcceptDelay), maxAcceptDelay)
		time.Sleep(delay)
	}
}

// temporary reports whether accepting may work again: net says so of the errors
// of one connection, and of a lack of file descriptors or buffers.
func temporary(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	return ok && t.Temporary()
}
