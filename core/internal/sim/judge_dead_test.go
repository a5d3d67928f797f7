package sim

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// letter is what may be of a message in a group's dead letters.
type letter struct {
	may  int             // how often it may have died by hand
	owed int             // how often it has, for certain
	seen map[int64]int32 // offsets of copies, and the deliveries before
}

func (g *popGroup) letter(m *message) *letter {
	l := g.letters[m.id]
	if l == nil {
		l = &letter{seen: map[int64]int32{}}
		g.letters[m.id] = l
	}
	return l
}

// stepDeadLetters reads a group's dead letters.
func (w *world) stepDeadLetters() {
	if s := w.drawShare(); s != nil {
		w.readDead(s.group, 0)
	}
}

func (w *world) readDead(g *popGroup, from int64) {
	t, ok := w.proc.shard.Topic(model.DeadLetterPrefix + g.name)
	if !ok {
		return
	}
	c := w.anyClient()
	all, _ := filter.Parse("TAG", "*")
	answered := w.begin(&call{what: "dead letters", client: c})
	c.conn.Pull(shard.Pull{Queue: model.Queue{Topic: t.ID}, Offset: model.Offset(from), MaxMessages: 200, MaxBytes: 8 << 20, Filter: all}, func(r *shard.Records, err error) {
		if answered() && !w.excuse(err) {
			w.oracle.deadLetters(g, r)
			if next := int64(r.Next); next > from && next < int64(r.Max) {
				w.readDead(g, next)
			}
		}
		if r != nil {
			r.Release()
		}
	})
	c.submit()
}

// deadLetters judges copies: each is of a message that died, and as it was sent.
func (o *oracle) deadLetters(g *popGroup, r *shard.Records) {
	if r.Count == 0 {
		return
	}
	w := o.w
	all, err := receive(r.Bytes())
	w.check(err == nil, "pop", "dead letters: %v", err)
	for i := range all {
		o.deadLetter(g, &all[i])
	}
}

func (o *oracle) deadLetter(g *popGroup, got *received) {
	w := o.w
	id, _ := strconv.Atoi(got.property("n"))
	m := o.messages[id]
	w.check(m != nil && bytes.Equal(got.body, m.body) && got.born == m.born && strings.HasPrefix(got.properties, m.properties), "D4", "a dead letter that is no message: %q", got.properties)
	w.check(got.property("DLQ_ORIGIN_TOPIC") == m.topic, "D4", "message %d of %s died in %s", m.id, m.topic, got.property("DLQ_ORIGIN_TOPIC"))
	l := g.letter(m)
	if _, known := l.seen[got.offset]; known {
		return
	}
	l.seen[got.offset] = got.reconsume + 1
	w.note("dead letter", uint64(m.id), uint64(got.offset), uint64(got.reconsume+1))
	sometimes("pop.dead_letter")
	for _, s := range g.order {
		if s.topic.name != m.topic {
			continue
		}
		if k := s.cursors[m.queue.num]; k != nil && k.holds[m.offset] != nil {
			o.died(g, k.holds[m.offset], l, got.reconsume+1)
		}
	}
}

// died: D4, a message dies by hand or after its last attempt, once each time.
func (o *oracle) died(g *popGroup, h *hold, l *letter, attempt int32) {
	w := o.w
	if len(l.seen) <= l.may {
		return
	}
	l.may = len(l.seen)
	if h.blur || h.pending > 0 || g.doubt || h.unseen() > 0 || h.rewound {
		return
	}
	w.check(h.done != yes, "D4", "message %d is acknowledged, and in the dead letters", h.m.id)
	w.check(h.mayBeDead(w), "D4", "message %d is in the dead letters after %d attempts, lease to %d, clock %d", h.m.id, h.attempt, deadlineOf(&h.last), w.proc.clock.perhaps(w.now))
	w.check(attempt == h.attempt, "D4", "message %d died after %d attempts, and says %d", h.m.id, h.attempt, attempt)
	sometimes("pop.died_of_attempts")
	if f, ok := w.frameOf(h.m.lsn); ok && f.lsn < w.sealedBelow() {
		sometimes("pop.died_cold")
	}
	h.changed = w.end()
	h.changes()
	h.finish(w)
}

// lettersKept tells whether the dead letters keep all that they ever held.
func (w *world) lettersKept() bool {
	return w.retention.Bytes == 0 && w.latestWall()-epoch < w.retention.Age.Milliseconds()
}
