package cursor

import (
	"math/bits"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
)

// window is what a cursor knows of the messages from its floor on. Below exact,
// each of them is done with, has a slot, or is parked by its message group; what
// lies between exact and read, a message group may still have to be looked up for.
type window struct {
	mem         *Memory
	read, exact model.Offset
	chunks      []*chunk // by number, those from head on; a gap is all zeros
	head        int
	live        int   // slots
	fifo        *fifo // nil: no ordered group
	schedule
}

// chunk is 64 messages, or a run of such: then all of them are done with.
type chunk struct {
	num    int64 // first offset / 64
	run    int64 // > 0: it stands for so many
	done   uint64
	live   uint64 // has a slot
	acked  uint64 // has a slot, and is acknowledged behind an unfinished message of its group
	parked uint64 // waits in its group's list
	slots  []slot // of live, in order
}

// slot is a message in flight, in 32 bytes.
type slot struct {
	popTime, firstPop int64
	deadline          int64
	key               uint32
	attempt           uint16 // saturates
	owner             uint16
}

const chunkLen = 64

func (c *chunk) end() int64 { return c.num + max(c.run, 1) }

func numOf(offset model.Offset) int64  { return int64(offset) / chunkLen }
func bitOf(offset model.Offset) uint64 { return 1 << (uint64(offset) % chunkLen) }
func firstOf(num int64) model.Offset   { return model.Offset(num * chunkLen) }
func below(offset model.Offset) uint64 { return bitOf(offset) - 1 }
func (c *chunk) place(bit uint64) int  { return bits.OnesCount64(c.live & (bit - 1)) }
func (c *chunk) slot(bit uint64) *slot { return &c.slots[c.place(bit)] }
func (w *window) list() []*chunk       { return w.chunks[w.head:] }

// search returns the place in list() of the first chunk that ends behind num.
func (w *window) search(num int64) int {
	list := w.list()
	if n := len(list); n == 0 || list[n-1].end() <= num {
		return n
	}
	if i := num - list[0].num; i >= 0 && i < int64(len(list)) && list[i].num == num {
		return int(i)
	}
	i, _ := slices.BinarySearchFunc(list, num, func(c *chunk, num int64) int {
		if c.end() <= num {
			return -1
		}
		return 1
	})
	return i
}

// find returns the chunk that an offset lies in, nil if there is none.
func (w *window) find(offset model.Offset) *chunk {
	num := numOf(offset)
	if i := w.search(num); i < len(w.list()) && w.list()[i].num <= num {
		return w.list()[i]
	}
	return nil
}

// done reports whether a message from the floor on is done with.
func (w *window) done(offset model.Offset) bool {
	c := w.find(offset)
	return c != nil && (c.run > 0 || c.done&bitOf(offset) != 0)
}

// slot returns a message's slot, nil if it has none.
func (w *window) slot(offset model.Offset) *slot {
	c := w.find(offset)
	if c == nil || c.live&bitOf(offset) == 0 {
		return nil
	}
	return c.slot(bitOf(offset))
}

// acked reports whether a message that has a slot waits for earlier ones to be done with.
func (w *window) acked(offset model.Offset) bool {
	c := w.find(offset)
	return c != nil && c.acked&bitOf(offset) != 0
}

// parked reports whether a message waits in its group's list.
func (w *window) parked(offset model.Offset) bool {
	c := w.find(offset)
	return c != nil && c.parked&bitOf(offset) != 0
}

// unknown reports whether nothing is known of a message from the floor on.
func (w *window) unknown(offset model.Offset) bool {
	c := w.find(offset)
	return c == nil || c.run == 0 && (c.done|c.live|c.parked)&bitOf(offset) == 0
}

// insert puts a chunk at a place of list().
func (w *window) insert(i int, c *chunk) {
	if w.head > kept && w.head > len(w.chunks)/2 {
		n := copy(w.chunks, w.list())
		clear(w.chunks[n:])
		w.chunks, w.head = w.chunks[:n], 0
	}
	w.chunks = slices.Insert(w.chunks, w.head+i, c)
}

// need returns the chunk that an offset lies in, made if it is missing. It must
// not be in a run.
func (w *window) need(offset, floor model.Offset) *chunk {
	num := numOf(offset)
	i := w.search(num)
	if i < len(w.list()) && w.list()[i].num <= num {
		return w.list()[i]
	}
	c := w.mem.chunk()
	c.num = num
	if firstOf(num) < floor {
		c.done = below(floor)
	}
	w.insert(i, c)
	return c
}

// add gives a message that is not done with a slot.
func (w *window) add(offset, floor model.Offset) *slot {
	c := w.need(offset, floor)
	bit := bitOf(offset)
	i := c.place(bit)
	c.live |= bit
	if len(c.slots) == cap(c.slots) {
		grown := append(w.mem.room(len(c.slots)+1), c.slots...)
		w.mem.keepSlots(c.slots)
		c.slots = grown
	}
	c.slots = slices.Insert(c.slots, i, slot{})
	w.live++
	return &c.slots[i]
}

// end ends a message that has a slot: it is done with.
func (w *window) end(offset model.Offset) {
	i := w.search(numOf(offset))
	c := w.list()[i]
	bit := bitOf(offset)
	at := c.place(bit)
	c.slots = slices.Delete(c.slots, at, at+1)
	c.live, c.acked, c.done = c.live&^bit, c.acked&^bit, c.done|bit
	w.live--
	if n := len(c.slots); n <= cap(c.slots)/4 {
		var smaller []slot
		if n > 0 {
			smaller = append(w.mem.room(n), c.slots...)
		}
		w.mem.keepSlots(c.slots)
		c.slots = smaller
	}
	w.shrink(i)
}

// shrink makes a chunk of list() whose messages are all done with a part of a run.
func (w *window) shrink(i int) {
	list := w.list()
	c := list[i]
	if c.run == 0 {
		if c.done != ^uint64(0) {
			return
		}
		c.run = 1
	}
	if i+1 < len(list) && list[i+1].run > 0 && list[i+1].num == c.end() {
		c.run += list[i+1].run
		w.remove(i + 1)
	}
	if i > 0 && list[i-1].run > 0 && list[i-1].end() == c.num {
		list[i-1].run += c.run
		w.remove(i)
	}
}

func (w *window) remove(i int) {
	w.mem.keepChunk(w.list()[i])
	w.chunks = slices.Delete(w.chunks, w.head+i, w.head+i+1)
}

// pass marks the messages of a range done, but for those that have a slot or are
// parked.
func (w *window) pass(from, to, floor model.Offset) {
	for from < to {
		num := numOf(from)
		i := w.search(num)
		list := w.list()
		switch {
		case i < len(list) && list[i].num <= num && list[i].run > 0:
			from = firstOf(list[i].end())
		case w.wholeChunks(i, num, from, to) > 0:
			c := w.mem.chunk()
			c.num, c.run = num, w.wholeChunks(i, num, from, to)
			w.insert(i, c)
			w.shrink(i)
			from = firstOf(num + c.run)
		default:
			from = w.passWithin(num, from, to, floor)
		}
	}
}

// wholeChunks returns how many chunks in a row, from num on, a range covers of
// which nothing is known.
func (w *window) wholeChunks(i int, num int64, from, to model.Offset) int64 {
	if from != firstOf(num) {
		return 0
	}
	end := numOf(to)
	if list := w.list(); i < len(list) {
		end = min(end, list[i].num)
	}
	return end - num
}

func (w *window) passWithin(num int64, from, to, floor model.Offset) model.Offset {
	to = min(to, firstOf(num+1))
	mask := ^below(from)
	if numOf(to) == num {
		mask &= below(to)
	}
	c := w.need(from, floor)
	c.done |= mask &^ (c.live | c.parked)
	w.shrink(w.search(num))
	return to
}

// advance returns the floor, moved over all that is done with.
func (w *window) advance(floor model.Offset) model.Offset {
	for floor < w.exact && w.head < len(w.chunks) {
		c := w.chunks[w.head]
		if c.num > numOf(floor) {
			break
		}
		next := firstOf(c.end())
		if c.run == 0 {
			if rest := ^c.done >> (uint64(floor) % chunkLen); rest != 0 {
				return min(floor+model.Offset(bits.TrailingZeros64(rest)), w.exact)
			}
		}
		if next > w.exact {
			return w.exact
		}
		floor = next
		w.dropHead()
	}
	return floor
}

func (w *window) dropHead() {
	w.mem.keepChunk(w.chunks[w.head])
	w.chunks[w.head] = nil
	if w.head++; w.head == len(w.chunks) {
		w.chunks, w.head = w.chunks[:0], 0
	}
}

// forget ends all below an offset.
func (w *window) forget(to model.Offset) {
	for w.head < len(w.chunks) && firstOf(w.chunks[w.head].end()) <= to {
		w.live -= len(w.chunks[w.head].slots)
		w.dropHead()
	}
	if w.head == len(w.chunks) {
		return
	}
	c := w.chunks[w.head]
	if c.num > numOf(to) || c.run > 0 {
		return
	}
	gone := c.place(bitOf(to))
	c.slots = slices.Delete(c.slots, 0, gone)
	w.live -= gone
	gone64 := below(to)
	c.live, c.acked, c.parked, c.done = c.live&^gone64, c.acked&^gone64, c.parked&^gone64, c.done|gone64
	w.shrink(0)
}

// each calls fn with the slots, in rising order, until it says false.
func (w *window) each(fn func(offset model.Offset, s *slot, acked bool) bool) {
	for _, c := range w.list() {
		live := c.live
		for i := range c.slots {
			bit := bits.TrailingZeros64(live)
			live &= live - 1
			if !fn(firstOf(c.num)+model.Offset(bit), &c.slots[i], c.acked>>bit&1 != 0) {
				return
			}
		}
	}
}
