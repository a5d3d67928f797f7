package index

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// blockWriter writes a part block by block, front to back.
type blockWriter struct {
	w      *bufio.Writer
	block  [blockSize]byte
	used   int
	number int64
	seed   uint32
}

func newBlockWriter(w io.Writer) *blockWriter {
	return &blockWriter{w: bufio.NewWriterSize(w, readSize)}
}

// next returns the room for an item of n bytes, all zero, in the open block or a
// new one. Errors are kept for flush.
func (b *blockWriter) next(n int) []byte {
	if b.used+n > blockRoom {
		b.endBlock()
	}
	b.used += n
	return b.block[b.used-n : b.used]
}

// endBlock completes the open block: at the end of a section, and where the next
// item has no room.
func (b *blockWriter) endBlock() {
	if b.used == 0 {
		return
	}
	sum := blockSum(b.block[:blockRoom], b.seed, b.number)
	binary.LittleEndian.PutUint32(b.block[blockRoom:], sum)
	b.w.Write(b.block[:])
	if b.number == 0 {
		b.seed = sum
	}
	clear(b.block[:])
	b.used = 0
	b.number++
}

// blockReader reads blocks and verifies them. Any number may read at once.
type blockReader struct {
	r    io.ReaderAt
	seed uint32
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
	var buf []byte
	count := int64(1)
	for i, end := from, from+n; i < end; {
		block := i / perBlock
		count = min(count, (end-1)/perBlock-block+1)
		if int64(cap(buf)) < count*blockSize {
			buf = make([]byte, count*blockSize)
		}
		buf = buf[:count*blockSize]
		if err := b.read(buf, section+block); err != nil {
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
