package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// testServer is a name server and broker of one topic, just true enough that the load modes can be tried on it. It
// keeps the bodies of single sends.
type testServer struct {
	addr      string
	queues    int
	busy      bool          // refuse every send
	skip      bool          // leave one message out of every pull
	delay     time.Duration // before the answers of one read
	countOnly bool          // keep nothing

	mu     sync.Mutex
	counts []int64    // by queue
	bodies [][][]byte // by queue
	waits  []wait
}

// wait is a long poll that found nothing.
type wait struct {
	conn          net.Conn
	codec         codec
	opaque        int32
	queue, offset int
}

func newTestServer(t testing.TB, queues int) *testServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{addr: l.Addr().String(), queues: queues, counts: make([]int64, queues), bodies: make([][][]byte, queues)}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(&conn{net: c, in: make([]byte, 256<<10)})
		}
	}()
	return s
}

func (s *testServer) options(mode string, args ...string) *options {
	o, err := parseOptions(mode, append([]string{"-namesrv", s.addr, "-queues", strconv.Itoa(s.queues), "-hiccup", "0", "-warmup", "50ms", "-duration", "200ms"}, args...))
	if err != nil {
		panic(err)
	}
	return o
}

func (s *testServer) serve(c *conn) {
	defer c.close()
	for c.fill() == nil {
		time.Sleep(s.delay)
		for {
			a, ok, err := c.next()
			if err != nil {
				return
			}
			if !ok {
				break
			}
			s.answer(c, a)
		}
		if c.flush() != nil {
			return
		}
	}
}

// respond appends an answer; it is a request with the response bit set.
func respond(dst []byte, c codec, code int, opaque int32, fields []field, body []byte) []byte {
	at := len(dst)
	dst = appendFrame(dst, c, code, opaque, fields, body)
	if c == codecBinary {
		dst[at+8+9+3] = flagResponse
		return dst
	}
	flag := bytes.Index(dst[at:], []byte(`"flag":0`)) + len(`"flag":`)
	dst[at+flag] = '0' + flagResponse
	return dst
}

func (s *testServer) answer(c *conn, a answer) {
	switch a.code {
	case codeRoute:
		body := fmt.Sprintf(`{"brokerDatas":[{"brokerAddrs":{"0":"%s"},"brokerName":"b","cluster":"c"}],"queueDatas":[{"brokerName":"b","perm":6,"readQueueNums":%d,"writeQueueNums":%d}]}`, s.addr, s.queues, s.queues)
		c.out = respond(c.out, a.codec, codeSuccess, a.opaque, nil, []byte(body))
	case codeMaxOffset:
		q, _ := a.number("queueId")
		s.mu.Lock()
		n := s.counts[q]
		s.mu.Unlock()
		c.out = respond(c.out, a.codec, codeSuccess, a.opaque, []field{{"offset", strconv.FormatInt(n, 10)}}, nil)
	case codeSend, codeSendBatch:
		s.store(c, a)
	case codePull:
		s.pull(c, a)
	}
}

func (s *testServer) store(c *conn, a answer) {
	if s.busy {
		c.out = respond(c.out, a.codec, 2, a.opaque, nil, nil)
		return
	}
	if s.countOnly {
		c.out = respond(c.out, a.codec, codeSuccess, a.opaque, nil, nil)
		return
	}
	q, _ := a.number("e")
	s.mu.Lock()
	defer s.mu.Unlock()
	bodies := [][]byte{slices.Clone(a.body)}
	if a.code == codeSendBatch {
		bodies = splitBatch(a.body)
	}
	s.counts[q] += int64(len(bodies))
	s.bodies[q] = append(s.bodies[q], bodies...)
	c.out = respond(c.out, a.codec, codeSuccess, a.opaque, []field{{"queueOffset", "0"}}, nil)
	for _, w := range s.waits {
		if w.queue == int(q) {
			_, _ = w.conn.Write(s.found(w.codec, w.opaque, w.queue, w.offset))
		}
	}
	s.waits = slices.DeleteFunc(s.waits, func(w wait) bool { return w.queue == int(q) })
}

func splitBatch(b []byte) (bodies [][]byte) {
	for len(b) > 0 {
		size, n := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[16:])
		bodies = append(bodies, slices.Clone(b[20:20+n]))
		b = b[size:]
	}
	return bodies
}

func (s *testServer) pull(c *conn, a answer) {
	q, _ := a.number("queueId")
	offset, _ := a.number("queueOffset")
	s.mu.Lock()
	defer s.mu.Unlock()
	if offset < s.counts[q] {
		c.out = append(c.out, s.found(a.codec, a.opaque, int(q), int(offset))...)
		return
	}
	if suspend, _ := a.number("suspendTimeoutMillis"); suspend > 0 {
		s.waits = append(s.waits, wait{c.net, a.codec, a.opaque, int(q), int(offset)})
		return
	}
	c.out = respond(c.out, a.codec, codePullNotFound, a.opaque, nil, nil)
}

// found is the answer to a pull, with at most 32 messages. The caller holds mu.
func (s *testServer) found(c codec, opaque int32, queue, offset int) []byte {
	end := min(offset+pullMax, len(s.bodies[queue]))
	var body []byte
	for i := offset; i < end; i++ {
		if s.skip && i == offset+1 {
			continue
		}
		body = appendStored(body, int64(i), s.bodies[queue][i])
	}
	return respond(nil, c, codeSuccess, opaque, []field{{"nextBeginOffset", strconv.Itoa(end)}}, body)
}

// appendStored encodes a message as servers store it, with IPv4 hosts and no properties.
func appendStored(dst []byte, offset int64, body []byte) []byte {
	m := make([]byte, 88, 91+len(body))
	binary.BigEndian.PutUint64(m[atQueueOffset:], uint64(offset))
	binary.BigEndian.PutUint32(m[84:], uint32(len(body)))
	m = append(m, body...)
	m = append(m, 1, 'T', 0, 0)
	binary.BigEndian.PutUint32(m, uint32(len(m)))
	return append(dst, m...)
}
