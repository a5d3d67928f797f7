package cursor

import (
	"cmp"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// Plan is the scratch of one decision about what a consumer gets: Begin, then
// Offer what lies where Next says until it says no more, then Rest. Nothing of it
// counts until its Record is applied; a Plan that is given up leaves no trace.
//
//	p.Begin(c, rules)
//	for look, ok := p.Next(); ok; look, ok = p.Next() {
//		for each message of look, in order: if !p.Offer(...) { break }
//		p.Passed(how far was looked) // unless Offer has said false
//	}
//	p.Rest()
type Plan struct {
	c      *Cursor
	w      *window // the cursor's; nil if it has none
	rules  Rules
	leases []Lease
	dead   []Lease
	read   model.Offset
	phase  phase
	closed bool // by Keep
	again  int  // leases that are not first deliveries
	fresh  int  // those that are
	order  ordering
}

// phase is how far a Plan has come.
type phase uint8

const (
	phaseDue     phase = iota // what is due
	phaseKeys                 // what message groups had no room for
	phaseForward              // from the read offset on
	phaseDone
)

// Begin takes messages that are due again, the oldest first: at most 3/4 of Max,
// so that those that always fail do not starve new ones. In an ordered group it
// takes, of each message group that is not locked, the oldest unfinished message
// and those behind it. c.Turns must be false.
func (p *Plan) Begin(c *Cursor, r Rules) {
	if r.InFlight == 0 {
		r.InFlight = DefaultInFlight
	}
	if r.Hold == 0 {
		r.Hold = DefaultHold
	}
	r.Max = min(max(r.Max, 1), record.MaxMessages)
	*p = Plan{c: c, w: c.w, rules: r, leases: p.leases[:0], dead: p.dead[:0], read: c.ReadOffset(), order: p.order.emptied()}
	if p.w == nil {
		return
	}
	p.w.settle(r.Now, r.Alive)
	p.due(p.share())
}

// share returns how many redeliveries come before new messages: three of four,
// and of single messages all but the fourth.
func (p *Plan) share() int {
	turn := int(p.w.turn % 4)
	p.w.turn++
	return (3*p.rules.Max + 3 - turn) / 4
}

// due takes what is due, up to a number of redeliveries.
func (p *Plan) due(limit int) {
	if p.w.fifo != nil {
		p.dueKeys(limit)
		return
	}
	for p.again < limit && !p.Full() && len(p.dead) < maxDead {
		id, ok := p.w.next(p.rules.Now, p.rules.Alive)
		if !ok {
			return
		}
		offset := model.Offset(id)
		switch {
		case offset < p.rules.Min:
			p.w.drop() // nobody gets it any more
		case offset < p.c.ReadOffset():
			p.retake(offset, p.w.slot(offset))
		default: // only after the group was an ordered one: it is met on the way
		}
	}
}

// retake takes a message that was delivered before, unless that was often enough.
func (p *Plan) retake(offset model.Offset, s *slot) (taken bool) {
	l := Lease{Offset: offset, Key: s.key, Attempt: int32(s.attempt) + 1, FirstPop: s.firstPop}
	if p.rules.MaxAttempts > 0 && int32(s.attempt) >= p.rules.MaxAttempts {
		l.Attempt--
		p.dead = append(p.dead, l)
		return false
	}
	p.leases = append(p.leases, l)
	p.again++
	return true
}

// Leases returns those taken so far. Within Begin, within Next and Offer, and
// within Rest they have rising offsets, in ordered groups in each message group.
func (p *Plan) Leases() []Lease { return p.leases }

// maxDead bounds what Dead returns. It is no part of Max: messages whose way to the
// dead letters takes long must not hold up those that can be delivered.
const maxDead = 1024

// Dead returns messages that are due, but have had MaxAttempts deliveries: they
// go to the dead letters. The first 1024 of them; the rest comes with a later Plan.
func (p *Plan) Dead() []Lease { return p.dead }

// Keep gives the leases behind the first n back, and takes no more: for an answer
// that is full by its bytes. After Begin or Rest only; an answer that fills up
// within Next ends by not offering.
func (p *Plan) Keep(n int) { p.leases, p.closed = p.leases[:n], true }

// Full reports whether no more is taken.
func (p *Plan) Full() bool { return p.closed || len(p.leases) >= p.rules.Max }

// room reports whether one more message may be in flight.
func (p *Plan) room() bool { return p.c.InFlight()+p.fresh < p.rules.InFlight }

// Next returns where the shard must look for further messages.
func (p *Plan) Next() (look Look, ok bool) {
	if p.Full() || !p.room() || p.phase == phaseDone {
		p.phase = phaseDone
		return Look{}, false
	}
	if p.phase < phaseForward {
		p.phase = phaseKeys
		if look, ok := p.nextKey(); ok {
			return look, true
		}
		p.phase, p.read = phaseForward, max(p.read, p.rules.Min)
		return Look{From: p.read, To: Everything}, true
	}
	p.phase = phaseDone
	return Look{}, false
}

// Offer tells of the next message of the Look. One that does not match is passed
// over for the group. more is false if nothing further is wanted there.
func (p *Plan) Offer(offset model.Offset, key uint32, match bool) (more bool) {
	if p.Full() || !p.room() || p.order.stopped {
		return false
	}
	switch {
	case p.phase == phaseKeys:
		p.offerKey(offset, key, match)
	case p.phase != phaseForward || offset < p.read:
		return false
	case !match:
		p.read = offset + 1
	case p.rules.FIFO:
		p.offerOrdered(offset, key)
	default:
		p.offer(offset, key)
	}
	return !p.Full() && p.room() && !p.order.stopped
}

// offer takes a message that is not known.
func (p *Plan) offer(offset model.Offset, key uint32) {
	p.read = offset + 1
	if p.w == nil || p.w.unknown(offset) {
		p.takeNew(offset, key)
		return
	}
	// Only after the group was an ordered one.
	if s := p.w.slot(offset); s != nil && s.over(p.rules.Now, p.rules.Alive) {
		p.retake(offset, s)
	}
}

func (p *Plan) takeNew(offset model.Offset, key uint32) {
	p.leases = append(p.leases, Lease{Offset: offset, Key: key, Attempt: 1})
	p.fresh++
}

// Passed tells that of everything below to, gaps included, the messages have been
// offered. Before the first Next it tells what a Plan that was Lazy had passed over.
func (p *Plan) Passed(to model.Offset) {
	switch {
	case p.Full() || p.order.stopped:
	case p.phase == phaseForward, p.phase == phaseDue:
		p.read = max(p.read, to)
	case p.phase == phaseKeys:
		p.passedKey(to)
	}
}

// Rest takes what else is due, if there is room left.
func (p *Plan) Rest() {
	p.phase = phaseDone
	if p.w != nil && !p.Full() {
		p.due(p.rules.Max)
	}
}

// Empty reports whether nothing is leased and nothing was passed over. There may
// be dead ones.
func (p *Plan) Empty() bool {
	return len(p.leases) == 0 && p.read == p.c.ReadOffset() && !p.order.moved()
}

// Lazy reports whether nothing is leased, and what was passed over did not match:
// such a Plan need not be recorded at once. It is enough if a later record reads
// as far, or if the next Plan is told. It is to be forgotten when the cursor is
// moved or turns.
func (p *Plan) Lazy() bool {
	return len(p.leases)+len(p.order.parked) == 0 && !p.order.skipped && !p.order.moved()
}

// Stopped reports that the cursor holds as much as it may for messages that wait
// behind locked message groups, and so looked no further.
func (p *Plan) Stopped() bool { return p.order.stopped }

// Record fills all of dst but for the names of group, topic and queue. dst's lists
// are reused.
func (p *Plan) Record(dst *record.Pop, popTime, invisible int64, attempt uint64) {
	dst.PopTime, dst.Invisible, dst.ReadTo = popTime, invisible, p.read
	dst.FIFO, dst.Attempt = p.rules.FIFO, 0
	dst.Leased, dst.Parked, dst.Resumed = dst.Leased[:0], dst.Parked[:0], dst.Resumed[:0]
	for i := range p.leases {
		dst.Leased = append(dst.Leased, record.PopMessage{Offset: p.leases[i].Offset})
	}
	if p.rules.FIFO {
		dst.Attempt = attempt
		for i := range p.leases {
			dst.Leased[i].Key = p.leases[i].Key
		}
		dst.Parked = append(dst.Parked, p.order.parked...)
		dst.Resumed = p.order.resumed(dst.Resumed)
	}
	if !slices.IsSortedFunc(dst.Leased, byOffset) {
		slices.SortFunc(dst.Leased, byOffset)
	}
}

func byOffset(a, b record.PopMessage) int { return cmp.Compare(a.Offset, b.Offset) }
