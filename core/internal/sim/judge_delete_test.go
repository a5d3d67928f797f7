package sim

import "slices"

// takeOut takes a topic that is being deleted out of what steps may draw.
func (o *oracle) takeOut(t *topic) {
	delete(o.topics, t.name)
	o.order = slices.DeleteFunc(o.order, func(name string) bool { return name == t.name })
	o.doomed[t.name] = t
}

// putBack: it was not deleted.
func (o *oracle) putBack(t *topic) {
	delete(o.doomed, t.name)
	o.topics[t.name] = t
	o.order = append(o.order, t.name)
}

// deleted: L14, nothing of the topic comes back. L15: made anew it has another id,
// and its queues go on where they ended. Every group's offsets in it are gone.
func (o *oracle) deleted(t *topic) {
	sometimes("topic.deleted")
	delete(o.doomed, t.name)
	o.dead[t.id] = true
	for id, q := range o.queues {
		if id.topic != t.name {
			continue
		}
		for _, m := range q.at {
			m.lost, m.gone = true, o.w.now
		}
		q.gaps, q.maybe, q.skipped = nil, nil, nil
		q.min = max(q.min, q.top)
		q.shown = max(q.shown, q.top)
	}
	for _, k := range o.cursorOrder {
		if k.id.queue.topic == t.name {
			k.become([]position{{}}, true, 1) // synced before it was answered
		}
	}
}

// inspectDoomed judges, after a start, the deletions without an answer.
func (o *oracle) inspectDoomed() {
	var doomed []*topic
	for _, t := range o.doomed {
		doomed = append(doomed, t)
	}
	slices.SortFunc(doomed, func(a, b *topic) int { return int(a.id) - int(b.id) })
	for _, t := range doomed {
		if info, ok := o.w.proc.shard.Topic(t.name); ok && info.ID == t.id {
			o.putBack(t)
			continue
		}
		o.deleted(t)
	}
}
