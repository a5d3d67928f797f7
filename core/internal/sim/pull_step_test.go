package sim

import (
	"slices"
	"time"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// pullCall is a pull on its way.
type pullCall struct {
	queue     *queue
	group     string
	offset    int64
	wait      int64
	max       int
	tags      []string // nil: all
	began     int64
	decided   bool // the loop has seen it
	cancel    func()
	deleted   bool  // its topic is
	mustSee   int64 // offsets below this were acknowledged before: not "nothing found"
	reset     bool  // the group's cursor may have a reset that no pull was told
	resetOnly bool  // it has one for certain
}

// wants tells whether a message with that tag passes the filter.
func (p *pullCall) wants(tag string) bool {
	return p.tags == nil || tag != "" && slices.Contains(p.tags, tag)
}

// hashed tells whether the index, which knows only hashes, lets the tag pass.
func (p *pullCall) hashed(tag string) bool {
	return p.wants(tag) || tag == "Aa" && slices.Contains(p.tags, "BB") || tag == "BB" && slices.Contains(p.tags, "Aa")
}

func (w *world) stepPull()     { w.pull(0) }
func (w *world) stepLongPoll() { w.pull(pick[int64](w.rng, 1, 20, 200, 5000, 30_000)) }

func (w *world) pull(wait int64) {
	t := w.drawTopic()
	q := w.oracle.queue(queueID{t.name, w.drawQueue(t)})
	p := &pullCall{queue: q, wait: wait, max: pick(w.rng, 0, 1, 5, 32), began: w.now, offset: w.drawOffset(q, wait > 0)}
	if w.rng.IntN(2) == 0 {
		p.tags = pick(w.rng, []string{"a"}, []string{"a", "b"}, []string{"Aa"}, []string{"nothing has this"})
	}
	if w.rng.IntN(3) == 0 {
		p.group = w.groupName(w.rng.IntN(w.groups))
	}
	w.sendPull(p, t)
}

// drawOffset draws where to read: the end for those who wait, else anywhere.
func (w *world) drawOffset(q *queue, atEnd bool) int64 {
	switch n := w.rng.IntN(10); {
	case atEnd && n < 8:
		return q.top
	case n < 3:
		return max(0, q.top-w.rng.Int64N(20))
	case n == 3:
		return q.top + w.rng.Int64N(3)
	case n == 4 && len(q.gaps) > 0:
		g := q.gaps[w.rng.IntN(len(q.gaps))]
		return g.from + w.rng.Int64N(g.to-g.from)
	case q.top > 0:
		return w.rng.Int64N(q.top + 1)
	}
	return 0
}

func (w *world) sendPull(p *pullCall, t *topic) {
	c := w.anyClient()
	if p.group != "" {
		if k := w.oracle.cursor(p.group, p.queue.id); !k.mayPull(w) {
			p.group = ""
		} else {
			p.reset, p.resetOnly = k.resets()
			k.pulls++
		}
	}
	p.mustSee = w.oracle.visibleEnd(p.queue)
	pull := shard.Pull{
		Queue: model.Queue{Topic: t.id, Num: p.queue.id.num}, Group: p.group, Offset: model.Offset(p.offset),
		MaxMessages: p.max, Wait: time.Duration(p.wait) * time.Millisecond, Filter: p.filter(),
	}
	call := &call{what: "pull", client: c, waits: p.wait > 0, by: w.now + p.wait, pull: p}
	call.unknown = func() { w.oracle.pullEnded(p) }
	answered := w.begin(call)
	p.cancel = c.conn.Pull(pull, func(r *shard.Records, err error) {
		if answered() {
			w.oracle.pullEnded(p)
			w.oracle.pulled(call, r, err)
		}
		if r != nil {
			r.Release()
		}
	})
	c.submit()
	w.after(w.stepMax+1, func() { p.decided = true })
}

// filter compiles the tags. Every pull has a filter: without one, a group's
// subscription would decide.
func (p *pullCall) filter() *filter.Filter {
	expression := "*"
	for i, tag := range p.tags {
		if expression += " || " + tag; i == 0 {
			expression = tag
		}
	}
	f, err := filter.Parse("TAG", expression)
	if err != nil {
		panic(err)
	}
	return f
}

// waiting returns the pulls that wait.
func (w *world) waiting() (list []*call) {
	for _, c := range w.calls {
		if c.waits && !c.ended {
			list = append(list, c)
		}
	}
	return list
}

func (w *world) stepCancel() {
	if list := w.waiting(); len(list) > 0 {
		c := list[w.rng.IntN(len(list))]
		c.ended = true
		sometimes("pull.cancelled")
		if c.receive != nil {
			c.receive.cancel()
		} else {
			c.pull.cancel()
		}
		w.proc.wake()
	}
}

func (w *world) stepClientDies() { w.clients[w.rng.IntN(len(w.clients))].die() }
