package index

import (
	"encoding/binary"
	"io"
)

// partReader gives the bytes of a part, block by block: a part is large, and who
// stores it needs no copy in memory.
type partReader struct {
	b      *Builder
	header header
	layout layout
	seed   uint32
	number int64 // of the next block
	block  [blockSize]byte
	rest   []byte // of the block before
}

func newPartReader(b *Builder, h header) *partReader {
	return &partReader{b: b, header: h, layout: h.layout()}
}

// Read is that of io.Reader.
func (p *partReader) Read(out []byte) (n int, err error) {
	for n < len(out) {
		if len(p.rest) == 0 {
			if p.number == p.layout.end {
				break
			}
			p.next()
		}
		k := copy(out[n:], p.rest)
		p.rest = p.rest[k:]
		n += k
	}
	if n == 0 && len(out) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// next makes the next block.
func (p *partReader) next() {
	clear(p.block[:])
	room := p.block[:blockRoom]
	p.fill(room)
	sum := blockSum(room, p.seed, p.number)
	binary.LittleEndian.PutUint32(p.block[blockRoom:], sum)
	if p.number == 0 {
		p.seed = sum
	}
	p.number++
	p.rest = p.block[:]
}

// fill writes the content of the next block.
func (p *partReader) fill(room []byte) {
	b, h, l, n := p.b, &p.header, &p.layout, p.number
	le := binary.LittleEndian
	switch {
	case n < l.rows:
		h.put(room)
	case n < l.entries:
		fillItems(room, n-l.rows, rowSize, h.rows, func(i uint32, item []byte) { b.rows[i].put(item) })
	case n < l.starts:
		fillItems(room, n-l.entries, entrySize, h.entries, func(i uint32, item []byte) { b.entries.at(b.order[i]).put(item) })
	case n < l.startFences:
		copy(room, b.starts.blocks[(n-l.starts)*blockRoom:])
	case n < l.keys:
		fillItems(room, n-l.startFences, posSize, h.starts, func(i uint32, item []byte) { le.PutUint32(item, b.starts.fences[i]) })
	case n < l.keyFences:
		fillItems(room, n-l.keys, keySize, h.keys, func(i uint32, item []byte) { b.keys[i].put(item) })
	default:
		fillItems(room, n-l.keyFences, hashSize, uint32(blocks(h.keys, keySize)), func(i uint32, item []byte) {
			le.PutUint64(item, b.keys[i*keysPerBlock].hash)
		})
	}
}

// fillItems puts the items of a section's block, of n in all, into their places.
func fillItems(room []byte, block int64, size int, n uint32, put func(i uint32, item []byte)) {
	perBlock := blockRoom / size
	i := uint32(block) * uint32(perBlock)
	for at := 0; at+size <= len(room) && i < n; at += size {
		put(i, room[at:at+size])
		i++
	}
}
