package sim

import (
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// settleUnknown: the server died before the answer.
func (o *oracle) settleUnknown(entries []*settling) {
	for _, e := range entries {
		if e.life == e.h.cursor.share.group.life && e.effect {
			e.h.inDoubt(e.do)
		}
	}
}

// inDoubt: a settlement took place or not.
func (h *hold) inDoubt(do shard.Do) {
	if h.done != yes {
		h.fog()
	}
	if do == shard.Dead {
		h.cursor.share.group.letter(h.m).may++
	}
}

// settled judges the answer to a settlement, entry by entry.
func (o *oracle) settled(c *call, entries []*settling, done []shard.Settled) {
	w := o.w
	w.check(len(done) == len(entries), "answer", "%d results for %d settlements", len(done), len(entries))
	for i, e := range entries {
		s := e.h.cursor.share
		s.version++
		if e.h.pending > 0 {
			e.h.pending--
		}
		err := done[i].Err
		w.note("settled", uint64(e.do), uint64(e.h.m.id), uint64(e.receipt.PopTime), uint64(done[i].Receipt.PopTime), uint64(model.CodeOf(err)))
		if e.life != s.group.life || o.topics[s.topic.name] != s.topic {
			if code := model.CodeOf(err); code != model.InvalidReceipt && o.doomed[s.topic.name] == nil && !s.group.busy {
				w.check(err != nil && w.excused(code), "L14", "a receipt of a group or a topic that was deleted is answered with %v", err)
			}
			continue
		}
		if err != nil {
			o.settleRefused(c, e, err)
			continue
		}
		w.check(!w.disk.failed, "L9", "a settlement is acknowledged after a failed call")
		o.checkAccepted(c, e)
		switch e.do {
		case shard.Ack:
			o.ackAccepted(c, e)
		case shard.Change:
			o.changeAccepted(e, &done[i].Receipt)
		default:
			o.deadAccepted(e)
		}
	}
}

// checkAccepted: D2, D7, only the receipt of the last delivery settles anything, and
// only in its time (D12). To ack what is done with is no error in that time.
func (o *oracle) checkAccepted(c *call, e *settling) {
	w, h := o.w, e.h
	repeated := e.do == shard.Ack && (h.done != no || e.done != no || h.m.offset < h.cursor.from || !e.alone ||
		h.mayBeDead(w) || h.mayBePassed(w)) // then it is done with
	if !h.blur && h.cursor.ghosts == h.ghosts && !repeated {
		// A change may have been over, and an ack behind an earlier message undone, and the
		// message delivered again, before the answer.
		_, may := h.cursor.share.ordered(c.at)
		w.check(e.receipt.PopTime == h.last.PopTime || (e.do == shard.Change || may && e.do == shard.Ack) && e.effect, "D2", "message %d was delivered as %d, and a settlement as %d is accepted", h.m.id, h.last.PopTime, e.receipt.PopTime)
		w.check(e.freed == never || e.freed > c.at, "D2", "message %d was given back at %d ms, and a settlement at %d ms is accepted", h.m.id, e.freed, c.at)
	}
	if e.conn == nil || repeated && h.done == yes {
		w.check(!w.expired(&e.receipt, c.at), "D12", "message %d: a receipt that ends at %d is accepted at %d", h.m.id, deadlineOf(&e.receipt), w.proc.clock.surely(c.at))
	}
}

func (o *oracle) ackAccepted(c *call, e *settling) {
	w, h := o.w, e.h
	sometimes("pop.acked")
	if h.done == yes || e.done == yes {
		sometimes("pop.acked_again")
		return
	}
	if h.behind || h.m.offset < h.cursor.from || e.receipt.PopTime != h.last.PopTime {
		return
	}
	h.changed = w.end()
	if o.syncedAcks(h) {
		h.changed = 1
	}
	if h.blur && h.ghosts != h.cursor.ghosts { // it may have been done with, and be forgotten since
		return
	}
	if h.freedBy != never && (h.mayBeDead(w) || h.mayBePassed(w)) {
		return // it had come to its end when it was given back
	}
	h.acked(w, c.at)
}

// syncedAcks tells whether an ack waits for the disk, as sends of its topic do.
func (o *oracle) syncedAcks(h *hold) bool {
	return o.w.flush == model.Synced || h.cursor.share.topic.level == model.Synced
}

// changeAccepted: D7, the delivery has a new name and time; the old one is dead.
func (o *oracle) changeAccepted(e *settling, at *shard.Receipt) {
	w, h := o.w, e.h
	sometimes("pop.changed")
	w.check(at.PopTime > e.receipt.PopTime && at.Invisible == e.after && at.Offset == e.receipt.Offset && at.Attempt == e.receipt.Attempt, "D7",
		"message %d as %+v is changed by %d ms to %+v", h.m.id, e.receipt, e.after, *at)
	for _, name := range h.names {
		w.check(name != at.PopTime, "D10", "message %d is changed to %d, and was delivered as that", h.m.id, at.PopTime)
	}
	h.names = append(h.names, at.PopTime)
	if at.PopTime < h.last.PopTime || h.done == yes { // it was delivered since
		return
	}
	h.last, h.owner, h.changed = *at, nil, w.end()
	if o.syncedAcks(h) {
		h.changed = 1
	}
	h.changes()
	if h.freedBy = never; e.after == 0 {
		h.freedBy = w.now
	}
}

// deadAccepted: the message is done with, and in the dead letters.
func (o *oracle) deadAccepted(e *settling) {
	w, h := o.w, e.h
	sometimes("pop.killed")
	l := h.cursor.share.group.letter(h.m)
	l.may++
	if h.done != yes {
		l.owed++
		h.changed = w.end()
		if o.syncedAcks(h) {
			h.changed = 1
		}
		h.changes()
		h.finish(w)
	}
}

// settleRefused judges an error: D2, the receipt of the last delivery is good until
// its time is over.
func (o *oracle) settleRefused(c *call, e *settling, err error) {
	w, h := o.w, e.h
	code, definite := w.refusal(err)
	if code != model.InvalidReceipt {
		w.check(w.excused(code) || e.do == shard.Dead && code == model.Internal && w.io && !w.quiet, "V1", "%v fails: %v", c, err)
		if !definite && e.effect {
			h.inDoubt(e.do)
		}
		return
	}
	w.check(definite, "answer", "a stale receipt is refused indefinitely: %v", err)
	if e.receipt.PopTime != h.last.PopTime && h.last.Attempt > e.receipt.Attempt {
		sometimes("pop.stale_refused")
	}
	switch {
	case e.receipt.PopTime != h.last.PopTime, h.blur, h.freedBy != never, e.freed != never, !e.alone, h.slack() > 0, h.dying:
		return
	case e.conn == nil && w.mayExpire(&e.receipt, w.now), h.owner != e.conn:
		sometimes("pop.expired_refused")
		return
	case h.m.offset < h.cursor.from || h.m.expired:
		return
	case h.done != no && (e.do != shard.Ack || w.mayExpire(&e.receipt, w.now)):
		return
	}
	w.fail("D2", "message %d: its receipt %+v ends at %d, and is refused by %d: %v", h.m.id, e.receipt, deadlineOf(&e.receipt), w.proc.clock.perhaps(w.now), err)
}
