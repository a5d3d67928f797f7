package sim

import (
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// drawCursor draws a group and a queue whose cursor no other call is about to move.
func (w *world) drawCursor() (*cursor, *topic) {
	t := w.drawTopic()
	k := w.oracle.cursor(w.groupName(w.rng.IntN(w.groups)), queueID{t.name, w.drawQueue(t)})
	if k.moving {
		return nil, nil
	}
	return k, t
}

func (w *world) stepCommit() { w.commit(false) }
func (w *world) stepReset()  { w.commit(true) }

// commit moves a cursor, with an answer.
func (w *world) commit(reset bool) {
	k, t := w.drawCursor()
	if k == nil || k.pulls > 0 {
		return
	}
	c := w.anyClient()
	offset := w.drawOffset(w.oracle.queue(k.id.queue), false)
	k.moving = true
	answered := w.begin(&call{what: "commit", client: c, unknown: func() { k.perhaps(offset, reset) }})
	c.conn.Commit([]shard.CursorOffset{k.position(t, offset, reset)}, func(err error) {
		if answered() {
			w.note("committed", uint64(offset))
			w.oracle.committed(k, offset, reset, err)
		}
	})
	c.submit()
}

func (k *cursor) position(t *topic, offset int64, reset bool) shard.CursorOffset {
	return shard.CursorOffset{
		Group: k.id.group, Queue: model.Queue{Topic: t.id, Num: k.id.queue.num},
		Offset: model.Offset(offset), Reset: reset,
	}
}

// stepCommitOneWay moves a cursor without an answer.
func (w *world) stepCommitOneWay() {
	k, t := w.drawCursor()
	if k == nil || k.pulls > 0 || w.proc.failedAt != 0 {
		return
	}
	c := w.anyClient()
	offset := w.drawOffset(w.oracle.queue(k.id.queue), false)
	c.conn.Commit([]shard.CursorOffset{k.position(t, offset, false)}, nil)
	c.submit()
	before, began := k.now, w.now
	k.oneWay(offset)
	// Nothing else moves this cursor until the loop has taken it, or refused it.
	k.moving = true
	w.settle(func() {
		k.moving = false
		if w.now-began >= stallLimit || w.isFull() {
			k.become(union(k.now, before), false, 0)
		}
	})
}

// settle calls back once what was submitted so far is decided.
func (w *world) settle(do func()) {
	w.after(w.stepMax+1, func() {
		if w.proc.shard != nil && w.proc.shard.Stats().Stalled > 0 {
			w.settle(do)
			return
		}
		do()
	})
}

func (w *world) stepCommitted() {
	k, t := w.drawCursor()
	if k == nil {
		return
	}
	w.ask(t, shard.OffsetQuery{
		Queue: model.Queue{Topic: t.id, Num: k.id.queue.num}, Kind: shard.OffsetCommitted, Group: k.id.group,
	}, func() { k.asked++ }, func() { k.asked-- }, func(info shard.OffsetInfo) { w.oracle.checkCommitted(k, info) })
}

func (w *world) stepEnds() {
	t := w.drawTopic()
	q := w.oracle.queue(queueID{t.name, w.drawQueue(t)})
	mustSee := w.oracle.visibleEnd(q)
	w.ask(t, shard.OffsetQuery{Queue: model.Queue{Topic: t.id, Num: q.id.num}, Kind: shard.OffsetMax}, nil, nil, func(info shard.OffsetInfo) {
		w.check(info.Err == nil, "answer", "ends of %v: %+v", q.id, info)
		w.oracle.checkMin(q, int64(info.Min))
		w.oracle.checkMax(q, int64(info.Offset), mustSee)
		w.check(int64(info.Offset) >= q.ended, "L2", "queue %v ended at %d, now at %d", q.id, q.ended, info.Offset)
		q.ended = int64(info.Offset)
	})
}

// stepByTime asks for the first message of a time, or the last.
func (w *world) stepByTime() {
	t := w.drawTopic()
	q := w.oracle.queue(queueID{t.name, w.drawQueue(t)})
	at := w.wall + w.now - w.rng.Int64N(1000)
	if m := q.at[w.drawOffset(q, false)]; m != nil {
		at = m.stored + w.rng.Int64N(3) - 1
	}
	upper := w.rng.IntN(2) == 0
	mustSee := w.oracle.visibleEnd(q)
	query := shard.OffsetQuery{Queue: model.Queue{Topic: t.id, Num: q.id.num}, Kind: shard.OffsetByTime, Time: at, Upper: upper}
	w.ask(t, query, nil, nil, func(info shard.OffsetInfo) {
		w.check(info.Err == nil, "answer", "by time: %v", info.Err)
		w.oracle.checkMin(q, int64(info.Min))
		w.oracle.checkByTime(q, at, upper, int64(info.Offset), mustSee)
	})
}

// ask puts one offset query, and hands a successful answer to judge.
func (w *world) ask(t *topic, query shard.OffsetQuery, before, after func(), judge func(shard.OffsetInfo)) {
	c := w.anyClient()
	end := func() {
		if after != nil {
			after()
		}
	}
	if before != nil {
		before()
	}
	answered := w.begin(&call{what: "offsets", client: c, unknown: end})
	c.conn.Offsets([]shard.OffsetQuery{query}, func(infos []shard.OffsetInfo, err error) {
		if !answered() {
			return
		}
		end()
		if err != nil {
			code, _ := w.refusal(err)
			w.check(w.excused(code), "V1", "offsets fail: %v", err)
			return
		}
		w.note("offset", uint64(infos[0].Offset))
		judge(infos[0])
	})
	c.submit()
}
