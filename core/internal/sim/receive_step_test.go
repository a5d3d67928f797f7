package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// receiveCall is a receive on its way.
type receiveCall struct {
	share   *share
	life    int   // of the group
	num     int32 // the queue; below 0: all
	max     int
	lease   int64
	wait    int64
	renew   bool
	tags    []string
	attempt *attempt // nil: it has no attempt id
	again   bool     // it repeats that attempt
	conn    *shard.Client
	cancel  func()

	decided   bool            // the loop has seen it
	decidedAt int64           // when that was known
	gone      int64           // since when its caller has gone; never: he has not
	refused   bool            // the engine was told so
	deleted   bool            // its topic or its group is
	alone     bool            // no other call was under way in its share when it began
	version   int             // of the share then
	mustSee   map[int32]int64 // what was visible when it began
}

// attempt is a call that may be repeated, and what it was given.
type attempt struct {
	id      string
	num     int32
	tags    []string
	seen    int64
	open    bool // a call of that id is under way
	dirty   bool // something may have happened to what it was given
	given   []*hold
	popTime []int64 // of each
	changed int64
	life    int // of the process
}

// wants tells whether a message with that tag passes the filter.
func (r *receiveCall) wants(tag string) bool {
	return r.tags == nil || tag != "" && slices.Contains(r.tags, tag)
}

// looksAt tells whether the call is about that queue.
func (r *receiveCall) looksAt(num int32) bool { return r.num < 0 || r.num == num }

// drawShare draws a group and a topic.
func (w *world) drawShare() *share {
	if len(w.oracle.pops.groups) == 0 || len(w.oracle.order) == 0 {
		return nil
	}
	g := w.oracle.pops.groups[w.rng.IntN(len(w.oracle.pops.groups))]
	if g.busy {
		return nil
	}
	return g.share(w.drawTopic())
}

func (w *world) stepReceive() { w.receive(0) }

func (w *world) stepReceiveWait() {
	w.receive(pick[int64](w.rng, 1, 20, 200, 2000, 20_000))
}

func (w *world) receive(wait int64) {
	s := w.drawShare()
	if s == nil {
		return
	}
	r := &receiveCall{
		share: s, num: -1, max: pick(w.rng, 1, 1, 2, 5, 32, 200), wait: wait, gone: never,
		lease: pick(w.rng, w.leases...), renew: w.owners && w.rng.IntN(3) == 0,
		tags: pick(w.rng, w.popTags()...),
	}
	if w.rng.IntN(4) == 0 {
		r.num = w.drawQueue(s.topic)
	}
	if w.rng.IntN(3) == 0 {
		r.attempt = &attempt{id: fmt.Sprint("attempt ", w.step), num: r.num, tags: r.tags}
	}
	w.sendReceive(r)
}

func (w *world) popTags() [][]string { return w.popSwarm.tags }

// stepReceiveAgain repeats a call, as one does that has lost the answer.
func (w *world) stepReceiveAgain() {
	s := w.drawShare()
	if s == nil || len(s.attempts) == 0 {
		return
	}
	a := s.attempts[len(s.attempts)-1-w.rng.IntN(min(4, len(s.attempts)))]
	if a.open {
		return
	}
	w.sendReceive(&receiveCall{
		share: s, num: a.num, max: 200, wait: pick[int64](w.rng, 0, 0, 100), gone: never,
		lease: pick(w.rng, w.leases...), tags: a.tags, attempt: a, again: true,
	})
}

func (w *world) sendReceive(r *receiveCall) {
	c, s := w.anyClient(), r.share
	r.conn, r.life, r.version = c.conn, s.group.life, s.version
	// A reader may still look at a queue for a call that was answered from another one.
	r.alone = !w.busyShare(s) && w.now-s.answered > 2*(w.readMax+w.stepMax+1)
	if r.attempt != nil {
		r.attempt.open = true
	}
	r.mustSee = map[int32]int64{}
	for num := range w.oracle.queuesOf(s.topic) {
		r.mustSee[num] = w.oracle.visibleEnd(w.oracle.queue(queueID{s.topic.name, num}))
	}
	w.oracle.receiving(r)
	ask := shard.Receive{
		Group: s.group.name, Queue: model.Queue{Topic: s.topic.id, Num: r.num}, Max: r.max,
		Invisible: time.Duration(r.lease) * time.Millisecond, Renew: r.renew, Wait: time.Duration(r.wait) * time.Millisecond,
		Filter: r.filter(w.step),
		Alive: func() bool {
			r.refused = r.refused || r.gone != never
			return r.gone == never
		},
	}
	if r.attempt != nil {
		ask.AttemptID = r.attempt.id
	}
	call := &call{what: "receive", client: c, waits: r.wait > 0, by: w.now + r.wait, receive: r}
	call.unknown = func() { w.oracle.receiveUnknown(r) }
	answered := w.begin(call)
	r.cancel = c.conn.Receive(ask, func(got *shard.Records, err error) {
		if answered() {
			w.oracle.received(call, got, err)
		}
		if got != nil {
			got.Release()
		}
	})
	c.submit()
	w.settle(func() { r.decided, r.decidedAt = true, w.now })
}

// busyShare tells whether calls are under way that get, or settle, messages of a share.
func (w *world) busyShare(s *share) bool {
	return slices.ContainsFunc(w.calls, func(c *call) bool {
		return c.receive != nil && c.receive.share == s || c.settles != nil && slices.Contains(c.settles, s) || c.share == s
	})
}

// filter compiles the tags, by tag or by the property that holds it.
func (r *receiveCall) filter(step int) *filter.Filter {
	if r.tags == nil {
		return nil
	}
	kind, text := "TAG", ""
	if step%4 == 0 {
		kind = "SQL92"
	}
	for i, tag := range r.tags {
		switch {
		case kind == "TAG" && i > 0:
			text += " || " + tag
		case kind == "TAG":
			text = tag
		case i > 0:
			text += " OR TAGS = '" + tag + "'"
		default:
			text = "TAGS = '" + tag + "'"
		}
	}
	f, err := filter.Parse(kind, text)
	if err != nil {
		panic(err)
	}
	return f
}

// stepGone: the caller of a receive that waits goes away, and the server has not
// noticed.
func (w *world) stepGone() {
	var all []*receiveCall
	for _, c := range w.calls {
		if c.receive != nil && c.waits && c.receive.gone == never {
			all = append(all, c.receive)
		}
	}
	if len(all) > 0 {
		all[w.rng.IntN(len(all))].gone = w.now
	}
}
