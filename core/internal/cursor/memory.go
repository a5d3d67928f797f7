package cursor

import "math/bits"

// Memory keeps what cursors no longer need for those that need it next: so
// delivery allocates nothing once it is under way. The zero value is ready; one
// goroutine uses it.
type Memory struct {
	windows []*window
	chunks  []*chunk
	slots   [slotClasses][][]slot // by capacity: 1, 2, 4, ... 64
	keys    []*key
	fifos   []*fifo
	image   []byte // scratch
}

const (
	slotClasses = 7
	// kept bounds each of the lists: about 1 MB in all.
	kept = 256
	// keptKeys is how much room for offsets a message group may keep.
	keptKeys = 32
)

func take[T any](list *[]T) (item T, ok bool) {
	n := len(*list)
	if n == 0 {
		return item, false
	}
	var none T
	item, (*list)[n-1] = (*list)[n-1], none
	*list = (*list)[:n-1]
	return item, true
}

func keep[T any](list *[]T, item T) {
	if len(*list) < kept {
		*list = append(*list, item)
	}
}

func (m *Memory) window() *window {
	if w, ok := take(&m.windows); ok {
		return w
	}
	return &window{mem: m}
}

// keepWindow takes a window back that is not used any more.
func (m *Memory) keepWindow(w *window) {
	for _, c := range w.list() {
		m.keepChunk(c)
	}
	m.keepFIFO(w.fifo)
	if cap(w.due) > kept || cap(w.chunks) > kept {
		return
	}
	*w = window{mem: m, chunks: w.chunks[:0], schedule: w.schedule.emptied()}
	keep(&m.windows, w)
}

func (m *Memory) newFIFO() *fifo {
	if f, ok := take(&m.fifos); ok {
		return f
	}
	return &fifo{keys: make(map[uint32]*key)}
}

func (m *Memory) keepFIFO(f *fifo) {
	if f == nil {
		return
	}
	big := len(f.keys) > kept
	for _, k := range f.keys { // in any order: what is pooled is all the same
		m.keepKey(k)
	}
	if big {
		return
	}
	clear(f.keys)
	*f = fifo{keys: f.keys, resumed: f.resumed[:0], attempts: f.attempts[:0], touched: f.touched[:0]}
	keep(&m.fifos, f)
}

func (m *Memory) chunk() *chunk {
	if c, ok := take(&m.chunks); ok {
		return c
	}
	return new(chunk)
}

func (m *Memory) keepChunk(c *chunk) {
	m.keepSlots(c.slots)
	*c = chunk{}
	keep(&m.chunks, c)
}

// room returns room for at least n slots, none of them in use.
func (m *Memory) room(n int) []slot {
	class := bits.Len(uint(n - 1))
	if s, ok := take(&m.slots[class]); ok {
		return s[:0]
	}
	return make([]slot, 0, 1<<class)
}

func (m *Memory) keepSlots(s []slot) {
	if n := cap(s); n > 0 {
		keep(&m.slots[bits.Len(uint(n-1))], s)
	}
}

func (m *Memory) key() *key {
	if k, ok := take(&m.keys); ok {
		return k
	}
	return new(key)
}

func (m *Memory) keepKey(k *key) {
	if cap(k.list) > keptKeys {
		return
	}
	*k = key{list: k.list[:0]}
	keep(&m.keys, k)
}
