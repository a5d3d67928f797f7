package sim

import (
	"time"

	"github.com/gantrymq/gantry/core/internal/shard"
)

// settling is one entry of a settlement on its way.
type settling struct {
	h       *hold
	life    int // of the group
	receipt shard.Receipt
	do      shard.Do
	after   int64
	effect  bool // the receipt may be the current one
	alone   bool // nothing else was under way for the message
	done    certainty
	conn    *shard.Client // that renewed it
	freed   int64
}

func (w *world) stepAck() {
	n := pick(w.rng, 1, 1, 1, 3, 10, 40)
	w.settleSome(n, shard.Ack)
}

func (w *world) stepChange() { w.settleSome(pick(w.rng, 1, 1, 3), shard.Change) }
func (w *world) stepDead()   { w.settleSome(1, shard.Dead) }

// settleSome settles messages of a group: mostly by their last receipt, sometimes by
// an older one, or again.
func (w *world) settleSome(n int, do shard.Do) {
	s := w.drawShare()
	if s == nil || s.topic.id == 0 {
		return
	}
	var all []*hold
	for _, k := range s.sorted() {
		for _, offset := range k.offsets() {
			if h := k.holds[offset]; h.first != 0 && (h.done != yes || w.rng.IntN(20) == 0) {
				all = append(all, h)
			}
		}
	}
	if len(all) == 0 {
		return
	}
	from := w.rng.IntN(len(all))
	if w.rng.IntN(2) == 0 {
		from = max(0, len(all)-n-w.rng.IntN(4))
	}
	var entries []*settling
	for i := from; i < len(all) && len(entries) < n; i++ {
		if w.rng.IntN(6) == 0 {
			continue // a hole
		}
		entries = append(entries, w.drawSettling(all[i], do))
	}
	if len(entries) > 0 {
		w.sendSettle(s, entries)
	}
}

func (w *world) drawSettling(h *hold, do shard.Do) *settling {
	e := &settling{h: h, receipt: h.last, do: do}
	if len(h.names) > 1 && w.rng.IntN(8) == 0 {
		e.receipt.PopTime = h.names[w.rng.IntN(len(h.names))] // a stale one, perhaps
	}
	if do == shard.Change {
		e.after = pick(w.rng, 0, 0, pick(w.rng, w.leases...), 60_000)
	}
	return e
}

func (w *world) sendSettle(s *share, entries []*settling) {
	c := w.anyClient()
	s.version++
	var ask []shard.Settlement
	for _, e := range entries {
		h := e.h
		e.life, e.done, e.conn, e.freed = s.group.life, h.done, h.owner, h.freedBy
		e.effect = e.receipt.PopTime == h.last.PopTime || h.blur
		e.alone = h.pending == 0
		h.pending++
		h.touched = true
		ask = append(ask, shard.Settlement{Receipt: e.receipt, Do: e.do, After: time.Duration(e.after) * time.Millisecond})
	}
	for i, e := range entries { // twice in one call: the first decides
		for _, earlier := range entries[:i] {
			if earlier.h == e.h {
				e.alone, earlier.alone = false, false
			}
		}
	}
	call := &call{what: "settle", client: c, settles: []*share{s}}
	call.unknown = func() { w.oracle.settleUnknown(entries) }
	answered := w.begin(call)
	c.conn.Settle(ask, func(done []shard.Settled) {
		if answered() {
			w.oracle.settled(call, entries, done)
		}
	})
	c.submit()
}
