package sim

import (
	"fmt"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

func codeOf(err error) model.Code { return model.CodeOf(err) }

// longestLease is more than any lease of a run lasts, in ms.
const longestLease = 65_000

// drainPops: D1, at the end every group is given what it is owed, acknowledges it,
// and nothing is left.
func (w *world) drainPops() {
	for _, c := range w.clients {
		c.die()
	}
	w.advance(w.patience())
	for _, g := range w.oracle.pops.groups {
		w.revive()
		w.enable(g)
		for _, name := range slices.Clone(w.oracle.order) {
			if t := w.oracle.topics[name]; t != nil {
				w.drainShare(g.share(t))
			}
		}
		w.readDead(g, 0)
		w.drain()
	}
	for _, g := range w.oracle.pops.groups {
		w.oracle.checkDrained(g)
	}
}

// enable has the group get messages.
func (w *world) enable(g *popGroup) {
	config := g.configs[len(g.configs)-1].GroupConfig
	if config.Disabled = false; g.mayBeDisabled(w.now) {
		w.putGroup(g, config)
		w.drain()
	}
}

// drainShare receives and acknowledges until nothing comes, also after all leases are over.
func (w *world) drainShare(s *share) {
	for idle := 0; idle < 2; {
		r := &receiveCall{share: s, num: -1, max: 200, lease: 60_000, gone: never}
		w.oracle.pops.drained = nil
		w.sendReceive(r)
		w.drain()
		got := w.oracle.pops.drained
		if len(got) == 0 {
			for _, k := range s.sorted() {
				k.drained = r.mustSee[k.queue.id.num] // delayed messages may still come
			}
			w.advance(longestLease)
			idle++
			continue
		}
		idle = 0
		var entries []*settling
		for _, h := range got {
			entries = append(entries, &settling{h: h, receipt: h.last, do: shard.Ack})
		}
		w.sendSettle(s, entries)
		w.drain()
	}
}

// checkDrained judges what is left.
func (o *oracle) checkDrained(g *popGroup) {
	w := o.w
	for _, s := range g.order {
		if o.topics[s.topic.name] != s.topic {
			continue
		}
		for _, k := range s.sorted() {
			k.queue.each(max(k.queue.min, k.from), k.drained, func(m *message) bool {
				if !m.lost && !m.expired && !w.mayForget(m) {
					o.checkDone(k, m)
				}
				return true
			})
		}
	}
	if !w.lettersKept() {
		return
	}
	for id, l := range g.letters {
		w.check(len(l.seen) >= l.owed, "D1", "message %d died %d times by hand, and %d letters tell of it", id, l.owed, len(l.seen))
	}
}

func (o *oracle) checkDone(k *popCursor, m *message) {
	w, h := o.w, k.holds[m.offset]
	name := k.share.group.name
	if h == nil || h.first == 0 && !h.blur {
		w.check(!k.owes(m), "D1", "message %d at offset %d of %v was never delivered to %s", m.id, m.offset, m.queue, name)
		return
	}
	if h.done == yes || h.blur || h.mayBePassed(w) {
		return
	}
	if h.mayBeDead(w) && h.owesLetter && !k.share.group.rejects(m) && w.lettersKept() && len(k.share.group.letter(m).seen) == 0 && h.ghosts == k.ghosts && !h.rewound {
		w.fail("D1", "message %d at offset %d of %v is out of attempts (%d) for %s, and in no dead letter", m.id, m.offset, m.queue, h.attempt, name)
	}
	w.check(h.done == maybe, "D1", "message %d at offset %d of %v was delivered to %s %d times, and does not come again: %s", m.id, m.offset, m.queue, name, h.attempt, fmt.Sprintf("%+v", h.last))
	sometimes("pop.drained_in_doubt")
}
