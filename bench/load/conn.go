package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"time"
)

// conn is one connection with its buffers. Reading belongs to one goroutine, writing to one (mostly the same).
type conn struct {
	net        net.Conn
	out        []byte // requests appended and not yet flushed
	in         []byte
	start, end int // the unread part of in
}

func dial(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &conn{net: c, in: make([]byte, 256<<10)}, nil
}

func (c *conn) close() { _ = c.net.Close() }

// flush writes everything appended to out.
func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.net.Write(c.out)
	c.out = c.out[:0]
	return err
}

// fill reads once, whatever has come. Answers returned before are invalid after it.
func (c *conn) fill() error {
	if c.start == c.end {
		c.start, c.end = 0, 0
	}
	if c.end == len(c.in) {
		c.makeRoom()
	}
	n, err := c.net.Read(c.in[c.end:])
	c.end += n
	return err
}

// makeRoom moves the unread part to the front, of a larger buffer if it fills this one.
func (c *conn) makeRoom() {
	to := c.in
	if c.start == 0 {
		to = make([]byte, 2*len(c.in))
	}
	c.end = copy(to, c.in[c.start:c.end])
	c.start, c.in = 0, to
}

// next cuts one answer off what has been read; false when it is not there in whole.
func (c *conn) next() (answer, bool, error) {
	unread := c.in[c.start:c.end]
	if len(unread) < 4 {
		return answer{}, false, nil
	}
	size := int(binary.BigEndian.Uint32(unread))
	if size < 4 || size > maxFrame {
		return answer{}, false, fmt.Errorf("%w: length %d", errFrame, size)
	}
	if len(unread) < 4+size {
		return answer{}, false, nil
	}
	c.start += 4 + size
	a, err := parseAnswer(unread[4 : 4+size])
	return a, err == nil, err
}
