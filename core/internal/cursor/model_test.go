package cursor

import (
	"bytes"
	"slices"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
	"pgregory.net/rapid"
)

// message is one of the queue, with all that the naive model knows of its fate.
type message struct {
	missing bool // in a gap
	match   bool
	key     uint32
	under   uint32 // the message group that the cursor has it under while it is held

	done     bool // for the group: acknowledged, dead, or below a commit
	held     bool // has a delivery that is not settled, or is to be delivered again
	acked    bool
	attempt  int32
	popTime  int64
	first    int64
	deadline int64
	owner    uint16
}

// group is the message group that orders it. What was delivered before the group
// became an ordered one has none.
func (m *message) group() uint32 {
	if m.held {
		return m.under
	}
	return m.key
}

// receipt is one that was given out.
type receipt struct {
	offset  model.Offset
	popTime int64
}

// attemptMade is a call with an attempt id and what it was given.
type attemptMade struct {
	hash    uint64
	popTime int64
	offsets []model.Offset
}

// world drives a cursor and compares it with a model made of plain lists.
type world struct {
	t        *rapid.T
	memory   Memory
	c        Cursor
	mirror   Cursor // only ever told the encoded records
	other    Memory
	decoder  record.Decoder
	plan     Plan
	pop      record.Pop
	fifo     bool
	ordered  bool // since the beginning: it never turned
	queue    []message
	min      model.Offset
	passed   model.Offset // by a plan that was not recorded
	now      int64
	receipts []receipt
	attempts []attemptMade
	dead     map[uint16]bool
	floor    model.Offset // of the model, by commits
	steps    map[string]int
}

const maxDeliveries = 4

func newWorld(t *rapid.T, fifo bool) *world {
	w := &world{t: t, fifo: fifo, ordered: true, now: 1_000_000, dead: map[uint16]bool{}, steps: map[string]int{}}
	w.commit(0, record.OffsetCommit)
	return w
}

func (w *world) alive(o uint16) bool { return !w.dead[o] }

func (w *world) draw(name string, from, to int) int { return rapid.IntRange(from, to).Draw(w.t, name) }

func (w *world) over(m *message) bool {
	return m.deadline <= w.now && (m.owner == 0 || !w.alive(m.owner))
}

// tick is a pop clock: it is later than any name that one of the messages had, and
// no more.
func (w *world) tick(offsets ...model.Offset) int64 {
	at := w.now
	for _, o := range offsets {
		if m := &w.queue[o]; m.held {
			at = max(at, m.popTime+1)
		}
	}
	return at
}

// apply encodes a record and has both cursors fold it in.
func (w *world) apply(e record.Entry) {
	w.t.Helper()
	b := record.Append(nil, e)
	if len(b) != record.Size(e) {
		w.t.Fatalf("%+v: %d bytes, Size says %d", e, len(b), record.Size(e))
	}
	got, _, err := w.decoder.Decode(b)
	if err != nil {
		w.t.Fatalf("%+v: %v", e, err)
	}
	for c, m := range map[*Cursor]*Memory{&w.c: &w.memory, &w.mirror: &w.other} {
		switch r := got.(type) {
		case *record.Offset:
			c.Apply(r)
		case *record.Pop:
			err = c.ApplyPop(r, m)
		case *record.Ack:
			err = c.ApplyAck(r)
		}
		if err != nil {
			w.t.Fatalf("%+v: %v", e, err)
		}
	}
}

func (w *world) commit(to model.Offset, op record.OffsetOp) {
	forget := op == record.OffsetReset || to < w.c.Floor()
	w.passed = 0
	w.apply(&record.Offset{Group: 1, Topic: 1, Offset: to, Op: op})
	w.attempts = slices.DeleteFunc(w.attempts, func(a attemptMade) bool { return a.offsets[0] < to })
	for i := range w.queue {
		m := &w.queue[i]
		if forget || model.Offset(i) < to {
			*m = message{missing: m.missing, match: m.match, key: m.key, done: model.Offset(i) < to}
		}
	}
	if forget {
		w.attempts = nil
	}
	for key := range w.keys() {
		w.cascade(key)
	}
	w.floor = to
}

// modelFloor is the first message that is not done with, as the group has looked.
func (w *world) modelFloor() model.Offset {
	read := w.c.ReadOffset()
	for i := w.floor; i < read; i++ {
		if m := &w.queue[i]; w.unfinished(m) {
			return i
		}
	}
	return max(read, w.floor)
}

func (w *world) unfinished(m *message) bool { return !m.missing && !m.done && (m.match || m.held) }

func (w *world) keys() map[uint32][]model.Offset {
	keys := map[uint32][]model.Offset{}
	for i := range w.queue {
		if w.unfinished(&w.queue[i]) {
			keys[w.queue[i].group()] = append(keys[w.queue[i].group()], model.Offset(i))
		}
	}
	return keys
}

// cascade ends what is acknowledged and has nothing unfinished before it.
func (w *world) cascade(key uint32) {
	if !w.fifo {
		return
	}
	for _, o := range w.keys()[key] {
		m := &w.queue[o]
		if !m.acked {
			return
		}
		m.done, m.held = true, false
	}
}

func (w *world) locked(list []model.Offset) bool {
	return slices.ContainsFunc(list, func(o model.Offset) bool {
		m := &w.queue[o]
		return m.held && !m.acked && !w.over(m)
	})
}

func (w *world) append() {
	if w.draw("gap", 0, 20) == 0 {
		for range w.draw("gap length", 1, 150) {
			w.queue = append(w.queue, message{missing: true})
		}
	}
	n := w.draw("sent", 1, 8)
	if w.draw("burst", 0, 12) == 0 {
		n *= 50
	}
	keys, filtered := w.draw("keys", 0, 4), w.draw("filtered", 0, 9)
	for range n {
		m := message{match: true}
		if filtered > 6 {
			m.match = w.draw("match", 0, filtered) < 4
		}
		if keys > 0 {
			m.key = uint32(w.draw("key", 0, keys))
		}
		if !w.fifo && w.ordered {
			m.key = 0
		}
		w.queue = append(w.queue, m)
	}
}

// receive makes a plan, checks it, and applies it most of the time.
func (w *world) receive() {
	fifo := w.fifo
	if w.c.Turns(fifo) {
		w.turned()
	}
	if w.c.Outrun(w.min, w.now, w.alive) {
		for i := w.floor; i < w.min; i++ {
			if m := &w.queue[i]; m.held && !m.acked && !w.over(m) {
				w.t.Fatalf("%d is held below %d", i, w.min)
			}
		}
		w.commit(w.min, record.OffsetCommit)
		w.steps["outrun"]++
	}
	rules := Rules{Now: w.now, Max: w.draw("max", 1, 12), FIFO: fifo, MaxAttempts: maxDeliveries, Min: w.min, Alive: w.alive, InFlight: 300}
	if w.draw("large", 0, 9) == 0 {
		rules.Max *= 30
	}
	p := &w.plan
	ready := w.c.Ready(w.now, w.alive)
	p.Begin(&w.c, rules)
	if !ready && len(p.Leases())+len(p.Dead()) > 0 {
		w.t.Fatal("something was due, and Ready said no")
	}
	gaveUp := w.look(p)
	p.Rest()
	if n := len(p.Leases()); n > 1 && w.draw("keep", 0, 15) == 0 && !gaveUp && p.fresh == 0 {
		p.Keep(w.draw("kept", 1, n))
	}
	w.judge(p, rules, gaveUp)
	if w.draw("drop", 0, 15) == 0 {
		return
	}
	w.take(p)
}

// turn makes the group an ordered one, or none.
func (w *world) turn() {
	w.fifo = !w.fifo
	w.attempts = nil
	if w.c.Turns(w.fifo) {
		w.turned()
	}
}

func (w *world) turned() {
	w.pop.Group, w.pop.Topic = 1, 1
	w.passed = 0
	w.c.Turn(&w.pop, w.fifo, w.tick())
	w.apply(&w.pop)
	for i := range w.queue {
		if m := &w.queue[i]; m.held && m.acked && !w.fifo {
			m.done, m.held = true, false
		}
	}
	w.steps["turned"]++
}

// look offers what the plan asks for; sometimes not all of it.
func (w *world) look(p *Plan) (gaveUp bool) {
	p.Passed(w.passed)
	all := w.draw("offer all", 0, 1) == 0
	for look, ok := p.Next(); ok; look, ok = p.Next() {
		to := min(look.To, model.Offset(len(w.queue)))
		if w.draw("give up", 0, 12) == 0 {
			to = min(to, look.From+model.Offset(w.draw("looked", 0, 40)))
			gaveUp = gaveUp || to < min(look.To, model.Offset(len(w.queue)))
		}
		more := true
		for o := look.From; o < to && more; o++ {
			if m := &w.queue[o]; !m.missing && (all || !look.OneKey || m.key == look.Key) {
				more = p.Offer(o, m.key, m.match)
			}
		}
		if more {
			p.Passed(to)
		}
	}
	return gaveUp
}

// take applies the plan, and notes it in the model.
func (w *world) take(p *Plan) {
	var leased []model.Offset
	for _, l := range p.Leases() {
		leased = append(leased, l.Offset)
	}
	popTime, invisible := w.tick(leased...), int64(w.draw("invisible", 0, 50))
	if len(p.Dead()) > 0 {
		ack := record.Ack{Group: 1, Topic: 1, Op: record.AckDead}
		for _, l := range p.Dead() {
			ack.Offsets = append(ack.Offsets, l.Offset)
		}
		slices.Sort(ack.Offsets)
		defer func() {
			w.apply(&ack)
			for _, o := range ack.Offsets {
				m := &w.queue[o]
				m.done, m.held = true, false
				w.forgetAttempt(m)
				w.cascade(m.under)
			}
			w.steps["dead"]++
		}()
	}
	if p.Empty() {
		return
	}
	if p.Lazy() && w.draw("lazy", 0, 1) == 0 {
		w.passed = p.read
		return
	}
	attempt := uint64(w.draw("attempt", 0, 3))
	w.pop.Group, w.pop.Topic = 1, 1
	p.Record(&w.pop, popTime, invisible, attempt)
	read := w.c.ReadOffset()
	w.apply(&w.pop)
	for o := read; o < min(w.min, w.c.ReadOffset()); o++ {
		if m := &w.queue[o]; !m.held {
			m.done = true // trimmed before anybody had it
		}
	}
	made := attemptMade{hash: attempt, popTime: popTime}
	again := map[uint32]model.Offset{}
	for _, l := range w.pop.Leased {
		m := &w.queue[l.Offset]
		if _, ok := again[m.under]; !ok && m.held && w.fifo {
			again[m.under] = l.Offset
		}
	}
	for i := range w.queue { // what lies behind is to be delivered again too
		m := &w.queue[i]
		if first, ok := again[m.under]; ok && model.Offset(i) > first && m.held {
			w.forgetAttempt(m)
			m.acked, m.deadline, m.owner = false, 0, 0
		}
	}
	for _, l := range w.pop.Leased {
		m := &w.queue[l.Offset]
		if m.held {
			w.forgetAttempt(m)
			w.steps["again"]++
		} else {
			m.first, m.under = popTime, l.Key
		}
		m.held, m.attempt, m.popTime, m.deadline, m.owner = true, m.attempt+1, popTime, deadline(popTime, invisible), 0
		w.receipts = append(w.receipts, receipt{l.Offset, popTime})
		made.offsets = append(made.offsets, l.Offset)
	}
	if w.draw("own", 0, 4) == 0 {
		owner := uint16(w.draw("owner", 1, 3))
		w.c.Own(p.Leases(), owner)
		for _, l := range p.Leases() {
			w.queue[l.Offset].owner = owner
		}
	}
	if w.fifo && attempt != 0 && len(made.offsets) > 0 {
		w.attempts = append(w.attempts, made)
	}
	if len(w.pop.Parked) > 0 {
		w.steps["parked"]++
	}
	if len(w.pop.Resumed) > 0 {
		w.steps["resumed"]++
	}
}

// forgetAttempt forgets the call that was given a message.
func (w *world) forgetAttempt(m *message) {
	w.attempts = slices.DeleteFunc(w.attempts, func(a attemptMade) bool {
		return slices.ContainsFunc(a.offsets, func(o model.Offset) bool { return &w.queue[o] == m && m.popTime == a.popTime })
	})
}

// settle acks or changes what a random receipt names.
func (w *world) settle() {
	if len(w.receipts) == 0 {
		return
	}
	n := w.draw("receipt", 0, min(len(w.receipts)-1, 40))
	r := w.receipts[len(w.receipts)-1-n]
	m := &w.queue[r.offset]
	want := Stale
	switch {
	case m.done, m.held && m.popTime == r.popTime && m.acked, r.offset < w.c.Floor():
		want = Done
	case m.held && m.popTime == r.popTime && !w.over(m):
		want = Current
	}
	if got := w.c.Check(r.offset, r.popTime, w.now, w.alive); got != want {
		w.t.Fatalf("receipt %+v is %d, want %d: %+v", r, got, want, m)
	}
	if want != Current {
		w.steps["stale"]++
		return
	}
	ack := record.Ack{Group: 1, Topic: 1, Op: record.AckOp(w.draw("op", 0, 7)), Offsets: []model.Offset{r.offset}}
	if ack.Op > record.AckChange {
		ack.Op = record.AckDone
	}
	w.forgetAttempt(m)
	switch ack.Op {
	case record.AckChange:
		ack.PopTime, ack.Invisible = w.tick(r.offset), int64(w.draw("after", 0, 60))
		m.popTime, m.deadline, m.owner = ack.PopTime, deadline(ack.PopTime, ack.Invisible), 0
		w.receipts = append(w.receipts, receipt{r.offset, m.popTime})
	case record.AckDone:
		if m.acked, m.owner = true, 0; !w.fifo {
			m.done, m.held = true, false
		}
	case record.AckDead:
		m.done, m.held = true, false
	}
	w.apply(&ack)
	w.cascade(m.under)
}

// end gives back all that an owner holds.
func (w *world) end() {
	owner := uint16(w.draw("owner", 1, 3))
	owned := w.c.Owned(owner, nil)
	var want []model.Offset
	for i := range w.queue {
		if m := &w.queue[i]; m.held && m.owner == owner {
			want = append(want, model.Offset(i))
		}
	}
	if !slices.Equal(owned, want) {
		w.t.Fatalf("owner %d has %v, want %v", owner, owned, want)
	}
	if w.dead[owner] = !w.dead[owner]; !w.dead[owner] || len(owned) == 0 || w.draw("give back", 0, 1) == 0 {
		return
	}
	ack := record.Ack{Group: 1, Topic: 1, Op: record.AckChange, Offsets: owned, PopTime: w.tick(owned...)}
	w.apply(&ack)
	for _, o := range owned {
		m := &w.queue[o]
		w.forgetAttempt(m)
		m.popTime, m.deadline, m.owner = ack.PopTime, 0, 0
	}
}

func (w *world) replay() {
	if len(w.attempts) == 0 {
		return
	}
	hash := uint64(w.draw("attempt", 1, 3))
	var want attemptMade
	for _, a := range w.attempts[max(0, len(w.attempts)-maxAttempts):] {
		if a.hash == hash {
			want = a
		}
	}
	for _, o := range want.offsets {
		if w.over(&w.queue[o]) {
			want = attemptMade{}
		}
	}
	leases, popTime := w.c.Replay(nil, hash, w.now, w.alive)
	var got []model.Offset
	for _, l := range leases {
		got = append(got, l.Offset)
	}
	if popTime != want.popTime || !slices.Equal(got, want.offsets) {
		w.t.Fatalf("attempt %d replays %v of %d, want %+v", hash, got, popTime, want)
	}
	if popTime != 0 {
		w.steps["replayed"]++
	}
}

// load goes on with what a snapshot gives.
func (w *world) load() {
	image := w.c.AppendImage(nil)
	loaded, err := DecodeImage(image, &w.memory)
	if err != nil {
		w.t.Fatalf("image %x: %v", image, err)
	}
	w.c = loaded
	for i := range w.queue {
		w.queue[i].owner = 0
	}
}

func (w *world) step() {
	switch op := w.draw("op", 0, 99); {
	case op < 10:
		w.append()
	case op < 40:
		w.receive()
	case op < 80:
		w.settle()
	case op < 90:
		w.now += int64(w.draw("passes", 0, 80))
	case op < 92:
		w.replay()
	case op < 94:
		w.end()
	case op < 95:
		w.load()
	case op < 96 && w.draw("commit", 0, 3) == 0:
		w.commit(w.c.Floor()+model.Offset(w.draw("to", 0, int(min(w.c.ReadOffset()+3, model.Offset(len(w.queue)))-min(w.c.Floor(), model.Offset(len(w.queue)))))), record.OffsetCommit)
	case op < 97 && w.draw("reset", 0, 5) == 0:
		w.commit(model.Offset(w.draw("to", int(w.min), len(w.queue))), record.OffsetOp(w.draw("kind", 0, 1)))
	case op == 99 && !w.ordered && w.draw("turn", 0, 1) == 0:
		w.turn()
	case op < 98 && w.draw("trim", 0, 3) == 0:
		w.min += model.Offset(w.draw("trimmed", 0, max(0, min(30, len(w.queue)-int(w.min)))))
	}
	w.check()
}

// check compares what can be seen at any time.
func (w *world) check() {
	image := w.c.AppendImage(nil)
	if mirror := w.mirror.AppendImage(nil); !bytes.Equal(image, mirror) {
		w.t.Fatalf("the records alone lead to another cursor:\n%x\n%x", image, mirror)
	}
	inFlight, waiting, ready, trimmed := 0, 0, false, false
	var first int64 = -1
	for i := range w.queue {
		m := &w.queue[i]
		if !m.held {
			continue
		}
		inFlight++
		if !m.acked && w.over(m) {
			waiting++
		}
		if s, ok := w.c.Slot(model.Offset(i)); !ok || s.PopTime != m.popTime || s.FirstPop != m.first || s.Attempt != m.attempt || s.Acked != m.acked {
			w.t.Fatalf("message %d: slot %+v %v, want %+v", i, s, ok, *m)
		}
		if !w.fifo && model.Offset(i) >= w.min && (m.owner == 0 || !w.alive(m.owner)) && (first < 0 || m.deadline < first) {
			first = m.deadline
		}
		if !w.fifo && w.over(m) {
			ready, trimmed = ready || model.Offset(i) >= w.min, trimmed || model.Offset(i) < w.min
		}
	}
	if w.c.InFlight() != inFlight || w.c.Waiting(w.now, w.alive) != waiting {
		w.t.Fatalf("%d in flight, %d waiting, want %d and %d", w.c.InFlight(), w.c.Waiting(w.now, w.alive), inFlight, waiting)
	}
	floor := w.modelFloor()
	overflow := w.c.w != nil && w.c.w.fifo != nil && len(w.c.w.fifo.resumed) > 0
	if got := w.c.Floor(); got != floor && (!overflow || got > floor) {
		w.t.Fatalf("floor %d, want %d", got, floor)
	}
	if !w.fifo {
		if got := w.c.Ready(w.now, w.alive); got != ready && !(got && trimmed) {
			w.t.Fatalf("ready %v, want %v", got, ready)
		}
		at, ok := w.c.NextDue()
		if first >= 0 && (!ok || at > first && first > w.now || at > w.now && first <= w.now) {
			w.t.Fatalf("next due %d %v, but %d is at %d", at, ok, first, w.now)
		}
		return
	}
	w.checkKeys()
}

func (w *world) checkKeys() {
	ready, locked, next := false, 0, int64(-1)
	for _, list := range w.keys() {
		known := list[0] < w.c.ReadOffset()
		if w.locked(list) {
			locked++
			at := int64(0)
			for _, o := range list {
				if m := &w.queue[o]; m.held && !m.acked {
					at = max(at, m.deadline)
					if m.owner != 0 && w.alive(m.owner) {
						at = 1 << 60
					}
				}
			}
			if next < 0 || at < next {
				next = at
			}
			continue
		}
		if known && list[0] >= w.min && !w.queue[list[0]].acked {
			ready = true
		}
	}
	if got := w.c.Locked(w.now, w.alive); w.ordered && got != locked {
		w.t.Fatalf("%d message groups locked, want %d", got, locked)
	}
	if got := w.c.Ready(w.now, w.alive); w.ordered && ready && !got {
		w.t.Fatal("a message group is ready, and Ready says no")
	}
	if at, ok := w.c.NextDue(); w.ordered && (ready && (!ok || at > w.now) || next >= 0 && next < 1<<60 && (!ok || at > next)) {
		w.t.Fatalf("next due %d %v, but message groups are ready %v or at %d", at, ok, ready, next)
	}
}

// judge checks a plan before it is applied.
func (w *world) judge(p *Plan, r Rules, gaveUp bool) {
	seen := map[model.Offset]bool{}
	for _, l := range p.Leases() {
		m := &w.queue[l.Offset]
		switch {
		case seen[l.Offset]:
			w.t.Fatalf("%d is leased twice", l.Offset)
		case m.missing || m.done || !m.match || l.Offset < w.min:
			w.t.Fatalf("%d is leased: %+v", l.Offset, *m)
		case m.held && (!m.acked && !w.over(m) || m.attempt >= maxDeliveries):
			w.t.Fatalf("%d is leased again at %d: %+v", l.Offset, w.now, *m)
		case l.Attempt != m.attempt+1:
			w.t.Fatalf("%d is leased at attempt %d: %+v", l.Offset, l.Attempt, *m)
		case l.FirstPop != m.first && m.held:
			w.t.Fatalf("%d is leased, first at %d: %+v", l.Offset, l.FirstPop, *m)
		}
		seen[l.Offset] = true
	}
	for _, l := range p.Dead() {
		m := &w.queue[l.Offset]
		if !m.held || m.attempt < maxDeliveries || !w.over(m) || l.Attempt != m.attempt || l.Offset < w.min {
			w.t.Fatalf("%d is dead: %+v", l.Offset, *m)
		}
	}
	if len(p.Leases()) > r.Max {
		w.t.Fatalf("%d leases, at most %d", len(p.Leases()), r.Max)
	}
	if w.fifo {
		w.judgeKeys(p, seen, gaveUp)
		return
	}
	w.judgePlain(p, r, seen, gaveUp)
}

func (w *world) judgePlain(p *Plan, r Rules, seen map[model.Offset]bool, gaveUp bool) {
	read, dead := w.c.ReadOffset(), map[model.Offset]bool{}
	for _, l := range p.Dead() {
		dead[l.Offset] = true
	}
	left, fresh, due := false, 0, 0
	for i := range w.queue {
		o, m := model.Offset(i), &w.queue[i]
		if o < w.min {
			continue
		}
		if m.held && w.over(m) && w.ordered {
			if due++; !seen[o] && !dead[o] {
				left = true
			} else if left && !dead[o] {
				w.t.Fatalf("%d is leased again before an older one", o)
			}
		}
		if w.unfinished(m) && !m.held && o >= read {
			if o < p.read && !seen[o] {
				w.t.Fatalf("%d is passed over", o)
			}
			if o >= p.read && seen[o] {
				w.t.Fatalf("%d is leased and will be read again", o)
			}
			fresh++
		}
	}
	if left && !p.Full() && len(p.Dead()) < r.Max {
		w.t.Fatal("there is room, and something due is left")
	}
	if w.ordered && !p.closed && !gaveUp && p.fresh < min(fresh, r.Max/4) && p.room() {
		w.t.Fatalf("%d of %d new messages among %d leases (%d due)", p.fresh, fresh, r.Max, due)
	}
}

func (w *world) judgeKeys(p *Plan, seen map[model.Offset]bool, gaveUp bool) {
	dead := map[uint32]bool{}
	for _, l := range p.Dead() {
		dead[w.queue[l.Offset].group()] = true
	}
	for key, list := range w.keys() {
		list = slices.DeleteFunc(list, func(o model.Offset) bool { return o < w.min })
		for len(list) > 0 && w.queue[list[0]].acked {
			list = list[1:] // it only waits for what was trimmed
		}
		leased := 0
		for i, o := range list {
			if seen[o] && i > leased {
				w.t.Fatalf("%d of message group %d is leased, and %d before it is not", o, key, list[leased])
			}
			if seen[o] {
				leased++
			}
		}
		locked := w.locked(w.keys()[key])
		if locked && leased > 0 {
			w.t.Fatalf("message group %d is locked, and %d of it are leased", key, leased)
		}
		if w.ordered && len(list) > 0 && leased == 0 && !locked && !dead[key] && !p.Full() && p.room() && !p.Stopped() && !gaveUp && len(p.Dead()) < p.rules.Max {
			w.t.Fatalf("message group %d waits at %d, and there is room", key, list[0])
		}
	}
}

// drain has somebody receive and acknowledge all: nothing may be left.
func (w *world) drain() {
	w.dead = map[uint16]bool{1: true, 2: true, 3: true}
	for range 400 {
		w.now += 1000
		if w.c.Turns(w.fifo) {
			w.turned()
		}
		if w.c.Outrun(w.min, w.now, w.alive) {
			w.commit(w.min, record.OffsetCommit)
		}
		p := &w.plan
		p.Begin(&w.c, Rules{Now: w.now, Max: 100, FIFO: w.fifo, Min: w.min, Alive: w.alive})
		for look, ok := p.Next(); ok; look, ok = p.Next() {
			to, more := min(look.To, model.Offset(len(w.queue))), true
			for o := look.From; o < to && more; o++ {
				if m := &w.queue[o]; !m.missing && (!look.OneKey || m.key == look.Key) {
					more = p.Offer(o, m.key, m.match)
				}
			}
			if more {
				p.Passed(to)
			}
		}
		p.Rest()
		if p.Empty() {
			break
		}
		p.Record(&w.pop, w.now, 10, 0)
		w.apply(&w.pop)
		ack := record.Ack{Group: 1, Topic: 1}
		for _, l := range w.pop.Leased {
			m := &w.queue[l.Offset]
			if m.done || m.missing || !m.match {
				w.t.Fatalf("%d is leased: %+v", l.Offset, *m)
			}
			m.done = true
			ack.Offsets = append(ack.Offsets, l.Offset)
		}
		if len(ack.Offsets) > 0 {
			w.apply(&ack)
		}
	}
	for o := w.floor; o < model.Offset(len(w.queue)); o++ {
		if m := &w.queue[o]; o >= w.min && !m.missing && m.match && !m.done {
			w.t.Fatalf("%d never comes: %+v", o, *m)
		}
	}
	if end := model.Offset(len(w.queue)); w.c.Floor() != max(end, w.floor) || w.c.w != nil {
		w.t.Fatalf("floor %d at the end %d", w.c.Floor(), end)
	}
}

func TestModel(t *testing.T) {
	for _, tc := range []struct {
		name        string
		fifo, turns bool
		want        []string
	}{
		{"plain", false, false, []string{"again", "dead", "stale", "outrun"}},
		{"ordered", true, false, []string{"again", "dead", "stale", "outrun", "parked", "resumed", "replayed"}},
		{"turning", true, true, []string{"turned"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			total := map[string]int{}
			rapid.Check(t, func(t *rapid.T) {
				w := newWorld(t, tc.fifo)
				w.ordered = !tc.turns
				for range w.draw("steps", 1, 400) {
					w.step()
				}
				w.drain()
				for name, n := range w.steps {
					total[name] += n
				}
			})
			for _, name := range tc.want {
				if total[name] == 0 && !testing.Short() { // a short run is too short to meet all
					t.Errorf("%s: never met", name)
				}
			}
		})
	}
}
