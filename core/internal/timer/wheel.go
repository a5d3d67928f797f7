package timer

import "math/bits"

const (
	levels    = 4
	slotBits  = 8
	slots     = 1 << slotBits
	slotMask  = slots - 1
	sentinels = levels * slots
)

// ID names a pending timer. It is reused once the timer has fired or was
// cancelled.
type ID uint32

// node is a timer, or the sentinel of a slot's ring.
type node struct {
	deadline   int64
	ref        uint64
	next, prev uint32
}

// Wheel holds timers. The zero value is not ready: use New.
type Wheel struct {
	now   int64 // all timers due up to here have fired
	nodes []node
	free  uint32 // first of the free nodes, linked by next; 0 is none
	count int
	busy  [levels][slots / 64]uint64 // a slot without its bit is empty
}

// New returns a wheel at time now, in ms.
func New(now int64) *Wheel {
	w := &Wheel{now: now, nodes: make([]node, sentinels, sentinels+64)}
	for i := range w.nodes {
		w.nodes[i].next, w.nodes[i].prev = uint32(i), uint32(i)
	}
	return w
}

// Len returns the number of pending timers.
func (w *Wheel) Len() int { return w.count }

// Add sets a timer: Advance passes ref to fire once its time is at least
// deadline. A deadline that has passed fires with the next Advance to a later ms.
func (w *Wheel) Add(deadline int64, ref uint64) ID {
	id := w.free
	if id != 0 {
		w.free = w.nodes[id].next
	} else {
		id = uint32(len(w.nodes))
		w.nodes = append(w.nodes, node{})
	}
	w.nodes[id].deadline, w.nodes[id].ref = deadline, ref
	w.link(id)
	w.count++
	return ID(id)
}

// Cancel takes back a timer that has neither fired nor been cancelled.
func (w *Wheel) Cancel(id ID) {
	w.unlink(uint32(id))
	w.release(uint32(id))
}

func (w *Wheel) release(id uint32) {
	w.nodes[id].next, w.free = w.free, id
	w.count--
}

// link puts a node into the slot of its deadline, seen from now. What is due
// fires with the next ms.
func (w *Wheel) link(id uint32) { w.place(id, max(w.nodes[id].deadline, w.now+1)) }

func (w *Wheel) place(id uint32, deadline int64) {
	level, ahead := 0, deadline-w.now
	for level < levels-1 && ahead >= 1<<(slotBits*(level+1)) {
		level++
	}
	if ahead >= 1<<(slotBits*levels) { // beyond the wheel: come back when its last slot is due
		deadline = w.now + 1<<(slotBits*levels) - 1
	}
	slot := int(deadline>>(slotBits*level)) & slotMask
	w.busy[level][slot/64] |= 1 << (slot % 64)
	head := uint32(level*slots + slot)
	last := w.nodes[head].prev
	w.nodes[id].next, w.nodes[id].prev = head, last
	w.nodes[last].next, w.nodes[head].prev = id, id
}

func (w *Wheel) unlink(id uint32) {
	n := &w.nodes[id]
	w.nodes[n.prev].next, w.nodes[n.next].prev = n.next, n.prev
}

// Next returns when Advance has something to do, which is never later than the
// earliest deadline; ok is false if no timer is pending.
func (w *Wheel) Next() (at int64, ok bool) {
	if w.count == 0 {
		return 0, false
	}
	for level := range levels {
		shift := slotBits * level
		tick := w.now >> shift
		d, found := w.distance(level, int(tick)&slotMask)
		if t := (tick + int64(d)) << shift; found && (!ok || t < at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// distance returns how many slots behind slot (1 to 256) the next busy one is.
func (w *Wheel) distance(level, slot int) (int, bool) {
	set := &w.busy[level]
	for d := 1; d <= slots; {
		s := (slot + d) & slotMask
		word := set[s/64] >> (s % 64)
		if word != 0 {
			d += bits.TrailingZeros64(word)
			return d, d <= slots
		}
		d += 64 - s%64
	}
	return 0, false
}

// Advance moves the wheel to now and passes the ref of every timer that is due
// to fire, in the order of their deadlines (to the ms). fire may add and cancel timers.
// A now before the wheel's own changes nothing.
func (w *Wheel) Advance(now int64, fire func(ref uint64)) {
	for w.now < now {
		at, ok := w.Next()
		if !ok || at > now {
			w.now = now
			return
		}
		w.now = at
		for level := levels - 1; level > 0; level-- {
			if shift := slotBits * level; at&(1<<shift-1) == 0 {
				w.cascade(level, int(at>>shift)&slotMask)
			}
		}
		w.fireSlot(int(at)&slotMask, fire)
	}
}

// cascade moves a slot's timers to where they belong now, at its first ms: all to
// lower levels, and those that are due in this very ms into the slot that is about
// to fire.
func (w *Wheel) cascade(level, slot int) {
	w.drain(level, slot, func(id uint32) { w.place(id, max(w.nodes[id].deadline, w.now)) })
}

func (w *Wheel) fireSlot(slot int, fire func(ref uint64)) {
	w.drain(0, slot, func(id uint32) {
		ref := w.nodes[id].ref
		w.release(id)
		fire(ref)
	})
}

// drain empties a slot. A timer is out of its ring before each is called, so each
// may cancel others of the same slot.
func (w *Wheel) drain(level, slot int, each func(id uint32)) {
	w.busy[level][slot/64] &^= 1 << (slot % 64)
	head := uint32(level*slots + slot)
	for id := w.nodes[head].next; id != head; id = w.nodes[head].next {
		w.unlink(id)
		each(id)
	}
}
