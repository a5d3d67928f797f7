package sim

import (
	"cmp"
	"math"
	"slices"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// inspect judges the whole state after a start, before anything else is asked.
func (o *oracle) inspect() {
	o.inspectTopics()
	for _, m := range o.messages {
		m.found = false
	}
	for _, name := range o.order {
		t := o.topics[name]
		for num := range o.queuesOf(t) {
			if !o.inspectQueue(t, num) {
				return // the process died meanwhile
			}
		}
	}
	o.inspectMessages()
	o.inspectUnits()
	for _, k := range o.cursorOrder {
		k.inspected()
	}
	o.cuts, o.deaths, o.kept = 0, 0, math.MaxInt64
}

// inspectTopics: L1, what was acknowledged is there, and has the settings that
// were asked for last, or later ones without an answer.
func (o *oracle) inspectTopics() {
	w := o.w
	o.inspectDoomed()
	for _, info := range w.proc.shard.Topics() {
		if !info.System && info.Name != shard.MaxChecksTopic && !model.IsGroupTopic(info.Name) {
			w.check(o.perhaps[info.Name], "U1", "topic %s is there, and whoever asked for it was refused", info.Name)
			o.learnTopic(info.Name)
		}
	}
	for _, name := range o.order {
		t := o.learnTopic(name)
		info, _ := w.proc.shard.Topic(name)
		i := slices.IndexFunc(t.configs, func(c model.TopicConfig) bool { return sameConfig(&c, &info.TopicConfig) })
		w.check(i >= 0, "L1", "topic %s has settings %+v, it may have %+v", name, info.TopicConfig, t.configs)
		t.noteKinds(w.now)
		t.configs = t.configs[i : i+1]
	}
}

func (o *oracle) queuesOf(t *topic) int32 { return t.configs[0].Queues() }

// inspectQueue reads a queue from its first offset to its end.
func (o *oracle) inspectQueue(t *topic, num int32) bool {
	w := o.w
	q := o.queue(queueID{t.name, num})
	gaps := q.gaps
	q.gaps = nil
	all, _ := filter.Parse("TAG", "*")
	for at := int64(0); ; {
		r, ok := w.readNow(shard.Pull{Queue: model.Queue{Topic: t.id, Num: num}, Offset: model.Offset(at), MaxMessages: 1000, MaxBytes: 8 << 20, Filter: all})
		if !ok {
			q.gaps = gaps
			return false
		}
		if at == 0 {
			o.inspectMin(q, int64(r.Min))
		}
		if r.Status == shard.PullFound {
			at = o.inspectFound(q, at, r)
		}
		if r.Status == shard.PullOffsetMoved && at < q.min {
			at = q.min
			r.Release()
			continue
		}
		if next := int64(r.Next); next > at && r.Status != shard.PullNotFound { // the rest of the range is empty
			q.gaps = append(q.gaps, span{at, next})
			at = next
		}
		done := at == int64(r.Max)
		r.Release()
		if done {
			o.inspectEnd(q, at, gaps)
			return true
		}
	}
}

func (o *oracle) inspectFound(q *queue, at int64, r *shard.Records) int64 {
	w := o.w
	all, err := receive(r.Bytes())
	w.check(err == nil && len(all) == r.Count, "pull", "%d messages, %d announced: %v", len(all), r.Count, err)
	for i := range all {
		if offset := all[i].offset; offset > at {
			q.gaps = append(q.gaps, span{at, offset})
		}
		m := o.checkMessage(&all[i], q.id)
		m.found = true
		at = m.offset + 1
	}
	return at
}

// inspectEnd: L2, gaps are for ever, and only a power cut makes new ones; the end
// never goes back.
func (o *oracle) inspectEnd(q *queue, end int64, before []span) {
	w := o.w
	q.gaps, before = above(joined(q.gaps), q.min), above(before, q.min)
	w.check(len(q.gaps) >= len(before) && slices.Equal(q.gaps[:len(before)], before) || o.cuts > 0, "L2",
		"queue %v had gaps %v and has %v", q.id, before, q.gaps)
	w.check(o.cuts > 0 || len(q.gaps) == len(before), "L2", "queue %v has a new gap without a power cut: %v", q.id, q.gaps)
	top := q.top
	for top > end && (q.at[top-1].fresh(w) || o.cuts > 0 && q.at[top-1].unseenDelayed()) {
		top--
	}
	w.check(end >= top && end >= q.ended, "L2", "queue %v ends at %d and had %d, %d", q.id, end, q.top, q.ended)
	q.top = max(q.top, end)
	q.floor, q.ended, q.shown = q.top, end, end
}

// joined joins gaps that touch each other: two power cuts with nothing between.
func joined(gaps []span) (all []span) {
	for _, g := range gaps {
		if n := len(all); n > 0 && all[n-1].to == g.from {
			all[n-1].to = g.to
			continue
		}
		all = append(all, g)
	}
	return all
}

// inspectMessages: L1, what is owed is there. What a power cut took is a suffix of
// the log. U2: what was unknown is known now. L4: the log is in order of time.
func (o *oracle) inspectMessages() {
	w := o.w
	var found []*message
	firstLost := int64(math.MaxInt64)
	for _, id := range o.ids() {
		m := o.messages[id]
		switch {
		case m.found:
			found = append(found, m)
			if m.outcome == unknown {
				sometimes("send.unknown_kept")
			}
			continue
		case m.fresh(w) || m.taken:
			continue
		case m.home != 0:
			sometimes("delay.survived")
			continue
		case m.delayed && !m.placed() && m.outcome == acked:
			w.check(o.cuts > 0 || m.lost || o.topics[m.topic] == nil, "L1", "message %d waited until %d, and is gone", m.id, m.due)
			m.lost = true
			continue
		case m.expired || m.lost || m.outcome == refused || m.outcome == absent:
			continue
		case m.owed || m.placed() && o.cuts == 0:
			w.fail("L1", "message %d at offset %d of %v, LSN %d, is gone (acknowledged: %v, seen: %v)", m.id, m.offset, m.queue, m.lsn, m.outcome == acked, m.seen)
		case m.placed():
			m.lost = true
			firstLost = min(firstLost, m.place())
			if m.outcome == acked {
				sometimes("cut.lost_acked")
			}
		default:
			m.outcome = absent
		}
	}
	slices.SortFunc(found, func(a, b *message) int { return cmp.Compare(a.place(), b.place()) })
	last := &message{}
	for _, m := range found {
		w.check(m.stored >= last.stored, "L4", "message %d was stored at %d, before message %d at %d", m.id, m.stored, last.id, last.stored)
		w.check(m.place() < firstLost || m.fresh(w), "L1", "message %d at LSN %d is there, and one at %d was lost: not a suffix", m.id, m.lsn, firstLost)
		last = m
	}
}

// inspectUnits: L6.
func (o *oracle) inspectUnits() {
	left := o.units[:0]
	for _, u := range o.units {
		stored := 0
		for _, m := range u.messages {
			if m.found {
				stored++
			}
		}
		o.checkUnit(u, stored)
		if stored > 0 {
			left = append(left, u)
		}
	}
	o.units = left
}

// readNow pulls while time stands still. ok is false if the process died.
func (w *world) readNow(pull shard.Pull) (r *shard.Records, ok bool) {
	p := w.proc
	p.inline = true
	defer func() { p.inline = false }()
	c := p.shard.Connect(shard.ClientInfo{})
	done := false
	c.Pull(pull, func(got *shard.Records, err error) {
		done, r = true, got
		w.check(err == nil || w.disk.hurt || w.disk.dead, "L1", "an inspection of %v fails: %v", pull.Queue, err)
	})
	c.Submit()
	for range 10 {
		if p.step(); done {
			break
		}
	}
	w.check(done, "V1", "an inspection of %v has no answer", pull.Queue)
	return r, r != nil
}
