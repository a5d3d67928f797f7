package cursor

import (
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
)

// schedule knows what is due again, and when. It follows from the rest of the
// window and is not in its image. What it schedules is named by an id: the offset
// of a message, in ordered groups the hash of a message group.
//
// Entries are not taken out when what they are for changes; they are found to be
// outdated when their turn comes. Once most of them are, it is built anew.
type schedule struct {
	due    heap    // by deadline
	ready  heap    // due, by offset
	held   []held  // due, but their owners are alive
	owners []owner // of those, each once
	taken  []task  // out of ready, by a Plan that may not have come to a record
	clock  int64   // when it was looked at last
	turn   uint8   // of those with few leases, which look for new messages first
}

// task is an entry of a heap. order is a time, or an offset.
type task struct{ order, id int64 }

type held struct {
	id    int64
	owner owner
}

type owner = uint16

func (s *schedule) emptied() schedule {
	return schedule{due: s.due[:0], ready: s.ready[:0], held: s.held[:0], owners: s.owners[:0], taken: s.taken[:0]}
}

func (s *schedule) size() int { return len(s.due) + len(s.ready) + len(s.held) + len(s.taken) }

// remind schedules an id for its time, which has changed.
func (w *window) remind(id int64) {
	at, _, ok := w.when(id)
	if !ok {
		return
	}
	if w.size() > 2*w.tasks()+64 {
		w.reschedule()
		return
	}
	w.due.push(task{at, id})
}

// reschedule builds the schedule anew.
func (w *window) reschedule() {
	clock, turn := w.clock, w.turn
	w.schedule = w.schedule.emptied()
	w.clock, w.turn = clock, turn
	if w.fifo == nil {
		w.each(func(offset model.Offset, s *slot, _ bool) bool {
			w.due = append(w.due, task{s.deadline, int64(offset)})
			return true
		})
	} else {
		for _, id := range w.fifo.sorted() {
			at, _, _ := w.when(int64(id))
			w.due = append(w.due, task{at, int64(id)})
		}
	}
	w.due.build()
}

// tasks returns how much there is to schedule.
func (w *window) tasks() int {
	if w.fifo != nil {
		return len(w.fifo.keys)
	}
	return w.live
}

// when returns from when on an id is due, unless an owner renews its leases, and
// the offset it begins with. There may be nothing to do for it.
func (w *window) when(id int64) (at int64, first model.Offset, ok bool) {
	if w.fifo != nil {
		return w.whenKey(uint32(id))
	}
	s := w.slot(model.Offset(id))
	if s == nil {
		return 0, 0, false
	}
	return s.deadline, model.Offset(id), true
}

// holder returns an owner that renews leases of an id, 0 if none is alive.
func (w *window) holder(id int64, alive func(uint16) bool) owner {
	if alive == nil {
		return 0
	}
	if w.fifo != nil {
		return w.holderOfKey(uint32(id), alive)
	}
	if s := w.slot(model.Offset(id)); s != nil && s.owner != 0 && alive(s.owner) {
		return s.owner
	}
	return 0
}

// settle moves what is due to ready: all that is in ready afterwards at its top is
// really so.
func (w *window) settle(now int64, alive func(uint16) bool) {
	w.clock = now
	for _, t := range w.taken {
		w.sort(t.id, now, alive)
	}
	w.taken = w.taken[:0]
	w.releaseHeld(now, alive)
	for len(w.due) > 0 && w.due[0].order <= now {
		t := w.due.pop()
		if at, _, ok := w.when(t.id); ok && at == t.order {
			w.sort(t.id, now, alive)
		}
	}
	w.skim(now, alive)
}

// sort puts an id where it belongs now.
func (w *window) sort(id, now int64, alive func(uint16) bool) {
	at, first, ok := w.when(id)
	switch {
	case !ok:
	case at > now:
		w.due.push(task{at, id})
	default:
		if o := w.holder(id, alive); o != 0 {
			w.hold(id, o)
			return
		}
		w.ready.push(task{int64(first), id})
	}
}

// skim takes from the top of ready what is not.
func (w *window) skim(now int64, alive func(uint16) bool) {
	for len(w.ready) > 0 {
		t := w.ready[0]
		at, first, ok := w.when(t.id)
		if ok && int64(first) == t.order && at <= now && w.holder(t.id, alive) == 0 {
			return
		}
		w.ready.pop()
		if ok && int64(first) == t.order {
			w.sort(t.id, now, alive)
		}
	}
}

// next takes the first of ready, once.
func (w *window) next(now int64, alive func(uint16) bool) (id int64, ok bool) {
	w.skim(now, alive)
	if len(w.ready) == 0 {
		return 0, false
	}
	t := w.ready.pop()
	for len(w.ready) > 0 && w.ready[0] == t {
		w.ready.pop()
	}
	w.taken = append(w.taken, t)
	return t.id, true
}

// nextDue returns the earliest time at which something may become ready.
func (w *window) nextDue() (at int64, ok bool) {
	for _, t := range w.taken {
		w.due.push(task{w.whenOr(t.id), t.id})
	}
	w.taken = w.taken[:0]
	for len(w.ready) > 0 {
		t := w.ready[0]
		at, first, ok := w.when(t.id)
		if ok && int64(first) == t.order && at <= w.clock {
			return at, true
		}
		w.ready.pop()
		if ok && int64(first) == t.order {
			w.due.push(task{at, t.id})
		}
	}
	for len(w.due) > 0 {
		t := w.due[0]
		if at, _, ok := w.when(t.id); ok && at == t.order {
			return at, true
		}
		w.due.pop()
	}
	return 0, false
}

func (w *window) whenOr(id int64) int64 {
	at, _, _ := w.when(id)
	return at
}

func (w *window) hold(id int64, o owner) {
	w.held = append(w.held, held{id, o})
	if !slices.Contains(w.owners, o) {
		w.owners = append(w.owners, o)
	}
}

// releaseHeld sorts anew what was held by owners that have ended.
func (w *window) releaseHeld(now int64, alive func(uint16) bool) {
	gone := false
	for _, o := range w.owners {
		gone = gone || alive == nil || !alive(o)
	}
	if !gone {
		return
	}
	all := w.held
	w.held, w.owners = nil, w.owners[:0]
	for _, h := range all {
		w.sort(h.id, now, alive)
	}
}

// heap has the smallest task at its top.
type heap []task

func (t task) less(u task) bool { return t.order < u.order || t.order == u.order && t.id < u.id }

func (h *heap) push(t task) {
	*h = append(*h, t)
	s := *h
	i := len(s) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !t.less(s[up]) {
			break
		}
		s[i] = s[up]
		i = up
	}
	s[i] = t
}

func (h *heap) pop() task {
	s := *h
	top, n := s[0], len(s)-1
	s[0] = s[n]
	*h = s[:n]
	h.down(0)
	return top
}

func (h heap) down(i int) {
	if i >= len(h) {
		return
	}
	t := h[i]
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].less(h[child]) {
			child++
		}
		if !h[child].less(t) {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = t
}

func (h heap) build() {
	for i := len(h)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}
