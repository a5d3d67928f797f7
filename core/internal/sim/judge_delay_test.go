package sim

import (
	"sort"
	"strconv"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// waits is what the log says of delayed messages, folded here anew from the frames
// that the world has seen: one that waits must be published once, in its time, or
// be taken back, or go with its topic.
type waits struct {
	w         *world
	events    []waitEvent // in the order of the log
	pending   map[int64]waitEvent
	published map[int64]waitEvent   // by the message's address, as all
	cancelled map[int64]int64       // LSN of the record
	checks    map[int64][]waitEvent // questions about a transaction
	late      int64                 // when something last happened that may delay a publication
}

// waitEvent is a record that concerns delayed messages.
type waitEvent struct {
	lsn       int64
	kind      record.Kind
	id        int64 // the message's address
	number    int   // that the sender gave it
	topic     model.TopicID
	queue     int32
	offset    int64
	deliverAt int64
	stored    int64

	check, discard bool  // of a Txn
	now            int64 // when this was written; 0: it was read by a start
	life           int
}

func newWaits(w *world) waits {
	x := waits{w: w}
	x.clear()
	return x
}

func (x *waits) clear() {
	x.pending, x.published, x.cancelled, x.checks = map[int64]waitEvent{}, map[int64]waitEvent{}, map[int64]int64{}, map[int64][]waitEvent{}
}

// frame takes in what a frame says.
func (x *waits) frame(lsn int64, payload []byte, count uint32) (fresh []waitEvent) {
	var d record.Decoder
	for range count {
		e, n, err := d.Decode(payload)
		x.w.check(err == nil, "L3", "the record at LSN %d: %v", lsn, err)
		v := waitEvent{lsn: lsn}
		switch r := e.(type) {
		case *record.Data:
			if r.DeliverAt != 0 {
				v.kind, v.id, v.topic, v.deliverAt = record.KindData, lsn, r.Topic, r.DeliverAt
				v.number, _ = strconv.Atoi(string(record.Property(r.Wire.Properties(), "n")))
			}
		case *record.Publish:
			v.kind, v.id, v.topic, v.deliverAt = record.KindPublish, int64(r.ID), r.Topic, r.DeliverAt
			v.queue, v.offset, v.stored = r.Queue, int64(r.Offset), r.StoreTime
		case *record.Timer:
			v.kind, v.id = record.KindTimer, int64(r.ID)
		case *record.Txn:
			v.kind, v.id, v.check, v.discard = record.KindTxn, int64(r.ID), r.Op == record.TxnCheck, r.Op == record.TxnDiscard
		case *record.Relocate:
			v.kind, v.id = record.KindRelocate, r.Wire.PhysicalOffset()
			sometimes("delay.relocated")
		case *record.TopicEnd:
			v.kind, v.topic = record.KindTopicEnd, r.ID
		}
		if v.kind != 0 {
			x.events = append(x.events, v)
			fresh = append(fresh, v)
		}
		lsn, payload = lsn+int64(n), payload[n:]
	}
	return fresh
}

// fold takes an event in. T2: a message that is published, copied or taken back
// waits.
func (x *waits) fold(v waitEvent) {
	first, waits := x.pending[v.id]
	if v.kind != record.KindData && v.kind != record.KindTopicEnd {
		x.w.check(waits, "T2", "record %#x at LSN %d is of the message %d, which does not wait", byte(v.kind), v.lsn, v.id)
	}
	switch v.kind {
	case record.KindData:
		x.pending[v.id] = v
	case record.KindPublish:
		v.number = first.number
		x.w.check(v.deliverAt == first.deliverAt && v.topic == first.topic && (v.stored >= v.deliverAt || v.deliverAt == model.Prepared), "T1",
			"message %d, for %d, is published as one for %d, at %d", v.number, first.deliverAt, v.deliverAt, v.stored)
		delete(x.pending, v.id)
		x.published[v.id] = v
	case record.KindTxn:
		if v.check {
			x.checked(v)
		} else {
			x.ended(v, first)
		}
	case record.KindTimer:
		delete(x.pending, v.id)
		x.cancelled[v.id] = v.lsn
		sent := x.w.oracle.messages[first.number]
		sent.home, sent.taken = 0, true
	case record.KindRelocate:
		if m := x.w.oracle.messages[first.number]; m != nil {
			m.moved = true
		}
	case record.KindTopicEnd:
		for id, m := range x.pending {
			if m.topic == v.topic {
				delete(x.pending, id)
				sent := x.w.oracle.messages[m.number]
				sent.home, sent.lost = 0, true
				sometimes("delay.topic_deleted")
			}
		}
	}
}

// appended is told of each frame that the shard writes. T1: nothing is published early.
func (x *waits) appended(lsn int64, payload []byte, count uint32) {
	w := x.w
	for _, v := range x.frame(lsn, payload, count) {
		v.now, v.life = w.now, w.lives
		x.fold(v)
		if v.kind == record.KindPublish {
			w.check(w.wall+w.now >= v.deliverAt || v.deliverAt == model.Prepared, "T1", "message %d is published %d ms early", v.id, v.deliverAt-w.wall-w.now)
			sometimes("delay.published")
			if w.oracle.deaths > 0 {
				sometimes("delay.published_by_a_start")
			}
			w.oracle.publishedAt(x.published[v.id])
			w.oracle.messages[x.published[v.id].number].life = w.lives
		}
	}
}

// fresh tells whether a message was published since the start, and so perhaps is
// not visible yet.
func (m *message) fresh(w *world) bool { return m != nil && m.proof != 0 && m.life == w.lives }

// unseenDelayed tells of a message that only the log's own records have placed: a
// power cut may take them, and the queue that its topic had just been given.
func (m *message) unseenDelayed() bool { return m != nil && m.delayed && !m.seen }

// cut forgets what lies at an LSN or behind, because the log is read from there.
func (x *waits) cut(from int64) {
	x.events = x.events[:sort.Search(len(x.events), func(i int) bool { return x.events[i].lsn >= from })]
}

// recovered folds the log anew, and puts the messages where it says.
func (x *waits) recovered() {
	x.clear()
	o := x.w.oracle
	for _, m := range o.messages {
		m.home, m.taken = 0, false
	}
	for _, v := range x.events {
		x.fold(v)
	}
	for _, m := range o.messages {
		if _, there := x.published[m.lsn]; m.proof != 0 && m.placed() && !there {
			o.unplace(m)
		}
	}
	for id, v := range x.pending {
		if m := o.messages[v.number]; m != nil {
			m.home, m.lost = id, false
		}
	}
	for _, v := range x.events {
		if v.kind == record.KindPublish {
			o.publishedAt(x.published[v.id])
		}
	}
	x.late = x.w.now
}

// publishedAt places a message where it was published.
func (o *oracle) publishedAt(v waitEvent) {
	m := o.messages[v.number]
	o.w.check(m != nil, "T2", "a message %d that nobody sent is published", v.number)
	o.w.check(!m.recalled, "T2", "message %d is published, and its recall was a success", m.id)
	if m.lost || m.expired {
		return // with its topic, or by its age
	}
	m.delayed, m.home = true, 0
	o.learn(m, queueID{m.topic, v.queue}, v.offset, v.id, v.stored)
	m.proof = v.lsn
	if o.topics[m.topic] != nil {
		o.show(m, false)
	}
}

// unplace: a power cut took the publication of a message. It waits again, or is gone.
func (o *oracle) unplace(m *message) {
	sometimes("delay.unpublished_by_a_cut")
	delete(o.queue(m.queue).at, m.offset)
	delete(o.byLSN, m.lsn)
	m.lsn, m.proof, m.offset, m.stored, m.seen = 0, 0, 0, 0, false
}

// place is the LSN by which it is judged whether a message has become durable.
func (m *message) place() int64 {
	if m.proof != 0 {
		return m.proof
	}
	return m.lsn
}

// checkWaits compares the engine's count with what the log says, and looks for a
// message that should have been published. V1, T1.
func (o *oracle) checkWaits(pending int64) {
	w := o.w
	w.check(int(pending) == len(w.waits.pending), "T2", "%d messages wait, %d must", pending, len(w.waits.pending))
	if !w.quiet || w.now < max(w.waits.late, w.quietFrom)+w.latest() || w.proc.stopping || !w.proc.serving {
		return
	}
	for _, v := range w.waits.pending {
		w.check(w.wall+w.now-v.deliverAt <= w.latest(), "V1", "message %d waits, %d ms after its time", v.number, w.wall+w.now-v.deliverAt)
	}
}

// latest is how late, in ms, a message may be published when nothing fails: the
// clock is looked at every second, the window may be full until a sync ends, and
// what is old is read first, in batches.
func (w *world) latest() int64 {
	return 1100 + 40*w.syncMax + 20*(w.stepMax+w.readMax+1) + int64(len(w.waits.pending))*(w.stepMax+1)/8
}
