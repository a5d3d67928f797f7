package rawclient

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// callLimit is how long an answer may take, longer than any server lets a request wait unless told to.
const callLimit = 20 * time.Second

// ErrClosed answers every call that was in flight when its connection ended: its outcome is unknown.
var ErrClosed = errors.New("connection ended before the answer came")

// Conn is one connection that any number of goroutines may call on at once.
type Conn struct {
	c    net.Conn
	done chan struct{} // closed when the reader has ended

	mu      sync.Mutex
	waiting map[int32]chan *Answer // guarded by mu; nil once the connection has ended
	opaque  int32                  // guarded by mu
	out     []byte                 // guarded by mu: encoding buffer
}

// Dial connects to a name server or a broker.
func Dial(ctx context.Context, addr string) (*Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	conn := &Conn{c: c, waiting: map[int32]chan *Answer{}, done: make(chan struct{})}
	go conn.read()
	return conn, nil
}

// Close ends the connection and waits for its reader.
func (c *Conn) Close() {
	c.c.Close()
	<-c.done
}

func (c *Conn) read() {
	defer close(c.done)
	r := bufio.NewReaderSize(c.c, 64<<10)
	for {
		a, err := readAnswer(r)
		if err != nil {
			break
		}
		if a.Flag&flagAnswer == 0 {
			continue // a request of the server: nothing here answers those
		}
		c.mu.Lock()
		wait := c.waiting[a.Opaque]
		delete(c.waiting, a.Opaque)
		c.mu.Unlock()
		if wait != nil {
			wait <- a
		}
	}
	c.c.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, wait := range c.waiting {
		close(wait)
	}
	c.waiting = nil
}

// call is a request in flight.
type call struct {
	conn   *Conn
	opaque int32
	answer chan *Answer
}

// start writes a request. When it returns an error nothing, or a part of the request, was written.
func (c *Conn) start(code int, ext map[string]string, body []byte) (*call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		return nil, ErrClosed
	}
	c.opaque++
	frame, err := appendFrame(c.out[:0], header{Code: code, Language: "GO", Version: 317, Opaque: c.opaque, Ext: ext}, body)
	if err != nil {
		return nil, err
	}
	c.out = frame[:0]
	wait := make(chan *Answer, 1)
	c.waiting[c.opaque] = wait
	c.c.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.c.Write(frame); err != nil {
		delete(c.waiting, c.opaque)
		c.c.Close()
		return nil, err
	}
	return &call{conn: c, opaque: c.opaque, answer: wait}, nil
}

func (k *call) wait(ctx context.Context) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	select {
	case a, ok := <-k.answer:
		if !ok {
			return nil, ErrClosed
		}
		return a, nil
	case <-ctx.Done():
		k.conn.mu.Lock()
		delete(k.conn.waiting, k.opaque)
		k.conn.mu.Unlock()
		return nil, ctx.Err()
	}
}

// Call sends a request and waits for its answer.
func (c *Conn) Call(ctx context.Context, code int, ext map[string]string, body []byte) (*Answer, error) {
	k, err := c.start(code, ext, body)
	if err != nil {
		return nil, err
	}
	return k.wait(ctx)
}

// expect is Call for requests that have one good answer.
func (c *Conn) expect(ctx context.Context, code int, ext map[string]string) (*Answer, error) {
	a, err := c.Call(ctx, code, ext, nil)
	if err != nil {
		return nil, fmt.Errorf("request %d: %w", code, err)
	}
	if a.Code != CodeSuccess {
		return nil, fmt.Errorf("request %d answered %d: %s", code, a.Code, a.Remark)
	}
	return a, nil
}
