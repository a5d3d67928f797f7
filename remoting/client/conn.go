package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/gantrymq/gantry/remoting/wire"
)

// Conn is a connection to a name server or a broker. Its methods may be called
// by several goroutines.
type Conn struct {
	// push takes the requests of the server (NOTIFY_CONSUMER_IDS_CHANGED and the
	// like). It is called by the reader, which waits for it, and owns the command.
	push func(*wire.Command)
	conn net.Conn

	writing sync.Mutex // one frame at a time; guards out
	out     []byte

	mu      sync.Mutex // guards what follows
	opaque  int32
	pending map[int32]chan *wire.Command
	err     error // why the connection is down

	done chan struct{} // closed when the reader has ended
}

// ErrClosed is what calls fail with after Close.
var ErrClosed = errors.New("connection is closed")

// Dial connects to addr.
func Dial(ctx context.Context, addr string) (*Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return New(conn, nil), nil
}

// New makes a client of a connection that is open already. push takes the
// requests of the server; it may be nil.
func New(conn net.Conn, push func(*wire.Command)) *Conn {
	c := &Conn{push: push, conn: conn, pending: map[int32]chan *wire.Command{}, done: make(chan struct{})}
	go c.read()
	return c
}

// Call sends a request and waits for its answer, whatever code that has. It
// sets the opaque, and language and version where they are not set. The request
// is the caller's again when Call returns; the answer is the caller's.
func (c *Conn) Call(ctx context.Context, req *wire.Command) (*wire.Command, error) {
	opaque, answer, err := c.expect()
	if err != nil {
		return nil, err
	}
	defer c.forget(opaque)
	req.Opaque = opaque
	if err := c.write(req); err != nil {
		return nil, err
	}
	select {
	case resp, ok := <-answer:
		if !ok {
			return nil, c.reason()
		}
		return resp, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("request %d: %w", req.Code, context.Cause(ctx))
	}
}

// Send sends a request that nobody answers.
func (c *Conn) Send(req *wire.Command) error {
	req.Flag |= wire.FlagOneway
	return c.write(req)
}

// Answer answers a request of the server.
func (c *Conn) Answer(req, resp *wire.Command) error {
	resp.Opaque, resp.Serialization = req.Opaque, req.Serialization
	resp.Flag |= wire.FlagResponse
	return c.write(resp)
}

// Close closes the connection; calls that wait fail.
func (c *Conn) Close() error {
	c.fail(ErrClosed)
	err := c.conn.Close()
	<-c.done
	return err
}

// Done returns a channel that is closed when the connection is down.
func (c *Conn) Done() <-chan struct{} { return c.done }

// LocalAddr returns this end's address.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

func (c *Conn) expect() (int32, chan *wire.Command, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, nil, c.err
	}
	c.opaque++
	answer := make(chan *wire.Command, 1)
	c.pending[c.opaque] = answer
	return c.opaque, answer, nil
}

func (c *Conn) forget(opaque int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, opaque)
}

func (c *Conn) write(req *wire.Command) error {
	if req.Version == 0 {
		req.Version, req.Language = wire.VersionSpoken, wire.Java
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	c.out = req.AppendTo(c.out[:0])
	if _, err := c.conn.Write(c.out); err != nil {
		return fmt.Errorf("request %d: %w", req.Code, err)
	}
	return nil
}

func (c *Conn) read() {
	defer close(c.done)
	for {
		cmd, err := ReadCommand(c.conn)
		if err != nil {
			c.fail(err)
			_ = c.conn.Close()
			return
		}
		if !cmd.IsResponse() {
			if c.push != nil {
				c.push(cmd)
			}
			continue
		}
		c.mu.Lock()
		answer, ok := c.pending[cmd.Opaque]
		delete(c.pending, cmd.Opaque)
		c.mu.Unlock()
		if ok {
			answer <- cmd
		}
	}
}

// ReadCommand reads one whole frame and decodes it.
func ReadCommand(r io.Reader) (*wire.Command, error) {
	length := make([]byte, 4)
	if _, err := io.ReadFull(r, length); err != nil {
		return nil, err
	}
	size, err := wire.FrameSize(length)
	if err != nil {
		return nil, err
	}
	frame := make([]byte, size)
	copy(frame, length)
	if _, err := io.ReadFull(r, frame[4:]); err != nil {
		return nil, err
	}
	cmd := &wire.Command{}
	return cmd, cmd.Decode(frame)
}

// fail records why the connection is down and ends the calls that wait.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = fmt.Errorf("connection to %s: %w", c.conn.RemoteAddr(), err)
	for _, answer := range c.pending {
		close(answer)
	}
	c.pending = nil
}

func (c *Conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
