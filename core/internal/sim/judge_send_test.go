package sim

import (
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// maxUnit is the documented limit of what may be stored as one.
const maxUnit = 6 << 20

func (o *oracle) newUnit(all []*sending) {
	u := &unit{}
	for _, s := range all {
		u.messages = append(u.messages, s.m)
		s.m.unit = u
	}
	o.units = append(o.units, u)
}

// sendUnknown: the server died before the answer.
func (o *oracle) sendUnknown(all []*sending) {
	sometimes("send.unknown")
	for _, s := range all {
		if s.want == model.OK || s.m.unit != nil {
			s.m.outcome = unknown
		} else {
			s.m.outcome = refused
		}
	}
}

// sent judges the answer to a send. U1: what is refused leaves no trace.
func (o *oracle) sent(all []*sending, isUnit bool, results []shard.SendResult, err error) {
	w := o.w
	if err != nil {
		o.sendFailed(all, isUnit, err)
		return
	}
	w.note("sent", uint64(len(results)))
	w.check(len(results) == len(all), "answer", "%d results for %d messages", len(results), len(all))
	var stored []*sending
	synced := false // then all are: there is one answer
	for i, s := range all {
		r := &results[i]
		if r.Err != nil {
			o.refused(s, r.Err)
			continue
		}
		if synced = o.accepted(s, r) || synced; r.DeliverAt == 0 && !r.Prepared {
			stored = append(stored, s)
		}
	}
	o.shown(stored, synced)
	if isUnit {
		o.checkUnit(all[0].m.unit, len(stored))
		sometimes("unit.stored")
	}
	if len(stored) > 0 && len(stored) < len(all) {
		sometimes("batch.partly_refused")
	}
}

func (o *oracle) sendFailed(all []*sending, isUnit bool, err error) {
	w := o.w
	code, definite := w.refusal(err)
	w.note("send failed", uint64(code))
	if !w.excused(code) {
		w.check(isUnit && o.unitMustFail(all, code), "V1", "a send fails: %v", err)
		sometimes("unit.refused")
	}
	for _, s := range all {
		if s.m.outcome = unknown; definite {
			s.m.outcome = refused
		}
	}
}

func (o *oracle) unitMustFail(all []*sending, code model.Code) bool {
	size := 0
	for _, s := range all {
		if s.want == code {
			return true
		}
		size += len(s.msg.Body)
	}
	return code == model.TooLarge && size > maxUnit-len(all)*1024
}

func (o *oracle) refused(s *sending, err error) {
	code, definite := o.w.refusal(err)
	o.w.note("refused", uint64(code))
	if s.m.outcome = unknown; definite {
		s.m.outcome = refused
	}
	if o.w.excused(code) {
		return
	}
	o.w.check(definite, "U1", "a message is refused with an indefinite error: %v", err)
	o.w.check(s.want == code, "V1", "message %d is refused with %v, expected %v", s.m.id, err, s.want)
	sometimes("send.refused")
}

// accepted judges a message that the server says it has. L1, L7: the answer comes
// after the durability that it promises. L9: none comes after a failure.
func (o *oracle) accepted(s *sending, r *shard.SendResult) (synced bool) {
	w, m := o.w, s.m
	w.check(s.want == model.OK, "answer", "message %d is stored, expected %v", m.id, s.want)
	w.check(!w.disk.failed, "L9", "message %d is acknowledged after a failed call", m.id)
	w.check(len(r.UniqueKey) > 0, "answer", "message %d has no unique key", m.id)
	w.check(r.Prepared == m.prepared, "answer", "message %d is prepared: %v, the answer says %v", m.id, m.prepared, r.Prepared)
	if r.Prepared {
		o.learnTopic(s.msg.Topic)
		o.acceptPrepared(s, r)
		return false
	}
	if r.DeliverAt != 0 {
		o.learnTopic(s.msg.Topic)
		return o.acceptDelayed(s, r)
	}
	m.delayed = false // it was due at once
	fresh := o.topics[s.msg.Topic] == nil
	t := o.learnTopic(s.msg.Topic)
	w.check(r.Queue.Topic == t.id, "answer", "message %d is in topic id %d, not %d", m.id, r.Queue.Topic, t.id)
	w.check(s.msg.Queue < 0 || s.msg.Queue == r.Queue.Num, "answer", "message %d is in queue %d, not %d", m.id, r.Queue.Num, s.msg.Queue)
	o.learn(m, queueID{t.name, r.Queue.Num}, int64(r.Offset), int64(r.Address), r.StoreTime)
	m.outcome = acked
	level := s.msg.Durability
	if level == model.DurabilityDefault {
		level = t.level
	}
	if fresh {
		level = model.Synced
	}
	o.checkStored(m, level, "acknowledged")
	w.note("acked", uint64(m.id), uint64(m.offset), uint64(m.lsn))
	if level == model.Written && t.level == model.Synced {
		sometimes("written_on_synced")
	}
	return level == model.Synced
}

// shown notes which messages of an answer are visible. What is synced is, with
// all before it. What is only written may wait: for a predecessor that still waits
// for its sync, or for that of another message of its batch.
func (o *oracle) shown(stored []*sending, synced bool) {
	certain := synced || o.w.plain()
	ends := map[queueID]int64{}
	for _, s := range stored {
		end := max(o.queue(s.m.queue).shown, ends[s.m.queue])
		certain = certain && (synced || s.m.offset <= end)
		ends[s.m.queue] = s.m.offset + 1
	}
	for _, s := range stored {
		o.show(s.m, certain)
		if certain {
			o.awake(s.m)
		}
	}
}

// checkUnit: L6, all of a unit or nothing, and side by side in one queue.
func (o *oracle) checkUnit(u *unit, stored int) {
	w := o.w
	w.check(stored == 0 || stored == len(u.messages), "L6", "%d of %d messages of a unit are stored", stored, len(u.messages))
	if stored == 0 {
		return
	}
	first := u.messages[0]
	for i, m := range u.messages {
		w.check(m.queue == first.queue && m.offset == first.offset+int64(i), "L6",
			"message %d of a unit is at %v/%d, the first at %v/%d", i, m.queue, m.offset, first.queue, first.offset)
		a, _ := w.frameOf(m.lsn)
		b, _ := w.frameOf(first.lsn)
		w.check(a == b, "L6", "a unit lies in two frames, at %d and %d", a.lsn, b.lsn)
	}
}

// awake: V1, a pull that waits for a message that is visible now is answered.
func (o *oracle) awake(m *message) {
	w := o.w
	for _, c := range w.calls {
		if p := c.pull; p != nil && p.decided && p.queue.id == m.queue && p.offset <= m.offset && c.mustBy == 0 {
			if !p.wants(m.tag) {
				if c.waits && !p.hashed(m.tag) {
					sometimes("pull.reheld")
				}
				continue
			}
			// Readers take turns.
			c.mustBy = w.now + int64(len(w.calls)+2)*(w.readMax+w.stepMax+1)
		}
	}
}
