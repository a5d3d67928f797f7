package sim

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// visibleEnd returns an offset below which everything is certainly visible.
func (o *oracle) visibleEnd(q *queue) int64 {
	left := q.maybe[:0]
	for _, m := range q.maybe {
		if o.w.settled(m) {
			q.shown = max(q.shown, m.offset+1)
			continue
		}
		left = append(left, m)
	}
	q.maybe = left
	return q.shown
}

// show notes that a message is visible, or is once it is durable.
func (o *oracle) show(m *message, certain bool) {
	q := o.queue(m.queue)
	if certain {
		q.shown = max(q.shown, m.offset+1)
		return
	}
	q.maybe = append(q.maybe, m)
}

// settled tells whether the engine has had time to notice that a message is durable.
func (w *world) settled(m *message) bool {
	return w.oracle.durable(m.place()) && w.proc.nextStep > w.now+w.stepMax
}

func (o *oracle) pullEnded(p *pullCall) {
	if p.group != "" {
		o.cursor(p.group, p.queue.id).pulls--
	}
}

// pulled judges the answer to a pull.
func (o *oracle) pulled(c *call, r *shard.Records, err error) {
	w, p := o.w, c.pull
	if err != nil {
		code, _ := w.refusal(err)
		w.note("pull failed", uint64(code))
		if p.deleted && code == model.TopicNotFound {
			sometimes("pull.topic_deleted")
			return
		}
		w.check(w.excused(code) || code == model.Internal && w.io && !w.quiet, "V1", "%v fails: %v", c, err)
		return
	}
	w.note("pulled", uint64(r.Status), uint64(r.Count), uint64(r.Next))
	o.checkEnds(p, r)
	if p.group != "" && o.tookReset(p, r) {
		return
	}
	switch r.Status {
	case shard.PullFound:
		if c.waits && p.offset >= p.mustSee {
			sometimes("pull.woken")
		}
		o.checkFound(p, r)
	case shard.PullNoMatch:
		sometimes("pull.no_match")
		o.checkSkipped(p, p.offset, int64(r.Next), nil)
		w.check(int64(r.Next) > p.offset, "pull", "no match from %d on, and next is %d", p.offset, r.Next)
	case shard.PullNotFound:
		o.checkNotFound(c, r)
	case shard.PullOffsetMoved:
		w.check(p.offset > int64(r.Max) && r.Next == r.Max || p.offset < int64(r.Min) && r.Next == r.Min, "pull",
			"offset %d moved to %d; min %d, max %d", p.offset, r.Next, r.Min, r.Max)
	}
}

// checkEnds judges what an answer says of the queue's ends. L2: the end never
// goes back. L1: what was visible before the question is below it.
func (o *oracle) checkEnds(p *pullCall, r *shard.Records) {
	o.checkMin(p.queue, int64(r.Min))
	o.checkMax(p.queue, int64(r.Max), p.mustSee)
}

func (o *oracle) checkMax(q *queue, end, mustSee int64) {
	o.w.check(end >= mustSee, "L1", "queue %v ends at %d, and what is below %d was visible before", q.id, end, mustSee)
	if m := q.at[end-1]; m != nil && o.levelOf(q.id.topic) == model.Synced {
		o.checkStored(m, model.Synced, "visible")
	}
}

// checkFound judges the messages of an answer: each is what was sent, in its
// place (L3), visible in its time (L7), and none is left out (L1, D8).
func (o *oracle) checkFound(p *pullCall, r *shard.Records) {
	w := o.w
	all, err := receive(r.Bytes())
	w.check(err == nil && len(all) == r.Count && len(all) > 0, "pull", "%d messages, %d announced: %v", len(all), r.Count, err)
	next := p.offset
	for i := range all {
		m := o.checkMessage(&all[i], p.queue.id)
		o.checkSkipped(p, next, m.offset, m)
		w.check(p.wants(m.tag), "D8", "message %d with tag %q passes the filter %v", m.id, m.tag, p.tags)
		next = m.offset + 1
	}
	w.check(p.max == 0 || len(all) <= p.max, "pull", "%d messages, at most %d were asked for", len(all), p.max)
	o.checkSkipped(p, next, int64(r.Next), nil)
}

// checkMessage finds out which message it is, and compares it with what was sent.
func (o *oracle) checkMessage(got *received, id queueID) *message {
	w := o.w
	number, _ := strconv.Atoi(got.property("n"))
	m := o.messages[number]
	w.check(m != nil, "L3", "a message that nobody sent: %q", got.properties)
	w.check(!m.recalled, "T2", "message %d was taken back, and is at offset %d of %v", m.id, got.offset, id)
	w.check(m.home == 0, "T2", "message %d waits, and is at offset %d of %v", m.id, got.offset, id)
	w.check(m.outcome != refused, "U1", "message %d was refused, and is at offset %d of %v", m.id, got.offset, id)
	same := bytes.Equal(got.body, m.body) && got.topic == m.topic && got.topic == id.topic && got.flag == m.flag &&
		got.born == m.born && got.queue == id.num && strings.HasPrefix(got.properties, m.properties) && (len(got.bornHost) == 20) == m.v6
	same = same && m.prepared == (got.sysFlag&0xC == 8) && (!m.prepared || got.prepared == got.address)
	w.check(same, "L3", "message %d is not what was sent", m.id)
	w.check(strings.Count(got.properties, "UNIQ_KEY\x01") == 1, "L3", "message %d has properties %q", m.id, got.properties)
	o.learn(m, id, got.offset, got.address, got.stored)
	o.checkStored(m, o.levelOf(id.topic), "visible")
	m.seen = true
	o.show(m, true)
	return m
}

// checkSkipped judges what an answer leaves out: offsets from one to another,
// before the message `before`. L2: without a filter only recorded gaps may be
// left out. L7: no message is visible before its predecessors.
func (o *oracle) checkSkipped(p *pullCall, from, to int64, before *message) {
	for at := from; at < to; at++ {
		if end := p.queue.gapAt(at); end > at {
			sometimes("pull.in_gap")
			at = min(end, to) - 1
			continue
		}
		m := p.queue.at[at]
		switch {
		case at < p.queue.min:
		case m == nil && p.tags == nil:
			o.w.fail("L2", "offset %d of %v is left out, and there is no gap", at, p.queue.id)
		case m == nil:
			// It has no answer yet. Which it is shows later.
			p.queue.skipped = append(p.queue.skipped, skip{at, p.tags})
		case m.expired:
		case m.lost && p.deleted:
		case m.lost:
			o.w.fail("L15", "offset %d of %v is in no gap, and its message %d was lost", at, p.queue.id, m.id)
		case p.wants(m.tag):
			o.w.fail("L1", "message %d at offset %d of %v is left out", m.id, at, p.queue.id)
		}
	}
}

// gapAt returns where the gap that an offset lies in ends; the offset if there is none.
func (q *queue) gapAt(offset int64) int64 {
	for _, g := range q.gaps {
		if g.from <= offset && offset < g.to {
			return g.to
		}
	}
	return offset
}

// checkNotFound judges that there was nothing, and that the pull waited for it.
func (o *oracle) checkNotFound(c *call, r *shard.Records) {
	w, p := o.w, c.pull
	w.check(int64(r.Next) == p.offset, "pull", "nothing at %d, and next is %d", p.offset, r.Next)
	w.check(p.offset >= p.mustSee, "L1", "nothing at %d of %v, and what is below %d was visible", p.offset, p.queue.id, p.mustSee)
	w.check(c.mustBy == 0, "V1", "%v ends with nothing, and a message for it was there", c)
	if !c.waits {
		return
	}
	early := w.now < c.at+p.wait && !c.ended && !w.proc.stopping
	w.check(!early, "V1", "%v ends %d ms before its time", c, c.at+p.wait-w.now)
	if w.now >= c.at+p.wait {
		sometimes("pull.timed_out")
	}
}

// skip is an offset that an answer left out before its message was known.
type skip struct {
	offset int64
	tags   []string
}

// checkSkips judges, now that a message is known, those who were not given it.
func (o *oracle) checkSkips(q *queue, m *message) {
	kept := q.skipped[:0]
	for _, s := range q.skipped {
		p := pullCall{tags: s.tags}
		if s.offset == m.offset {
			o.w.check(!p.wants(m.tag), "L1", "message %d at offset %d of %v was left out", m.id, m.offset, q.id)
			continue
		}
		kept = append(kept, s)
	}
	q.skipped = kept
}
