package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/gantrymq/gantry/core/internal/model"
)

// ErrDamaged tells that a part's bytes are not those that were written. It can be
// built anew from its segment.
var ErrDamaged = errors.New("index part is damaged")

// ErrVersion tells that a part was written by a newer version.
var ErrVersion = errors.New("index part has an unknown version")

// The layout of a part: docs/format/index.md.
const (
	magic   = "GANTRYIX"
	version = 2

	plainVersion = 1 // of a part without delayed messages, and without those published by reference

	blockSize = 4096
	crcSize   = 4
	blockRoom = blockSize - crcSize
	readSize  = 16 * blockSize // of one read at most

	rowSize   = 36
	entrySize = 16
	posSize   = 4  // fences of the record starts
	keySize   = 12 // hash and position
	hashSize  = 8  // fences of the keys

	entriesPerBlock = blockRoom / entrySize
)

// header is the first block of a part. All else follows from it.
type header struct {
	shard               model.ShardID
	base, end           model.LSN
	after               model.LSN // where the segment before ended; below base where the log has a gap
	first, last         int64     // store times of the first and the last message
	rows, entries, keys uint32    // how many
	starts              uint32    // blocks of record starts
	apart, refs         uint32    // messages that are in no queue of their own; that are published by reference
}

// version returns the lowest version that can say what the part has.
func (h *header) version() uint32 {
	if h.apart+h.refs == 0 {
		return plainVersion
	}
	return version
}

// layout holds the first block of each section, and the number of all blocks.
type layout struct{ rows, entries, starts, startFences, keys, keyFences, end int64 }

// blocks returns how many blocks n items of a size take.
func blocks(n uint32, size int) int64 {
	perBlock := int64(blockRoom / size)
	return (int64(n) + perBlock - 1) / perBlock
}

func (h *header) layout() (l layout) {
	l.rows = 1 // behind the header
	l.entries = l.rows + blocks(h.rows, rowSize)
	l.starts = l.entries + blocks(h.entries, entrySize)
	l.startFences = l.starts + int64(h.starts)
	l.keys = l.startFences + blocks(h.starts, posSize)
	l.keyFences = l.keys + blocks(h.keys, keySize)
	l.end = l.keyFences + blocks(uint32(blocks(h.keys, keySize)), hashSize)
	return l
}

func (h *header) put(b []byte) {
	le := binary.LittleEndian
	copy(b, magic)
	le.PutUint32(b[8:], h.version())
	le.PutUint32(b[12:], uint32(h.shard))
	le.PutUint64(b[16:], uint64(h.base))
	le.PutUint64(b[24:], uint64(h.end))
	le.PutUint64(b[32:], uint64(h.first))
	le.PutUint64(b[40:], uint64(h.last))
	le.PutUint32(b[48:], h.rows)
	le.PutUint32(b[52:], h.entries)
	le.PutUint32(b[56:], h.keys)
	le.PutUint32(b[60:], h.starts)
	le.PutUint64(b[64:], uint64(h.after))
	le.PutUint32(b[72:], h.apart)
	le.PutUint32(b[76:], h.refs)
}

// parseHeader reads a header that was verified.
func parseHeader(b []byte) (h header, err error) {
	le := binary.LittleEndian
	shard := le.Uint32(b[12:])
	h = header{
		shard: model.ShardID(shard),
		base:  model.LSN(le.Uint64(b[16:])), end: model.LSN(le.Uint64(b[24:])),
		first: int64(le.Uint64(b[32:])), last: int64(le.Uint64(b[40:])),
		rows: le.Uint32(b[48:]), entries: le.Uint32(b[52:]), keys: le.Uint32(b[56:]), starts: le.Uint32(b[60:]),
		after: model.LSN(le.Uint64(b[64:])),
		apart: le.Uint32(b[72:]), refs: le.Uint32(b[76:]), // 0 in version 1
	}
	switch {
	case shard > math.MaxUint16, h.base < 0, h.after < 0, h.after > h.base, h.end < h.base, !fits(int64(h.end - h.base)),
		h.last < h.first, !fits(h.last - h.first),
		h.rows > h.entries, (h.rows == 0) != (h.entries == 0),
		h.apart > h.starts*blockRoom, h.starts > h.entries+h.apart, (h.starts == 0) != (h.entries-h.refs+h.apart == 0), h.refs > h.entries:
		return header{}, fmt.Errorf("%w: header", ErrDamaged)
	}
	return h, nil
}

// row is one extent in a part's directory.
type row struct {
	first               model.Offset
	topic               model.TopicID
	queue               int32
	n                   uint32
	at                  uint32 // of its first entry
	firstTime, lastTime uint32
	bytes               uint32 // of its records
}

func (r *row) put(b []byte) {
	le := binary.LittleEndian
	le.PutUint32(b[0:], uint32(r.topic))
	le.PutUint32(b[4:], uint32(r.queue))
	le.PutUint64(b[8:], uint64(r.first))
	le.PutUint32(b[16:], r.n)
	le.PutUint32(b[20:], r.at)
	le.PutUint32(b[24:], r.firstTime)
	le.PutUint32(b[28:], r.lastTime)
	le.PutUint32(b[32:], r.bytes)
}

func parseRow(b []byte) row {
	le := binary.LittleEndian
	return row{
		topic: model.TopicID(le.Uint32(b[0:])), queue: int32(le.Uint32(b[4:])),
		first: model.Offset(le.Uint64(b[8:])), n: le.Uint32(b[16:]), at: le.Uint32(b[20:]),
		firstTime: le.Uint32(b[24:]), lastTime: le.Uint32(b[28:]), bytes: le.Uint32(b[32:]),
	}
}

func (r *row) end() model.Offset { return r.first + model.Offset(r.n) }

// follows tells whether the row may stand behind another in a directory.
func (r *row) follows(last *row) bool {
	if r.n == 0 || r.first < 0 || r.end() < 0 || r.queue < 0 || r.lastTime < r.firstTime || r.at != last.at+last.n {
		return false
	}
	switch {
	case r.topic != last.topic:
		return r.topic > last.topic
	case r.queue != last.queue:
		return r.queue > last.queue
	}
	return r.first >= last.end()
}

func (e *entry) put(b []byte) {
	le := binary.LittleEndian
	le.PutUint32(b[0:], e.pos)
	le.PutUint32(b[4:], e.size)
	le.PutUint32(b[8:], uint32(e.tag))
	le.PutUint32(b[12:], e.time)
}

func parseEntry(b []byte) entry {
	le := binary.LittleEndian
	return entry{pos: le.Uint32(b[0:]), size: le.Uint32(b[4:]), tag: int32(le.Uint32(b[8:])), time: le.Uint32(b[12:])}
}

// blockSum is the checksum of a block's room. It depends on the part (seed: the
// sum of its header) and on the block's number, so that no block passes for another.
func blockSum(room []byte, seed uint32, number int64) uint32 {
	return crc32.Update(seed+uint32(number), crc32.IEEETable, room)
}
