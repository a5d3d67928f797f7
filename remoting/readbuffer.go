package remoting

import (
	"errors"
	"sync"

	"golang.org/x/sync/semaphore"
)

const (
	// burstSize is the buffer of a read: what one read brings is one burst.
	burstSize = 64 << 10
	// stubSize is the buffer of an incomplete frame that has few bytes so far.
	stubSize = 4 << 10
)

// errNoMemory says that the budget for incomplete frames is used up.
var errNoMemory = errors.New("too many incomplete frames")

// readBuffer holds the bytes that were read and not yet handled. Between bursts
// it owns nothing, unless a frame is incomplete; then what it owns is counted
// against the budget of all connections. It grows as bytes come, whatever length
// a frame announces. It belongs to the connection's reader.
type readBuffer struct {
	pools  *readPools
	budget *semaphore.Weighted // bytes; shared by all connections

	buf     *[]byte // nil while there is nothing
	r, w    int     // the unhandled bytes are buf[r:w]
	charged int64   // what is taken from the budget
}

// readPools recycle the buffers of both sizes.
type readPools struct{ burst, stub sync.Pool }

func newReadPools() *readPools {
	return &readPools{
		burst: sync.Pool{New: func() any { b := make([]byte, burstSize); return &b }},
		stub:  sync.Pool{New: func() any { b := make([]byte, stubSize); return &b }},
	}
}

func (b *readBuffer) bytes() []byte {
	if b.buf == nil {
		return nil
	}
	return (*b.buf)[b.r:b.w]
}

func (b *readBuffer) len() int { return b.w - b.r }

// skip drops the first n bytes.
func (b *readBuffer) skip(n int) { b.r += n }

// space returns room to read into, at least one byte. need is the size of the
// frame that is being received, 0 if not known.
func (b *readBuffer) space(need int) ([]byte, error) {
	if b.buf == nil {
		b.buf = b.pools.burst.Get().(*[]byte)
		b.r, b.w = 0, 0
	}
	if b.r > 0 {
		b.w = copy(*b.buf, (*b.buf)[b.r:b.w])
		b.r = 0
	}
	if b.w == len(*b.buf) {
		if err := b.grow(need); err != nil {
			return nil, err
		}
	}
	return (*b.buf)[b.w:], nil
}

// grow moves the bytes into a buffer of at least twice the size.
func (b *readBuffer) grow(need int) error {
	size := len(*b.buf)
	if size < burstSize {
		old := b.buf
		b.buf = b.pools.burst.Get().(*[]byte)
		copy(*b.buf, (*old)[:b.w])
		b.pools.stub.Put(old)
		return nil
	}
	size = min(2*size, max(need, burstSize+1))
	if err := b.charge(int64(size)); err != nil {
		return err
	}
	bigger := make([]byte, size)
	copy(bigger, (*b.buf)[:b.w])
	b.recycle()
	b.buf = &bigger
	return nil
}

// park is called before the reader waits: nothing is held while there is
// nothing, and little while there is little.
func (b *readBuffer) park() error {
	if b.buf == nil {
		return nil
	}
	n := b.len()
	if n == 0 {
		b.drop()
		return nil
	}
	if n < stubSize && len(*b.buf) == burstSize {
		stub := b.pools.stub.Get().(*[]byte)
		b.w = copy(*stub, (*b.buf)[b.r:b.w])
		b.r = 0
		b.recycle()
		b.buf = stub
	}
	return b.charge(int64(len(*b.buf)))
}

// drop gives everything back.
func (b *readBuffer) drop() {
	if b.buf != nil {
		b.recycle()
		b.buf = nil
	}
	b.r, b.w = 0, 0
	_ = b.charge(0)
}

func (b *readBuffer) recycle() {
	switch len(*b.buf) {
	case burstSize:
		b.pools.burst.Put(b.buf)
	case stubSize:
		b.pools.stub.Put(b.buf)
	}
}

// charge makes the share of the budget n bytes; it does not wait.
func (b *readBuffer) charge(n int64) error {
	switch more := n - b.charged; {
	case more > 0:
		if !b.budget.TryAcquire(more) {
			return errNoMemory
		}
	case more < 0:
		b.budget.Release(-more)
	}
	b.charged = n
	return nil
}
