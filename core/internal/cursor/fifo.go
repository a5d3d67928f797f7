package cursor

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// fifo is what a window knows of an ordered group: the messages of each message
// group that are not done with. A message group is locked while any of its
// messages is held by somebody.
type fifo struct {
	keys     map[uint32]*key // by the hash of the message group
	resumed  []uint32        // those that are to be looked for from an offset on
	parked   int             // in all lists
	attempts []attempt       // the newest last
	touched  []uint32        // changed by the record that is being applied
}

// key is a message group with unfinished messages.
type key struct {
	list      []model.Offset // rising: those with slots, then those parked
	delivered int            // how many have slots
	resume    model.Offset   // from here on it is to be looked for; 0: all is in the list
	again     int64          // pop time of its redelivery by the record that is being applied
	touched   bool           // by that record
}

// attempt is a call that may be repeated: all it was given is still as it was.
type attempt struct {
	hash    uint64
	popTime int64
	offsets []model.Offset // rising
}

const (
	// maxParked is how many messages of a message group wait in its list.
	maxParked = 128
	// maxAttempts is how many calls are remembered.
	maxAttempts = 32
)

func (f *fifo) need(id uint32, m *Memory) *key {
	k := f.keys[id]
	if k == nil {
		k = m.key()
		f.keys[id] = k
	}
	return k
}

// sorted returns the message groups in the order of their hashes.
func (f *fifo) sorted() []uint32 { return slices.Sorted(maps.Keys(f.keys)) }

// first returns the first message that is not done with, or may be.
func (k *key) first() model.Offset {
	if len(k.list) > 0 {
		return k.list[0]
	}
	return k.resume
}

func (k *key) insert(offset model.Offset) {
	i := len(k.list)
	if i > 0 && k.list[i-1] > offset { // only after the group was made an ordered one
		i, _ = slices.BinarySearch(k.list, offset)
	}
	k.list = slices.Insert(k.list, i, offset)
}

func (k *key) remove(offset model.Offset) {
	if i, ok := slices.BinarySearch(k.list, offset); ok {
		k.list = slices.Delete(k.list, i, i+1)
	}
}

func (f *fifo) setResume(id uint32, k *key, to model.Offset) {
	if (k.resume == 0) != (to == 0) {
		if to == 0 {
			i := slices.Index(f.resumed, id)
			f.resumed = slices.Delete(f.resumed, i, i+1)
		} else {
			f.resumed = append(f.resumed, id)
		}
	}
	k.resume = to
}

// forgetAttempt forgets the call that was given a message, which is now settled or
// given to somebody else.
func (f *fifo) forgetAttempt(offset model.Offset, popTime int64) {
	for i := range f.attempts {
		a := &f.attempts[i]
		if a.popTime != popTime {
			continue
		}
		if _, ok := slices.BinarySearch(a.offsets, offset); ok {
			f.attempts = slices.Delete(f.attempts, i, i+1)
			return
		}
	}
}

func (f *fifo) rememberAttempt(r *record.Pop) {
	if len(f.attempts) == maxAttempts {
		f.attempts = slices.Delete(f.attempts, 0, 1)
	}
	a := attempt{hash: r.Attempt, popTime: r.PopTime, offsets: make([]model.Offset, len(r.Leased))}
	for i := range r.Leased {
		a.offsets[i] = r.Leased[i].Offset
	}
	f.attempts = append(f.attempts, a)
}

// touch notes that a message group changes.
func (w *window) touch(id uint32) *key {
	k := w.fifo.need(id, w.mem)
	if !k.touched {
		k.touched = true
		w.fifo.touched = append(w.fifo.touched, id)
	}
	return k
}

// remindKeys schedules the message groups that have changed, and drops those that
// are done with.
func (w *window) remindKeys() {
	touched := w.fifo.touched
	w.fifo.touched = touched[:0]
	for _, id := range touched {
		k := w.fifo.keys[id]
		k.touched, k.again = false, 0
		if len(k.list) == 0 && k.resume == 0 {
			delete(w.fifo.keys, id)
			w.mem.keepKey(k)
		}
	}
	for _, id := range touched {
		w.remind(int64(id))
	}
}

// whenKey returns from when on a message group is not locked, if nobody renews.
func (w *window) whenKey(id uint32) (at int64, first model.Offset, ok bool) {
	k := w.fifo.keys[id]
	if k == nil {
		return 0, 0, false
	}
	w.eachDelivered(k, func(_ model.Offset, s *slot) bool {
		at = max(at, s.deadline)
		return true
	})
	return at, k.first(), true
}

func (w *window) holderOfKey(id uint32, alive func(uint16) bool) (holder owner) {
	w.eachDelivered(w.fifo.keys[id], func(_ model.Offset, s *slot) bool {
		if s.owner != 0 && alive(s.owner) {
			holder = s.owner
		}
		return holder == 0
	})
	return holder
}

// eachDelivered calls fn with the messages of a message group that were delivered
// and not acknowledged, until it says false.
func (w *window) eachDelivered(k *key, fn func(model.Offset, *slot) bool) {
	n := k.delivered
	for _, offset := range k.list {
		if n == 0 {
			return
		}
		c := w.find(offset)
		bit := bitOf(offset)
		if c.live&bit == 0 {
			continue
		}
		n--
		if c.acked&bit == 0 && !fn(offset, c.slot(bit)) {
			return
		}
	}
}

// leaseKeyFirst takes a message into its message group's list, if it is not
// parked there.
func (w *window) leaseKeyFirst(l record.PopMessage) error {
	k := w.touch(l.Key)
	if c := w.find(l.Offset); c != nil && c.parked&bitOf(l.Offset) != 0 {
		if _, ok := slices.BinarySearch(k.list, l.Offset); !ok {
			return fmt.Errorf("message %d leased, and it is parked by another message group than %#x", l.Offset, l.Key)
		}
		c.parked &^= bitOf(l.Offset)
		w.fifo.parked--
		k.delivered++
		return nil
	}
	if l.Offset < w.read && (k.resume == 0 || l.Offset < k.resume) || !w.unknown(l.Offset) {
		return fmt.Errorf("message %d leased, and it is done with", l.Offset)
	}
	k.insert(l.Offset)
	k.delivered++
	return nil
}

// leaseKeyAgain takes what has been said of the messages behind back: they are
// to be delivered again too.
func (w *window) leaseKeyAgain(r *record.Pop, l record.PopMessage, s *slot) error {
	if s.key != l.Key {
		return fmt.Errorf("message %d leased for message group %#x, and it is of %#x", l.Offset, l.Key, s.key)
	}
	k := w.touch(l.Key)
	w.find(l.Offset).acked &^= bitOf(l.Offset)
	w.fifo.forgetAttempt(l.Offset, s.popTime)
	if k.again == r.PopTime {
		return nil
	}
	k.again = r.PopTime
	from, _ := slices.BinarySearch(k.list, l.Offset+1)
	for _, offset := range k.list[from:] {
		if c := w.find(offset); c.live&bitOf(offset) != 0 {
			c.acked &^= bitOf(offset)
			behind := c.slot(bitOf(offset))
			w.fifo.forgetAttempt(offset, behind.popTime)
			behind.deadline, behind.owner = 0, 0
		}
	}
	return nil
}

// applyFIFO folds in what a Pop says of message groups.
func (w *window) applyFIFO(r *record.Pop, floor model.Offset) error {
	f := w.fifo
	for _, p := range r.Parked {
		k := f.keys[p.Key]
		if k == nil || k.resume != 0 || p.Offset < w.read || !w.unknown(p.Offset) || len(k.list)-k.delivered >= maxParked {
			return fmt.Errorf("message %d of message group %#x parked, and it need not or must not be", p.Offset, p.Key)
		}
		k.insert(p.Offset)
		f.parked++
		w.need(p.Offset, floor).parked |= bitOf(p.Offset)
	}
	for _, p := range r.Resumed {
		k := f.keys[p.Key]
		if k == nil || p.Offset < k.resume || k.resume == 0 && (p.Offset < w.read || p.Offset >= r.ReadTo) {
			return fmt.Errorf("search for message group %#x at %d, which is not where it is", p.Key, p.Offset)
		}
		w.touch(p.Key)
		if k.resume != 0 && p.Offset >= w.read {
			p.Offset = 0
		}
		f.setResume(p.Key, k, p.Offset)
	}
	if r.Attempt != 0 && len(r.Leased) > 0 {
		f.rememberAttempt(r)
	}
	return nil
}

// ackInKey acknowledges a message: it is done with if all before it in its
// message group are.
func (w *window) ackInKey(offset model.Offset, s *slot) {
	k := w.touch(s.key)
	if k.list[0] != offset {
		w.find(offset).acked |= bitOf(offset)
		s.owner = 0
		return
	}
	w.endInKey(offset, s.key)
}

// endInKey ends a message, and those behind it that have waited for it.
func (w *window) endInKey(offset model.Offset, id uint32) {
	k := w.touch(id)
	k.remove(offset)
	k.delivered--
	w.end(offset)
	w.cascade(k)
}

// cascade ends the first messages of a message group that are acknowledged.
func (w *window) cascade(k *key) {
	n := 0
	for n < len(k.list) && w.acked(k.list[n]) {
		w.end(k.list[n])
		n++
	}
	k.list = slices.Delete(k.list, 0, n)
	k.delivered -= n
}

// forgetKeys takes the messages below an offset from their message groups.
func (w *window) forgetKeys(to model.Offset) {
	f := w.fifo
	for _, id := range f.sorted() {
		k := f.keys[id]
		n, _ := slices.BinarySearch(k.list, to)
		if n == 0 && (k.resume == 0 || k.resume >= to) {
			continue
		}
		w.touch(id)
		for _, offset := range k.list[:n] {
			if s := w.slot(offset); s != nil {
				f.forgetAttempt(offset, s.popTime)
				k.delivered--
			} else {
				f.parked--
			}
		}
		k.list = slices.Delete(k.list, 0, n)
		if k.resume != 0 && k.resume < to {
			if to >= w.read {
				f.setResume(id, k, 0)
			} else {
				f.setResume(id, k, to)
			}
		}
	}
}

// cascadeKeys does it for those that forgetKeys has changed.
func (w *window) cascadeKeys() {
	for _, id := range w.fifo.touched {
		w.cascade(w.fifo.keys[id])
	}
}
