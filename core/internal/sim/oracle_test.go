package sim

import (
	"math"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
)

// oracle knows what was asked for and what was answered, and so what the engine
// may say next.
type oracle struct {
	w          *world
	topics     map[string]*topic
	order      []string                    // the topics' names, as they became known
	perhaps    map[string]bool             // topics that somebody asked for
	doomed     map[string]*topic           // deleted, without an answer
	levels     map[string]model.Durability // of all topics that ever were
	dead       map[model.TopicID]bool
	messages   map[int]*message
	byLSN      map[int64]*message
	units      []*unit
	queues     map[queueID]*queue
	cursors    map[cursorID]*cursor
	members    members
	pops       *pops
	lostGroups bool // a power cut may have taken groups that a first use has made

	cursorOrder []*cursor
	cuts        int   // power cuts since the last inspection
	deaths      int   // deaths of any kind since then
	kept        int64 // no death since then took what lies below this LSN
	expectHash  *uint64
}

func newOracle(w *world) *oracle {
	return &oracle{
		w: w, topics: map[string]*topic{}, perhaps: map[string]bool{}, doomed: map[string]*topic{}, levels: map[string]model.Durability{}, dead: map[model.TopicID]bool{}, messages: map[int]*message{}, byLSN: map[int64]*message{},
		queues: map[queueID]*queue{}, cursors: map[cursorID]*cursor{}, members: newMembers(w), pops: newPops(w), kept: math.MaxInt64,
	}
}

// topic is what the oracle knows of a topic that exists for certain.
type topic struct {
	name              string
	id                model.TopicID
	configs           []model.TopicConfig // one of these it has: the last is what was asked last
	level             model.Durability
	wasFIFO, wasPlain int64 // when it may have been so last, beside what configs say
}

type queueID struct {
	topic string
	num   int32
}

// queue is what the oracle knows of a queue.
type queue struct {
	id    queueID
	at    map[int64]*message
	known []int64 // offsets of at, rising
	floor int64   // no message stored from now on has an offset below
	top   int64   // the largest end that an answer gave
	ended int64   // the largest end that a question for it was answered with
	min   int64   // what is below was forgotten
	gaps  []span

	shown   int64      // everything below is certainly visible
	maybe   []*message // acknowledged; visible once they are durable
	skipped []skip
}

// outcome is what the sender of a message was told.
type outcome uint8

const (
	pending outcome = iota
	acked
	refused
	unknown
	absent // was unknown, and a restart did not find it: it must never appear
)

// message is a message that was handed in.
type message struct {
	id         int
	topic      string
	tag        string
	key        string // its message group
	recalls    int    // that have no answer yet
	properties string
	body       []byte
	flag       int32
	born       int64
	v6         bool
	unit       *unit

	prepared bool   // it waits for the end of its transaction, which is named by:
	producer string // its group
	address  int64  // where it was stored, once it is acknowledged
	immunity int64  // s

	delayed  bool   // it waits, or asks for a delay:
	delay    int64  // relative; else
	due      int64  // when it is due: known once it is acknowledged
	unique   string // its unique key, once it is acknowledged
	home     int64  // its address, while it waits
	proof    int64  // LSN of the record that published it
	life     int    // of the process that did
	moved    bool   // it was copied: it may lie elsewhere now
	taken    bool   // the log says that it was taken back
	recalled bool   // and so does an answer

	outcome outcome
	queue   queueID
	offset  int64
	lsn     int64 // 0: its place is not known
	stored  int64
	seen    bool  // a pull has shown it
	lost    bool  // a power cut took it, as it may
	expired bool  // it was forgotten, as it may be, at:
	gone    int64 // a deletion has a time too, a power cut has none
	owed    bool  // at the last death: it must be there
	found   bool  // by the inspection under way
}

func (m *message) placed() bool { return m.lsn != 0 }

// unit is a batch of all or nothing.
type unit struct{ messages []*message }

func (o *oracle) queue(id queueID) *queue {
	q := o.queues[id]
	if q == nil {
		q = &queue{id: id, at: map[int64]*message{}}
		o.queues[id] = q
	}
	return q
}

// learnTopic notes that a topic exists for certain. L2: its id is for ever.
func (o *oracle) learnTopic(name string) *topic {
	info, ok := o.w.proc.shard.Topic(name)
	o.w.check(ok, "L1", "topic %s was made, and is not there", name)
	t := o.topics[name]
	if t == nil {
		t = &topic{name: name, id: info.ID, level: info.Durability, configs: []model.TopicConfig{info.TopicConfig}}
		if t.level == model.DurabilityDefault {
			t.level = o.w.flush
		}
		o.w.check(!o.dead[info.ID], "L15", "topic %s is back with id %d", name, info.ID)
		o.topics[name], o.levels[name] = t, t.level
		o.order = append(o.order, name)
	}
	o.w.check(t.id == info.ID, "L2", "topic %s had id %d and has %d", name, t.id, info.ID)
	return t
}

// learn notes where a message is. L2, L15: one message per offset and LSN, for
// ever. U2: a message is at one place, however often it is asked for.
func (o *oracle) learn(m *message, id queueID, offset, lsn, stored int64) {
	w := o.w
	if m.placed() {
		w.check(m.queue == id && m.offset == offset && m.lsn == lsn, "U2", "message %d is at %v/%d LSN %d and at %v/%d LSN %d",
			m.id, m.queue, m.offset, m.lsn, id, offset, lsn)
		w.check(m.stored == stored, "L3", "message %d was stored at %d, now at %d", m.id, m.stored, stored)
		// An answer that was begun before may still have it.
		late := !w.proc.inline && w.answering.at <= m.gone
		w.check(!m.lost || late, "L14", "message %d was deleted, or lost in a power cut, and is back", m.id)
		w.check(!m.expired || late, "L14", "message %d was forgotten and is back", m.id)
		return
	}
	w.check(m.outcome != absent, "U2", "message %d was not there after a restart and is now", m.id)
	q := o.queue(id)
	if other := q.at[offset]; other != nil {
		w.fail("L15", "offset %d of %v is message %d and was message %d", offset, id, m.id, other.id)
	}
	if other := o.byLSN[lsn]; other != nil {
		w.fail("L15", "LSN %d is message %d and was message %d", lsn, m.id, other.id)
	}
	w.check(offset >= q.floor, "L2", "message %d got offset %d of %v: what is below %d was given before", m.id, offset, id, q.floor)
	m.queue, m.offset, m.lsn, m.stored = id, offset, lsn, stored
	q.at[offset] = m
	q.insert(offset)
	o.byLSN[lsn] = m
	q.top = max(q.top, offset+1)
	o.checkSkips(q, m)
}

// levelOf is the durability that messages of a topic become visible at; also of one
// that is being deleted, or was, while answers of before are under way.
func (o *oracle) levelOf(name string) model.Durability {
	if level, known := o.levels[name]; known {
		return level
	}
	return o.w.flush
}

// durable tells, by the disk, whether the frame of a record would survive a power cut.
func (o *oracle) durable(lsn int64) bool {
	f, ok := o.w.frameOf(lsn)
	return ok && f.end <= o.w.disk.book.durable()
}

// checkStored judges the claim that the record at lsn has reached a level (L7).
func (o *oracle) checkStored(m *message, level model.Durability, what string) {
	w := o.w
	_, ok := w.frameOf(m.place())
	w.check(ok, "L7", "message %d is %s before its frame at LSN %d was written", m.id, what, m.place())
	if level == model.Synced {
		w.check(o.durable(m.place()), "L7", "message %d is %s before its sync: LSN %d, durable %d", m.id, what, m.lsn, w.disk.book.durable())
	}
}

// lost is told of a death: which messages the next life must have.
// L1: what was acknowledged or seen survives the process; a power cut takes only
// what the disk did not hold.
func (o *oracle) lost(cut bool, durable int64) {
	w := o.w
	o.deaths++
	if cut {
		o.cuts++
		o.kept = min(o.kept, durable)
		o.expectHash = nil // the start after the clean stop may have begun to write: the next one leaves a gap
	}
	for _, m := range o.messages {
		f, ok := w.frameOf(m.place())
		m.owed = m.placed() && !m.lost && ok && f.end <= o.kept
	}
	for _, k := range o.cursorOrder {
		k.death(o.kept)
	}
	for _, q := range o.queues {
		q.maybe = nil
	}
	o.members.reset()
	o.pops.death(o.kept)
	o.lostGroups = o.lostGroups || cut
}

// stopped is told of a clean stop: one-way commits are written too.
func (o *oracle) stopped() {
	for _, k := range o.cursorOrder {
		if !k.past[len(k.past)-1].firm {
			sometimes("commit.one_way_kept")
		}
		k.inspected()
	}
	o.lost(false, 0)
}

// ids returns the messages in the order in which they were handed in.
func (o *oracle) ids() []int {
	ids := make([]int, 0, len(o.messages))
	for id := range o.messages {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
