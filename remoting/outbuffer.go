package remoting

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// outBuffer holds what is to be written to a client. Any goroutine appends;
// whoever flushes writes, one at a time.
type outBuffer struct {
	conn net.Conn
	raw  syscall.RawConn // nil: the connection offers no non-blocking write
	sent tally
	run  func(writer func()) // starts the writer goroutine
	pool *sync.Pool          // of *[]byte

	mu       sync.Mutex // guards what follows; never held while writing
	buf      *[]byte    // nil while there is nothing
	writing  []byte     // what a write has at present
	busy     bool       // a flush or the writer is at it
	closed   bool       // nothing is taken any more
	finished int64      // requests that have got their answer
	written  time.Time  // when the last of it was written
	room     chan struct{}

	try   func(fd uintptr) bool // tryWrite bound once, for raw.Write
	tried int                   // its result; of who is busy
}

// begin locks the buffer and returns what an answer is appended to, nil if there
// is nobody to read it; end stores the result and unlocks.
func (o *outBuffer) begin() ([]byte, bool) {
	o.mu.Lock()
	if o.closed {
		return nil, false
	}
	if o.buf == nil {
		o.buf = o.pool.Get().(*[]byte)
	}
	return *o.buf, true
}

func (o *outBuffer) end(b []byte) {
	if b != nil {
		*o.buf = b
	}
	o.mu.Unlock()
}

// finish ends an answer to a request.
func (o *outBuffer) finish(b []byte) {
	o.finished++
	o.end(b)
}

// full reports whether more waits than a client should make us hold. The mutex
// is held.
func (o *outBuffer) full() bool { return o.size() > maxOut }

func (o *outBuffer) size() int {
	n := len(o.writing)
	if o.buf != nil {
		n += len(*o.buf)
	}
	return n
}

// flush writes what the socket takes at once, and leaves the rest to the writer.
// It does not block.
func (o *outBuffer) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.busy && !o.closed && o.buf != nil && len(*o.buf) > 0 {
		b := o.take()
		o.mu.Unlock()
		n := o.tryWrite()
		o.mu.Lock()
		if n < len(*b) {
			o.writing = (*b)[n:]
			o.run(func() { o.write(b, n) })
			return
		}
		o.done(b)
	}
}

// take makes the buffer's content what is being written.
func (o *outBuffer) take() *[]byte {
	b := o.buf
	o.buf, o.writing, o.busy = nil, *b, true
	return b
}

// done gives back a buffer that is written.
func (o *outBuffer) done(b *[]byte) {
	o.sent.Add(float64(len(*b)))
	o.writing, o.busy, o.written = nil, false, time.Now()
	o.recycle(b)
	o.signal()
}

// maxPooled is the largest buffer that is kept for others.
const maxPooled = 2 << 20

func (o *outBuffer) recycle(b *[]byte) {
	if cap(*b) > maxPooled {
		return
	}
	*b = (*b)[:0]
	o.pool.Put(b)
}

// tryWrite writes without blocking and returns how much the socket took. Errors
// are left to the writer, which meets them again.
func (o *outBuffer) tryWrite() int {
	if o.raw == nil {
		return 0
	}
	o.tried = 0
	if err := o.raw.Write(o.try); err != nil {
		return 0
	}
	return o.tried
}

func (o *outBuffer) writeFD(fd uintptr) bool {
	n, err := syscall.Write(int(fd), o.writing)
	if err == nil {
		o.tried = n
	}
	return true // never wait: this runs on the shard's loop
}

// write is the writer goroutine: it writes until the buffer is empty.
func (o *outBuffer) write(b *[]byte, from int) {
	for {
		if err := o.writeAll((*b)[from:]); err != nil {
			o.close()
			_ = o.conn.Close() // the reader meets it and ends
			return
		}
		o.mu.Lock()
		o.done(b)
		if o.closed || o.buf == nil || len(*o.buf) == 0 {
			o.mu.Unlock()
			return
		}
		b, from = o.take(), 0
		o.mu.Unlock()
	}
}

// writeAll writes in pieces, for each of which the client has writeTimeout.
func (o *outBuffer) writeAll(b []byte) error {
	for len(b) > 0 {
		if err := o.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		n, err := o.conn.Write(b[:min(len(b), writeChunk)])
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return o.conn.SetWriteDeadline(time.Time{})
}

// signal wakes who waits in waitRoom or waitEmpty.
func (o *outBuffer) signal() {
	select {
	case o.room <- struct{}{}:
	default:
	}
}

// waitRoom waits until the buffer may take more, and reports whether it had to.
func (o *outBuffer) waitRoom() (waited bool) {
	for {
		o.mu.Lock()
		free := o.closed || !o.full()
		o.mu.Unlock()
		if free {
			return waited
		}
		waited = true
		<-o.room
	}
}

// state returns how many requests have their answer, whether all is written, and
// when the last was.
func (o *outBuffer) state() (finished int64, empty bool, written time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.finished, o.size() == 0 && !o.busy, o.written
}

// close drops what is not written and takes nothing more.
func (o *outBuffer) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.buf != nil {
		o.recycle(o.buf)
		o.buf = nil
	}
	o.signal()
}
