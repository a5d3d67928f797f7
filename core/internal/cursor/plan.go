package cursor

import (
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
	rules  Rules
	leases []Lease
	dead   []Lease
	read   model.Offset
}

// Begin takes messages that are due again, the oldest first: at most 3/4 of Max,
// so that those that always fail do not starve new ones. In an ordered group it
// takes, of each message group that is not locked, the oldest unfinished message
// and those behind it. c.Turns must be false.
func (p *Plan) Begin(c *Cursor, r Rules) {
	*p = Plan{c: c, rules: r, leases: p.leases[:0], dead: p.dead[:0], read: c.ReadOffset()}
}

// Leases returns those taken so far. Within Begin, within Next and Offer, and
// within Rest they have rising offsets; in each message group always.
func (p *Plan) Leases() []Lease { return p.leases }

// Dead returns messages that are due, but have had MaxAttempts deliveries: they
// go to the dead letters. At most Max of them; the rest comes with the next Plan.
func (p *Plan) Dead() []Lease { return p.dead }

// Keep gives the leases behind the first n back, and takes no more: for an answer
// that is full by its bytes. After Begin or Rest only; an answer that fills up
// within Next ends by not offering.
func (p *Plan) Keep(n int) {}

// Full reports whether no more is taken.
func (p *Plan) Full() bool { return false }

// Next returns where the shard must look for further messages.
func (p *Plan) Next() (look Look, ok bool) { return Look{}, false }

// Offer tells of the next message of the Look. One that does not match is passed
// over for the group. more is false if nothing further is wanted there.
func (p *Plan) Offer(offset model.Offset, key uint32, match bool) (more bool) { return false }

// Passed tells that of everything below to, gaps included, the messages have been
// offered.
func (p *Plan) Passed(to model.Offset) {}

// Rest takes what else is due, if there is room left.
func (p *Plan) Rest() {}

// Empty reports whether nothing is leased and nothing was passed over. There may
// be dead ones.
func (p *Plan) Empty() bool { return true }

// Stopped reports that the cursor holds as much as it may for messages that wait
// behind locked message groups, and so looked no further.
func (p *Plan) Stopped() bool { return false }

// Record fills all of dst but for the names of group, topic and queue. dst's lists
// are reused.
func (p *Plan) Record(dst *record.Pop, popTime, invisible int64, attempt uint64) {}
