package sim

// checkMin judges where a queue begins. It moves up when messages are forgotten,
// and never back. L10: none is before its retention has passed.
func (o *oracle) checkMin(q *queue, first int64) {
	if first <= q.min {
		return // an answer that was made a moment ago may say less
	}
	for at, m := range q.at {
		if at < q.min || at >= first || m.expired || m.lost {
			continue
		}
		o.checkExpired(m)
		m.expired, m.gone = true, o.w.now
		sometimes("message.expired")
	}
	q.min = first
	q.top, q.shown = max(q.top, first), max(q.shown, first)
}

func (o *oracle) checkExpired(m *message) {
	w, rule := o.w, o.w.retention
	if rule.Bytes > 0 {
		return // sizes are estimates
	}
	age := w.latestWall() - m.stored
	w.check(rule.Age > 0 && age > rule.Age.Milliseconds(), "L10", "message %d at offset %d of %v was forgotten after %d ms", m.id, m.offset, m.queue, age)
}

// latestWall is the latest that the wall clock has shown.
func (w *world) latestWall() int64 {
	w.wallMax = max(w.wallMax, w.wall+w.now)
	return w.wallMax
}

// inspectMin judges where a queue begins after a start. L14: what was forgotten
// stays so, unless a power cut took the news of it.
func (o *oracle) inspectMin(q *queue, first int64) {
	if first < q.min {
		o.w.check(o.cuts > 0, "L14", "queue %v began at %d and begins at %d", q.id, q.min, first)
		for at, m := range q.at {
			if at >= first {
				m.expired = false
			}
		}
		q.min = first
	}
	o.checkMin(q, first)
}

// above returns the parts of gaps from an offset on.
func above(gaps []span, from int64) (all []span) {
	for _, g := range gaps {
		if g.to > from {
			all = append(all, span{max(g.from, from), g.to})
		}
	}
	return all
}
