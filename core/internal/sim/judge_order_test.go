package sim

import (
	"github.com/gantrymq/gantry/core/internal/model"
)

// ordered tells whether the group gets the topic's messages in order: whether it must
// have been so ever since, and whether it may have been at any time since.
func (s *share) ordered(since int64) (must, may bool) {
	must = true
	for i := range s.group.configs {
		c := &s.group.configs[i]
		if c.until < since {
			continue
		}
		fifo, plain := s.topic.kinds(since)
		switch c.Order {
		case model.OrderFIFO:
			may = true
		case model.OrderNone:
			must = false
		default:
			must = must && !plain
			may = may || fifo
		}
	}
	return must, may
}

// kinds tells whether the topic may have been one for ordered messages, and
// whether it may not have been, at any time since.
func (t *topic) kinds(since int64) (fifo, plain bool) {
	for i := range t.configs {
		is := t.configs[i].Kind() == model.KindFIFO
		fifo, plain = fifo || is, plain || !is
	}
	return fifo || t.wasFIFO >= since && t.wasFIFO > 0, plain || t.wasPlain >= since && t.wasPlain > 0
}

// noteKinds is to be called before settings are taken out of those that a topic may have.
func (t *topic) noteKinds(now int64) {
	if fifo, plain := t.kinds(never); true {
		if fifo {
			t.wasFIFO = now
		}
		if plain {
			t.wasPlain = now
		}
	}
}

// before calls fn with the messages of a message's group that lie before it and that
// the group of consumers may have to finish first, until it says false. h is nil for
// one that was never seen delivered.
func (k *popCursor) before(m *message, fn func(p *message, h *hold) bool) {
	k.queue.each(max(k.low, k.queue.min, k.from), m.offset, func(p *message) bool {
		return p.key != m.key || p.lost || p.expired || fn(p, k.holds[p.offset])
	})
}

// checkOrder: D5, in an ordered group nothing of a message group is delivered while
// an earlier message of it is not done with, unless both come together, in order.
func (o *oracle) checkOrder(c *call, h *hold, popTime int64) {
	w, k := o.w, h.cursor
	if must, _ := k.share.ordered(c.at); !must || h.loose {
		return
	}
	k.before(h.m, func(p *message, b *hold) bool {
		if w.mayForget(p) {
			return true
		}
		if b == nil || b.first == 0 && !b.blur {
			w.check(!k.owes(p), "D5", "message %d is delivered before message %d of %q, which never was", h.m.id, p.id, p.key)
			return true
		}
		if b.done != no || b.blur || b.pending > 0 || b.loose || b.mayBeDead(w) || b.mayBePassed(w) {
			return true
		}
		w.check(b.last.PopTime == popTime, "D5", "message %d is delivered before message %d of %q is done with", h.m.id, p.id, p.key)
		return true
	})
}

// recall: a message of a message group is delivered again, so those behind it are
// not done with, nor held.
func (h *hold) recall(w *world, c *call) {
	must, _ := h.cursor.share.ordered(c.at)
	for _, b := range h.cursor.holds {
		related := b.m.key == h.m.key || h.unnamed() && b.unnamed()
		if b.m.offset <= h.m.offset || !related || b.done == yes || b.last.PopTime == h.last.PopTime {
			continue
		}
		if !must || b.loose || h.loose {
			b.fog()
			continue
		}
		if b.behind {
			b.behind, b.done = false, maybe
		}
		b.freedBy = min(b.freedBy, w.now)
		b.changed = w.end()
		b.changes()
	}
}

// acked notes that a message was acknowledged: it is done with, or waits for those
// before it.
func (h *hold) acked(w *world, since int64) {
	h.owner, h.owesLetter = nil, false
	h.changes()
	if _, may := h.cursor.share.ordered(since); may {
		if h.waits() {
			sometimes("pop.provisional")
			h.behind, h.done = true, maybe
			return
		}
	}
	h.finish(w)
}

// unnamed tells whether the message has no message group, or had none when it was
// delivered, before the group was made an ordered one.
func (h *hold) unnamed() bool { return h.loose || h.m.key == "" }

// waits tells whether one of its message group before it may not be done with. In
// an ordered group what was never delivered, although a later one was, is.
func (h *hold) waits() (waits bool) {
	k := h.cursor
	for _, b := range k.holds {
		if h.unnamed() && b.loose && b.m.offset < h.m.offset && b.done != yes {
			return true
		}
	}
	k.before(h.m, func(p *message, b *hold) bool {
		if b == nil || b.first == 0 && !b.blur {
			waits = h.loose && !k.rejects(p)
		} else {
			waits = b.done != yes
		}
		return !waits
	})
	return waits
}

// finish: the message is done with, and so are those that waited for it alone.
func (h *hold) finish(w *world) {
	h.done, h.behind, h.blur = yes, false, false
	k := h.cursor
	for _, offset := range k.offsets() {
		b := k.holds[offset]
		if !b.behind || b.m.key != h.m.key || offset < h.m.offset {
			continue
		}
		if b.waits() {
			return
		}
		b.done, b.behind, b.changed = yes, false, max(b.changed, h.changed)
	}
}
