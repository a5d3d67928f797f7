package cursor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
)

// Bits of an image's flags.
const (
	imageReset  = 1 << 0
	imageWindow = 1 << 1
	imageFIFO   = 1 << 2
)

var errImage = errors.New("malformed image of a cursor")

// AppendImage appends what a snapshot keeps of the cursor. Equal cursors have
// equal images. The layout is docs/format/snapshot.md.
func (c *Cursor) AppendImage(b []byte) []byte {
	flags := byte(0)
	if c.reset {
		flags |= imageReset
	}
	if c.w != nil {
		flags |= imageWindow
		if c.w.fifo != nil {
			flags |= imageFIFO
		}
	}
	b = binary.AppendUvarint(append(b, flags), uint64(c.floor))
	if c.w == nil {
		return b
	}
	return c.w.appendImage(b, c.floor)
}

func (w *window) appendImage(b []byte, floor model.Offset) []byte {
	b = binary.AppendUvarint(b, uint64(w.read-floor))
	b = binary.AppendUvarint(b, uint64(w.read-w.exact))
	b = w.appendDone(b, floor)
	b = w.appendSlots(b, floor)
	if w.fifo != nil {
		b = w.appendFIFO(b, floor)
	}
	return b
}

// appendDone encodes the ranges that are done with, ended by a range of none.
func (w *window) appendDone(b []byte, floor model.Offset) []byte {
	end := floor // of the range before
	var from, to model.Offset
	flush := func() {
		if from < to {
			b = binary.AppendUvarint(b, uint64(from-end))
			b = binary.AppendUvarint(b, uint64(to-from))
			end = to
		}
	}
	add := func(first, next model.Offset) {
		if first != to {
			flush()
			from = first
		}
		to = next
	}
	for _, c := range w.list() {
		if c.run > 0 {
			add(max(firstOf(c.num), floor), firstOf(c.end()))
			continue
		}
		done := c.done
		if firstOf(c.num) < floor {
			done &^= below(floor)
		}
		for at := 0; done>>at != 0; {
			at += bits.TrailingZeros64(done >> at)
			n := bits.TrailingZeros64(^(done >> at))
			add(firstOf(c.num)+model.Offset(at), firstOf(c.num)+model.Offset(at+n))
			if at += n; at == chunkLen {
				break
			}
		}
	}
	flush()
	return append(b, 0, 0)
}

func (w *window) appendSlots(b []byte, floor model.Offset) []byte {
	b = binary.AppendUvarint(b, uint64(w.live))
	next, popTime := floor, int64(0)
	w.each(func(offset model.Offset, s *slot, acked bool) bool {
		b = binary.AppendUvarint(b, uint64(offset-next))
		b = binary.AppendVarint(b, s.popTime-popTime)
		lasts := uint64(0)
		if s.deadline != 0 {
			lasts = uint64(s.deadline-s.popTime) << 1
		}
		if acked {
			lasts |= 1
		}
		b = binary.AppendUvarint(b, lasts)
		b = binary.AppendUvarint(b, uint64(s.popTime-s.firstPop))
		b = binary.AppendUvarint(b, uint64(s.attempt))
		b = binary.AppendUvarint(b, uint64(s.key))
		next, popTime = offset+1, s.popTime
		return true
	})
	return b
}

func (w *window) appendFIFO(b []byte, floor model.Offset) []byte {
	f := w.fifo
	ids := f.sorted()
	ids = slices.DeleteFunc(ids, func(id uint32) bool { return f.keys[id].delivered == len(f.keys[id].list) && f.keys[id].resume == 0 })
	b = binary.AppendUvarint(b, uint64(len(ids)))
	for _, id := range ids {
		k := f.keys[id]
		b = binary.AppendUvarint(b, uint64(id))
		b = binary.AppendUvarint(b, uint64(k.resume))
		b = binary.AppendUvarint(b, uint64(len(k.list)-k.delivered))
		next := floor
		for _, offset := range k.list {
			if w.parked(offset) {
				b = binary.AppendUvarint(b, uint64(offset-next))
				next = offset + 1
			}
		}
	}
	b = binary.AppendUvarint(b, uint64(len(f.attempts)))
	for _, a := range f.attempts {
		b = binary.LittleEndian.AppendUint64(b, a.hash)
		b = binary.AppendUvarint(b, uint64(a.popTime))
		b = binary.AppendUvarint(b, uint64(len(a.offsets)))
		next := floor
		for _, offset := range a.offsets {
			b = binary.AppendUvarint(b, uint64(offset-next))
			next = offset + 1
		}
	}
	return b
}

// DecodeImage is the inverse of AppendImage. It accepts no bytes but those that
// AppendImage gives. What it needs comes from m.
func DecodeImage(b []byte, m *Memory) (Cursor, error) {
	r := reader{b: b}
	flags := r.u8()
	c := Cursor{reset: flags&imageReset != 0, floor: r.offset(0)}
	if flags&^(imageReset|imageWindow|imageFIFO) != 0 || flags&(imageWindow|imageFIFO) == imageFIFO {
		r.bad = true
	}
	if !r.bad && flags&imageWindow != 0 {
		c.w = r.window(m, c.floor, flags&imageFIFO != 0)
	}
	if r.bad || len(r.b) > 0 {
		return Cursor{}, errImage
	}
	if c.w != nil && !c.sound() {
		return Cursor{}, errImage
	}
	if m.image = c.AppendImage(m.image[:0]); !bytes.Equal(m.image, b) {
		return Cursor{}, errImage
	}
	return c, nil
}

// sound reports whether a decoded window is one that records lead to, and makes
// it ready for use.
func (c *Cursor) sound() bool {
	w := c.w
	if w.idle() || w.limit() != w.exact || w.exact < c.floor || w.advance(c.floor) != c.floor {
		return false
	}
	at := c.floor
	for _, chunk := range w.list() {
		from := max(at, firstOf(chunk.num))
		known := chunk.done | chunk.live | chunk.parked
		switch {
		case at >= w.exact:
		case from > at, chunk.run == 0 && firstOf(chunk.end()) <= w.exact && known != math.MaxUint64:
			return false
		case chunk.run == 0 && firstOf(chunk.end()) > w.exact && known|^below(w.exact) != math.MaxUint64:
			return false
		}
		at = firstOf(chunk.end())
	}
	if at < w.exact {
		return false
	}
	if w.fifo != nil {
		for _, k := range w.fifo.keys { // all of them, in any order
			if len(k.list) > 0 && w.acked(k.list[0]) {
				return false
			}
		}
	}
	w.reschedule()
	return true
}

// reader reads an image; bad sticks.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) u8() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) u64() uint64 {
	if len(r.b) < 8 {
		r.bad = true
		return 0
	}
	v := binary.LittleEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}

// offset reads one that was written as its distance from another.
func (r *reader) offset(base model.Offset) model.Offset {
	return base + model.Offset(r.uvarint(maxOffset-uint64(base)))
}

// maxOffset leaves room for the chunk that the last one lies in.
const maxOffset = math.MaxInt64 - 2*chunkLen

func (r *reader) window(m *Memory, floor model.Offset, fifo bool) *window {
	w := m.window()
	w.read = r.offset(floor)
	w.exact = w.read - model.Offset(r.uvarint(uint64(w.read)))
	for end := floor; !r.bad; {
		from := r.offset(end)
		to := r.offset(from)
		if from == to {
			r.bad = r.bad || from != end
			break
		}
		w.pass(from, to, floor)
		end = to
	}
	if fifo {
		w.fifo = m.newFIFO()
	}
	r.slots(w, floor)
	if fifo && !r.bad {
		r.fifo(w, floor)
	}
	return w
}

func (r *reader) slots(w *window, floor model.Offset) {
	next, popTime := floor, int64(0)
	for n := r.uvarint(uint64(len(r.b))); n > 0 && !r.bad; n-- {
		offset := r.offset(next)
		popTime += r.varint()
		lasts := r.uvarint(math.MaxInt64)
		s := slot{popTime: popTime, key: 0}
		if lasts>>1 != 0 {
			s.deadline = popTime + int64(lasts>>1)
		}
		s.firstPop = popTime - int64(r.uvarint(math.MaxInt64))
		s.attempt = uint16(r.uvarint(math.MaxUint16))
		s.key = uint32(r.uvarint(math.MaxUint32))
		if r.bad || popTime < 0 || s.deadline < 0 || s.firstPop < 0 || s.attempt == 0 || !w.unknown(offset) {
			r.bad = true
			return
		}
		*w.add(offset, floor) = s
		if w.fifo != nil {
			k := w.fifo.need(s.key, w.mem)
			k.list = append(k.list, offset)
			k.delivered++
		}
		if lasts&1 != 0 {
			r.bad = r.bad || w.fifo == nil
			w.find(offset).acked |= bitOf(offset)
		}
		next = offset + 1
	}
}

func (r *reader) fifo(w *window, floor model.Offset) {
	f := w.fifo
	for n := r.uvarint(uint64(len(r.b))); n > 0 && !r.bad; n-- {
		id := uint32(r.uvarint(math.MaxUint32))
		k := f.need(id, w.mem)
		resume := r.offset(0)
		if k.resume != 0 || resume != 0 && (resume < floor || resume >= w.read) {
			r.bad = true
			return
		}
		f.setResume(id, k, resume)
		next := floor
		for parked := r.uvarint(maxParked); parked > 0 && !r.bad; parked-- {
			offset := r.offset(next)
			if offset >= w.read || !w.unknown(offset) {
				r.bad = true
				return
			}
			k.insert(offset)
			f.parked++
			w.need(offset, floor).parked |= bitOf(offset)
			next = offset + 1
		}
	}
	slices.Sort(f.resumed)
	r.attempts(w, floor)
}

func (r *reader) attempts(w *window, floor model.Offset) {
	for n := r.uvarint(maxAttempts); n > 0 && !r.bad; n-- {
		a := attempt{hash: r.u64(), popTime: int64(r.uvarint(math.MaxInt64))}
		next := floor
		for given := r.uvarint(uint64(len(r.b))); given > 0 && !r.bad; given-- {
			offset := r.offset(next)
			if s := w.slot(offset); s == nil || s.popTime != a.popTime {
				r.bad = true
			}
			a.offsets = append(a.offsets, offset)
			next = offset + 1
		}
		r.bad = r.bad || a.hash == 0 || len(a.offsets) == 0
		w.fifo.attempts = append(w.fifo.attempts, a)
	}
}
