package index

import (
	"encoding/binary"
	"sort"

	"github.com/gantrymq/gantry/core/internal/model"
)

// A delayed message lies in the log before it is in a queue. Its record is known
// as the beginning of one, and by its keys. The entry of its queue, once it has
// one, leads to the record that published it, and that one to the message.

// An entry's size says more of a message that was published by reference: bit 31,
// 7 bits of size of the record that did it, 24 of size of the message's record.
const (
	refBit   = 1 << 31
	refShift = 24
	refMask  = 1<<refShift - 1
)

// refSize packs both sizes; ok is false if they do not fit.
func refSize(size, body int) (packed uint32, ok bool) {
	return refBit | uint32(size)<<refShift | uint32(body), 0 < size && size < refBit>>refShift && 0 < body && body <= refMask
}

// sizes returns the size of the record at the entry's place, and if that one only
// refers to the message, the size of the message's.
func (e *entry) sizes() (size, body int) {
	if e.size&refBit == 0 {
		return int(e.size), 0
	}
	return int(e.size &^ refBit >> refShift), int(e.size & refMask)
}

// bytes returns the size of the message's record.
func (e *entry) bytes() uint32 {
	if size, body := e.sizes(); body == 0 {
		return uint32(size)
	}
	return e.size & refMask
}

// AddApart notes the record of a message that is in no queue of its own: delayed,
// or a copy of one.
func (x *Index) AddApart(lsn model.LSN, size int, storeTime int64) {
	if lsn < x.skip || len(x.segments) == 0 {
		return
	}
	seg := x.segments[len(x.segments)-1]
	if seg.ended {
		return
	}
	seg.apart.add(uint32(lsn - seg.base))
	seg.end, seg.last = lsn+model.LSN(size), storeTime
}

// Apart tells whether the record of a message that is in no queue begins at an
// LSN. If the segment that holds it is sealed, that one is returned to be asked
// (Sealed.Record).
func (x *Index) Apart(lsn model.LSN) (sealed *Sealed, ok bool) {
	i := sort.Search(len(x.segments), func(i int) bool { return x.segments[i].base > lsn }) - 1
	if i < 0 {
		return nil, false
	}
	seg := x.segments[i]
	if seg.sealed != nil && seg.extents == 0 {
		return seg.sealed, false
	}
	pos, n := uint32(lsn-seg.base), seg.apart.len()
	k := sort.Search(n, func(k int) bool { return *seg.apart.at(uint32(k)) >= pos })
	return nil, k < n && *seg.apart.at(uint32(k)) == pos
}

// Newest returns when the newest message before lsn's segment's end was stored: of
// the segment that holds lsn. ok is false for the newest segment, which has no end yet.
func (x *Index) Newest(lsn model.LSN) (storeTime int64, ok bool) {
	i := sort.Search(len(x.segments), func(i int) bool { return x.segments[i].base > lsn }) - 1
	if i < 0 || i == len(x.segments)-1 {
		return 0, false
	}
	return x.segments[i].last, true
}

// MovedKey is the key by which the copy of a message is found by the address that
// it keeps: under a topic of no name.
func MovedKey(id model.LSN) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(id))
	return HashKey([]byte(nil), b[:])
}
