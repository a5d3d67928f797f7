package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// blockReader reads blocks and verifies them. Any number may read at once.
type blockReader struct {
	r       io.ReaderAt
	seed    uint32
	buffers sync.Pool // of *[blockSize]byte, for reads of one block
}

// buffer returns a block to read into.
func (b *blockReader) buffer() *[blockSize]byte {
	if block, ok := b.buffers.Get().(*[blockSize]byte); ok {
		return block
	}
	return new([blockSize]byte)
}

// read fills buf, whole blocks, from the block of that number on.
func (b *blockReader) read(buf []byte, number int64) error {
	n, err := b.r.ReadAt(buf, number*blockSize)
	if n < len(buf) {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: it ends in block %d", ErrDamaged, number+int64(n/blockSize))
		}
		return fmt.Errorf("read block %d: %w", number, err)
	}
	for at := 0; at < len(buf); at += blockSize {
		block := buf[at : at+blockSize]
		if blockSum(block[:blockRoom], b.seed, number) != binary.LittleEndian.Uint32(block[blockRoom:]) {
			return fmt.Errorf("%w: checksum of block %d", ErrDamaged, number)
		}
		number++
	}
	return nil
}

// each passes n items of a section, from the item of that number on, to fn until
// fn returns false. It reads little at first, and more the further it comes.
func (b *blockReader) each(section int64, size int, from, n int64, fn func(i int64, item []byte) bool) error {
	perBlock := int64(blockRoom / size)
	block := b.buffer()
	defer b.buffers.Put(block)
	buf, count := block[:], int64(1)
	for i, end := from, from+n; i < end; {
		first := i / perBlock
		count = min(count, (end-1)/perBlock-first+1)
		if int64(cap(buf)) < count*blockSize {
			buf = make([]byte, count*blockSize)
		}
		buf = buf[:count*blockSize]
		if err := b.read(buf, section+first); err != nil {
			return err
		}
		for rest := buf; len(rest) > 0 && i < end; rest = rest[blockSize:] {
			for k := i % perBlock; k < perBlock && i < end; k++ {
				if !fn(i, rest[k*int64(size):(k+1)*int64(size)]) {
					return nil
				}
				i++
			}
		}
		count = min(2*count, readSize/blockSize)
	}
	return nil
}
