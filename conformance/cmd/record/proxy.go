package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
)

// maxFrame is the largest frame the protocol allows, its length field included.
const maxFrame = 16 << 20

// proxy passes frames both ways between every connection it accepts and the upstream.
type proxy struct {
	listen   string
	upstream string
	listener net.Listener
	request  func(frame []byte)        // sees every frame of a client
	answer   func(frame []byte) []byte // may change a frame of the server, not its length; nil changes none

	mu    sync.Mutex
	conns []net.Conn // guarded by mu
}

func (p *proxy) serve() error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return err
		}
		server, err := net.Dial("tcp", p.upstream)
		if err != nil {
			client.Close()
			return fmt.Errorf("dial %s: %w", p.upstream, err)
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		wg.Go(func() { pass(server, client, func(f []byte) []byte { p.request(f); return f }) })
		wg.Go(func() { pass(client, server, p.answer) })
	}
}

func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
}

// pass copies frames until either side closes, and then closes both.
func pass(to, from net.Conn, through func([]byte) []byte) {
	defer to.Close()
	defer from.Close()
	for {
		frame, err := readFrame(from)
		if err != nil {
			return
		}
		if through != nil {
			frame = through(frame)
		}
		if _, err := to.Write(frame); err != nil {
			return
		}
	}
}

// readFrame returns one frame with its length field.
func readFrame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 4 || n > maxFrame-4 {
		return nil, fmt.Errorf("frame of %d bytes", n)
	}
	frame := make([]byte, 4+n)
	copy(frame, head[:])
	_, err := io.ReadFull(r, frame[4:])
	return frame, err
}

func replaceAll(b []byte, from, to string) []byte {
	return bytes.ReplaceAll(b, []byte(from), []byte(to))
}
