package sim

import (
	"cmp"
	"math"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// pops is what the oracle knows of the groups that receive.
type pops struct {
	w         *world
	groups    []*popGroup
	ids       map[model.GroupID]bool // ever seen
	drained   []*hold                // what the end of the run was given
	nextCheck int64
}

func newPops(w *world) *pops {
	p := &pops{w: w, ids: map[model.GroupID]bool{}}
	for i := range w.popGroups {
		p.groups = append(p.groups, newPopGroup(w.popGroup(i)))
	}
	return p
}

// popGroup is a group that receives.
type popGroup struct {
	name    string
	id      model.GroupID // 0: not seen yet
	idEnd   int64         // the end of the log when it was seen
	life    int           // how often it was deleted, or may have been
	doubt   bool          // it may be that it was deleted
	configs []popConfig   // those that it may have had, the last is what was asked last
	filters [][]string    // what its calls filter by
	shares  map[model.TopicID]*share
	order   []*share
	letters map[int]*letter // by message
	busy    bool            // a deletion is under way
}

// popConfig is a group's settings, and until when they may have been so.
type popConfig struct {
	model.GroupConfig
	until int64 // never, as long as they may be
}

func newPopGroup(name string) *popGroup {
	g := &popGroup{name: name, letters: map[int]*letter{}}
	g.begin()
	return g
}

// begin begins a life of the group.
func (g *popGroup) begin() {
	g.id, g.doubt, g.filters = 0, false, nil
	g.configs = []popConfig{{model.GroupConfig{Name: g.name}, never}}
	g.shares, g.order = map[model.TopicID]*share{}, nil
}

// attemptsSince returns how often a message is delivered at least and at most before it
// is dead, by the settings that the group may have had since then.
func (g *popGroup) attemptsSince(at int64) (least, most int32) {
	least = math.MaxInt32
	for i := range g.configs {
		if c := &g.configs[i]; c.until >= at {
			least, most = min(least, c.Attempts()), max(most, c.Attempts())
		}
	}
	return least, most
}

func (g *popGroup) mayBeDisabled(since int64) bool {
	return slices.ContainsFunc(g.configs, func(c popConfig) bool { return c.until >= since && c.Disabled })
}

func (g *popGroup) mayBeEnabled(since int64) bool {
	return slices.ContainsFunc(g.configs, func(c popConfig) bool { return c.until >= since && !c.Disabled })
}

// share is a group's part in a topic.
type share struct {
	group    *popGroup
	topic    *topic
	cursors  map[int32]*popCursor
	attempts []*attempt
	flying   int   // receives that have no answer yet
	version  int   // of what is known; any call or answer makes a new one
	restless int64 // until then it may be busy with what is not seen
}

func (g *popGroup) share(t *topic) *share {
	s := g.shares[t.id]
	if s == nil {
		s = &share{group: g, topic: t, cursors: map[int32]*popCursor{}}
		g.shares[t.id] = s
		g.order = append(g.order, s)
	}
	return s
}

// certainty is how much is known of something.
type certainty uint8

const (
	no certainty = iota
	maybe
	yes
)

// popCursor is a group's progress in a queue.
type popCursor struct {
	share *share
	queue *queue
	begun certainty
	// Messages made after the one of this number are the group's for certain; 0: all.
	owed     int
	begunEnd int64 // the end of the log when that was known
	begunAt  int64
	from     int64 // what is below was taken out by a commit
	unsure   int64 // what is below may have been
	holds    map[int64]*hold
	ghosts   int             // calls that may have got messages, and nobody knows
	low      int64           // all below is done with
	okSince  map[int64]int64 // since when messages can be delivered
	drained  int64           // what is below was to be delivered by the end of the run
	moving   bool            // a commit or a reset is under way
	pulling  bool            // a pull that may be told a reset is
	reset    certainty       // a reset waits for a pull to be told
	resetEnd int64           // the end of the log when that was known
}

func (s *share) cursor(o *oracle, num int32) *popCursor {
	k := s.cursors[num]
	if k == nil {
		k = &popCursor{share: s, queue: o.queue(queueID{s.topic.name, num}), holds: map[int64]*hold{}, okSince: map[int64]int64{}, owed: math.MaxInt}
		s.cursors[num] = k
	}
	return k
}

// hold is what is known of a message that was delivered to a group.
type hold struct {
	m          *message
	cursor     *popCursor
	done       certainty
	behind     bool // acknowledged, and one of its message group before it is not done
	blur       bool // the log may have lost, or taken back, what is known
	attempt    int32
	ghosts     int // of the cursor, when it was seen
	last       shard.Receipt
	first      int64
	seen       int64         // when it was delivered last
	owner      *shard.Client // renews the lease
	freedBy    int64         // from then on nobody holds it; never: somebody does
	names      []int64       // every PopTime there was
	pending    int           // settlements under way
	changed    int64         // the end of the log when it was as it is
	loose      bool          // delivered first by a group that may not have been ordered
	touched    bool          // a settlement was tried
	rewound    bool          // it may have been delivered, and died, before what is known
	owesLetter bool          // it was out of attempts for certain
	dying      bool          // it may be out of attempts, and so dead
}

func (k *popCursor) hold(m *message) *hold {
	h := k.holds[m.offset]
	if h == nil {
		h = &hold{m: m, cursor: k, freedBy: never, rewound: k.share.group.life > 0}
		k.holds[m.offset] = h
	}
	return h
}

// deadline is when the lease ends, by the pop clock, if nobody renews it.
func deadlineOf(r *shard.Receipt) int64 { return r.PopTime + r.Invisible }

// popClock is what the clock of leases may be ahead of the world's: it is learned
// from first deliveries, which bear its time.
type popClock struct{ lo, hi int64 }

func newPopClock() popClock { return popClock{math.MinInt64 / 2, math.MaxInt64 / 2} }

// surely returns the least that the clock shows at a moment.
func (c *popClock) surely(now int64) int64 { return now + c.lo }

// perhaps returns the most.
func (c *popClock) perhaps(now int64) int64 { return now + c.hi }

// expired tells whether a receipt's time was over at a moment, for certain.
func (w *world) expired(r *shard.Receipt, at int64) bool {
	return deadlineOf(r) <= w.proc.clock.surely(at)
}

// mayExpire tells whether it may have been.
func (w *world) mayExpire(r *shard.Receipt, at int64) bool {
	return deadlineOf(r) <= w.proc.clock.perhaps(at)
}

// slack is how many deliveries nobody has seen.
func (h *hold) slack() int32 { return int32(h.cursor.ghosts - h.ghosts) }

// unseen is how many more there may be: by calls that have no answer yet, or have one
// without the message, because their filters reject it.
func (h *hold) unseen() int32 {
	if h.cursor.share.group.rejects(h.m) {
		return 1000
	}
	return h.slack() + int32(h.cursor.share.flying)
}

// fog has a message be in doubt.
func (h *hold) fog() {
	h.blur, h.done, h.behind = true, maybe, false
	h.changes()
}

// changes: what was known of when it can be delivered is void.
func (h *hold) changes() {
	k := h.cursor
	delete(k.okSince, h.m.offset)
	k.low = min(k.low, h.m.offset)
}

// ghost: a call may have got messages that nobody knows of.
func (s *share) ghost(w *world) {
	for _, k := range s.cursors {
		k.ghosts++
	}
	s.disturb(w, 60_000)
}

// disturb has nothing be expected of the share for a while.
func (s *share) disturb(w *world, ms int64) {
	s.restless = max(s.restless, w.now+ms)
	s.version++
}

// all calls fn with every message that a group holds, in an order that is the same
// each time.
func (p *pops) all(fn func(*hold)) {
	p.cursors(func(k *popCursor) {
		for _, offset := range k.offsets() {
			fn(k.holds[offset])
		}
	})
}

func (p *pops) cursors(fn func(*popCursor)) {
	for _, g := range p.groups {
		for _, s := range g.order {
			for _, k := range s.sorted() {
				fn(k)
			}
		}
	}
}

func (s *share) sorted() (all []*popCursor) {
	for num := int32(0); len(all) < len(s.cursors); num++ {
		if k := s.cursors[num]; k != nil {
			all = append(all, k)
		}
	}
	return all
}

func (k *popCursor) offsets() []int64 {
	all := make([]int64, 0, len(k.holds))
	for offset := range k.holds {
		all = append(all, offset)
	}
	slices.Sort(all)
	return all
}

// closed: a connection has ended; what it renewed is free once the loop knows.
func (p *pops) closed(conn *shard.Client) {
	w := p.w
	p.all(func(h *hold) {
		if h.owner == conn {
			sometimes("pop.owner_closed")
			h.owner, h.freedBy = nil, min(h.freedBy, w.now+w.stepMax+1)
			h.cursor.share.disturb(w, w.popBound())
		}
	})
	for _, c := range w.calls {
		if c.receive != nil && c.client.conn == conn {
			c.receive.share.ghost(w)
		}
	}
}

// death: the process has ended. kept is up to where the log is certainly there.
func (p *pops) death(kept int64) {
	p.all(func(h *hold) {
		h.owner, h.pending = nil, 0
		if h.changed > kept {
			h.fog()
		}
	})
	for _, g := range p.groups {
		if g.idEnd > kept { // one that its first use has made may be made anew, with another id
			delete(p.ids, g.id)
			g.id = 0
		}
	}
	p.cursors(func(k *popCursor) {
		k.share.version++
		for _, a := range k.share.attempts {
			a.dirty = a.dirty || a.changed > kept
		}
		if k.begunEnd > kept { // it may begin again, at what is sent from then on
			k.begun, k.owed, k.from = min(k.begun, maybe), math.MaxInt, 0
		}
		if k.resetEnd > kept {
			k.reset = maybe
		}
	})
}

// insert takes a message into the order of offsets.
func (q *queue) insert(m *message) {
	i := len(q.known)
	for i > 0 && q.known[i-1].offset > m.offset {
		i--
	}
	q.known = slices.Insert(q.known, i, m)
}

// each calls fn with the known messages of a range of offsets, until it says false.
func (q *queue) each(from, to int64, fn func(*message) bool) {
	i, _ := slices.BinarySearchFunc(q.known, from, func(m *message, offset int64) int { return cmp.Compare(m.offset, offset) })
	for ; i < len(q.known) && q.known[i].offset < to; i++ {
		if !fn(q.known[i]) {
			return
		}
	}
}
