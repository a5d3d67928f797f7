package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// levels are RocketMQ's delay levels, in ms.
var levels = []int64{1000, 5000, 10_000, 30_000, 60_000, 120_000, 180_000, 240_000, 300_000, 360_000, 420_000, 480_000, 540_000, 600_000, 1200_000, 1800_000, 3600_000, 7200_000}

// postpone makes a message a delayed one.
func (w *world) postpone(s *sending) {
	m := s.m
	ms := pick[int64](w.rng, 1, 5, 50, 300, 1000, 5000, 5000, 60_000, 3600_000, 24*3600_000, 10*24*3600_000)
	text := strings.TrimSuffix(m.properties, "\x02") + "\x02"
	switch w.rng.IntN(4) {
	case 0:
		level := 1 + w.rng.IntN(20)
		m.delay = levels[min(level, len(levels))-1]
		text += fmt.Sprintf("DELAY\x01%d\x02", level)
	case 1:
		m.due = w.wall + w.now + ms
		text += fmt.Sprintf("TIMER_DELIVER_MS\x01%d\x02", m.due)
	default:
		m.delay = ms
		text += fmt.Sprintf("TIMER_DELAY_MS\x01%d\x02", ms)
	}
	m.delayed = true
	s.msg.Properties = []byte(text)
}

func (w *world) stepSendDelayed() {
	s := w.drawMessage()
	w.postpone(s)
	w.send(false, s)
}

func (w *world) stepBatchDelayed() {
	var all []*sending
	for range 2 + w.rng.IntN(20) {
		s := w.drawMessage()
		if w.rng.IntN(4) > 0 {
			w.postpone(s)
		}
		if len(s.msg.Body) < 100_000 {
			all = append(all, s)
		}
	}
	if len(all) > 0 {
		w.send(false, all...)
	}
}

// acceptDelayed judges the answer to a delayed message.
func (o *oracle) acceptDelayed(s *sending, r *shard.SendResult) (synced bool) {
	w, m := o.w, s.m
	w.check(m.delayed, "answer", "message %d asks for no delay, and waits until %d", m.id, r.DeliverAt)
	w.check(m.due == 0 || r.DeliverAt == m.due, "answer", "message %d waits until %d, not %d", m.id, r.DeliverAt, m.due)
	w.check(w.clock || m.delay == 0 || r.DeliverAt >= m.born+m.delay && r.DeliverAt <= w.wall+w.now+m.delay, "answer",
		"message %d waits until %d; it was sent at %d for %d ms", m.id, r.DeliverAt, m.born, m.delay)
	m.outcome, m.due, m.unique = acked, r.DeliverAt, string(r.UniqueKey)
	t := o.topics[m.topic]
	level := s.msg.Durability
	if level == model.DurabilityDefault && t != nil {
		level = t.level
	}
	f, ok := w.frameOf(int64(r.Address))
	w.check(ok, "L7", "message %d is acknowledged before its frame at LSN %d was written", m.id, r.Address)
	if level == model.Synced {
		w.check(f.end <= w.disk.book.durable(), "L7", "message %d is acknowledged before its sync", m.id)
	}
	if !m.placed() && !m.lost {
		m.home = int64(r.Address)
	}
	w.check(m.lost || m.expired || m.home == int64(r.Address) || m.lsn == int64(r.Address), "answer", "message %d is at %d, not %d", m.id, m.home, r.Address)
	sometimes("delay.stored")
	return false
}

// stepRecall takes a message back that was delayed: one that waits, or any.
func (w *world) stepRecall() {
	var all []*message
	for _, id := range w.oracle.ids() {
		m := w.oracle.messages[id]
		if m.unique != "" && m.due != 0 && !m.prepared && (m.home != 0 || w.rng.IntN(8) == 0) && w.oracle.topics[m.topic] != nil {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return
	}
	m := all[w.rng.IntN(len(all))]
	key := m.unique
	if w.rng.IntN(8) == 0 {
		key += "x"
	}
	c := w.anyClient()
	m.recalls++
	answered := w.begin(&call{what: "recall", client: c, unknown: func() { m.recalls-- }})
	c.conn.Recall(shard.Recall{Topic: m.topic, DeliverAt: m.due, UniqueKey: key}, func(err error) {
		if answered() {
			m.recalls--
			w.oracle.recallAnswered(m, key, err)
		}
	})
	c.submit()
}

// recallAnswered: T2, what was taken back is, durably; what was not does not wait.
func (o *oracle) recallAnswered(m *message, key string, err error) {
	w := o.w
	if err != nil {
		code, _ := w.refusal(err)
		w.note("recall failed", uint64(code))
		if w.excused(code) || code == model.Internal && w.io && !w.quiet || code == model.TopicNotFound && o.topics[m.topic] == nil {
			return
		}
		w.check(code == model.MessageNotFound, "V1", "a recall fails: %v", err)
		// The frame that ends its wait may just be under way.
		ended := m.home == 0 || m.recalls > 0 || m.due <= w.wall+w.now
		w.check(key != m.unique || ended, "T2", "message %d waits, and a recall does not find it", m.id)
		sometimes("delay.recall_late")
		return
	}
	w.check(key == m.unique, "T2", "a recall with a wrong key takes message %d back", m.id)
	taken := false
	for id, lsn := range w.waits.cancelled {
		v := slices.IndexFunc(w.waits.events, func(v waitEvent) bool { return v.id == id && v.number == m.id })
		taken = taken || v >= 0 && o.durable(lsn)
	}
	w.check(taken, "T2", "message %d is said to be taken back, and the log does not say so", m.id)
	m.recalled, m.home, m.lost = true, 0, true
	sometimes("delay.recalled")
}

// stepLook looks a message up by its address. L16: it is there as long as its
// queue has it, whatever became of the segment that it was stored in.
func (w *world) stepLook() {
	var all []*message
	for _, id := range w.oracle.ids() {
		if m := w.oracle.messages[id]; m.seen && m.placed() && !m.lost && !m.expired && (m.delayed || w.rng.IntN(8) == 0) {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return
	}
	m := all[w.rng.IntN(len(all))]
	c := w.anyClient()
	answered := w.begin(&call{what: "look-up", client: c})
	c.conn.Lookup(model.Address(m.lsn), func(r *shard.Records, err error) {
		if answered() {
			w.oracle.lookAnswered(m, r, err)
		}
		if r != nil {
			r.Release()
		}
	})
	c.submit()
}

func (o *oracle) lookAnswered(m *message, r *shard.Records, err error) {
	w := o.w
	if err != nil {
		code, _ := w.refusal(err)
		// Retention may have taken it meanwhile, or just now, while it was read.
		may := m.lost || m.expired || w.mayGo(m) || o.topics[m.topic] == nil || o.doomed[m.topic] != nil
		w.check(w.excused(code) || code == model.MessageNotFound && may || code == model.Internal && (may || w.io && !w.quiet), "L16",
			"message %d at LSN %d, offset %d of %v, delayed %v, published by %d, stored at %d, is not found: %v", m.id, m.lsn, m.offset, m.queue, m.delayed, m.proof, m.stored-epoch, err)
		return
	}
	all, err := receive(r.Bytes())
	w.check(err == nil && len(all) == 1, "L16", "%d messages at LSN %d: %v", len(all), m.lsn, err)
	got := o.checkMessage(&all[0], m.queue)
	w.check(got == m, "L16", "message %d lies where message %d was", got.id, m.id)
	sometimes("look.found")
	if m.delayed && m.lsn < int64(w.proc.log.Start()) {
		sometimes("look.relocated")
	}
}

// mayGo tells whether retention may take a message.
func (w *world) mayGo(m *message) bool {
	return w.retention.Bytes > 0 || w.latestWall()-m.stored > w.retention.Age.Milliseconds()
}
