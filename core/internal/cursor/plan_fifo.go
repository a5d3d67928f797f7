package cursor

import (
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// ordering is what a Plan knows of message groups.
type ordering struct {
	keys    []planKey // those it has met, in this order
	byID    map[uint32]int32
	parked  []record.PopMessage
	looking int  // the place of the one that is looked for, in phaseKeys
	stopped bool // the cursor may not hold more
	skipped bool // a message was passed over that is found by a search
	held    int  // bytes that what was decided will hold
}

// planKey is a message group within a Plan.
type planKey struct {
	id       uint32
	k        *key
	next     int          // how many of k.list have been dealt with
	parked   int          // by this Plan
	overflow model.Offset // the first for which there was no room; 0: there was
	resume   model.Offset // how far it was looked for; 0: not yet
	state    keyState
	due      bool // it was ready, and its list is being gone through
	begun    bool // something of its list is leased
}

type keyState uint8

const (
	keyOpen    keyState = iota // all that is known is leased: what comes next is leased too
	keyLocked                  // somebody holds it, or a dead message is before
	keyPartial                 // not all of its list is leased; Rest may go on
	keyLook                    // the list is leased, further ones are to be looked for
)

// Rough sizes in memory, for the bound of what a cursor holds.
const (
	chunkBytes = 104
	keyBytes   = 112
	slotBytes  = 56 // with its task
	maxLooks   = 64 // message groups that one Plan looks for
)

func (o *ordering) emptied() ordering {
	clear(o.byID)
	return ordering{keys: o.keys[:0], byID: o.byID, parked: o.parked[:0]}
}

// holds returns about how many bytes a window takes.
func (w *window) holds() int {
	if w == nil || w.fifo == nil {
		return 0
	}
	return len(w.list())*chunkBytes + len(w.fifo.keys)*keyBytes + w.live*slotBytes + w.fifo.parked*8
}

// key returns the Plan's view of a message group. One that the window knows is
// locked, unless the Plan took it on because it is ready.
func (p *Plan) key(id uint32) *planKey {
	o := &p.order
	if i, ok := o.byID[id]; ok {
		return &o.keys[i]
	}
	if o.byID == nil {
		o.byID = make(map[uint32]int32)
	}
	k := planKey{id: id}
	if p.w != nil {
		if k.k = p.w.fifo.keys[id]; k.k != nil {
			k.state, k.next = keyLocked, len(k.k.list)
		}
	}
	o.byID[id] = int32(len(o.keys))
	o.keys = append(o.keys, k)
	return &o.keys[len(o.keys)-1]
}

// dueKeys takes what is due of message groups that are not locked.
func (p *Plan) dueKeys(limit int) {
	if p.phase == phaseDone { // Rest
		for i := range p.order.keys {
			if p.order.keys[i].state == keyPartial {
				p.takeKey(&p.order.keys[i], limit)
			}
		}
	}
	for passed := 0; !p.Full() && passed < p.rules.Max && len(p.dead) < maxDead; {
		id, ok := p.w.next(p.rules.Now, p.rules.Alive)
		if !ok {
			return
		}
		k := p.key(uint32(id))
		if k.due {
			continue
		}
		k.due, k.next = true, 0
		if p.takeKey(k, limit); k.state == keyPartial {
			passed++
		}
	}
}

// takeKey takes the messages of a list from the first on.
func (p *Plan) takeKey(k *planKey, limit int) {
	k.state = keyPartial
	for ; k.next < len(k.k.list); k.next++ {
		offset := k.k.list[k.next]
		s := p.w.slot(offset)
		switch {
		case offset < p.rules.Min: // nobody gets it any more
		case s != nil && !k.begun && p.w.acked(offset): // it waits for such ones only
		case offset >= p.c.ReadOffset(): // only after a turn; the read offset comes there
			k.state = keyLocked
			return
		case p.Full(), s != nil && p.again >= limit, s == nil && !p.room():
			return
		case s == nil:
			k.begun = true
			p.takeNew(offset, k.id)
		case !p.retake(offset, s):
			k.state = keyLocked // until it is in the dead letters
			return
		default:
			k.begun = true
		}
	}
	switch {
	case k.k.resume != 0 && p.phase == phaseDue:
		k.state = keyLook
	case k.k.resume != 0 || k.parked > 0 || k.overflow != 0:
		k.state = keyLocked
	default:
		k.state = keyOpen
	}
}

// nextKey returns where to look for a message group whose list is leased.
func (p *Plan) nextKey() (Look, bool) {
	o := &p.order
	for i := range o.keys {
		k := &o.keys[i]
		if k.state != keyLook {
			continue
		}
		if k.resume != 0 { // that is how far the last look came
			k.state = keyLocked
			continue
		}
		if i >= maxLooks {
			break
		}
		k.resume, o.looking = max(k.k.resume, p.rules.Min), i
		return Look{From: k.resume, To: p.c.ReadOffset(), Key: k.id, OneKey: true}, true
	}
	return Look{}, false
}

// offerKey tells of a message while a message group is looked for.
func (p *Plan) offerKey(offset model.Offset, key uint32, match bool) {
	k := &p.order.keys[p.order.looking]
	if offset < k.resume || k.state != keyLook {
		return
	}
	p.passedKey(offset + 1)
	if key == k.id && match && p.w.unknown(offset) {
		p.takeNew(offset, k.id)
	}
}

func (p *Plan) passedKey(to model.Offset) {
	k := &p.order.keys[p.order.looking]
	if k.resume = max(k.resume, to); k.resume >= p.c.ReadOffset() {
		k.state = keyOpen
	}
}

// offerOrdered takes a message that lies behind the read offset, or parks it.
func (p *Plan) offerOrdered(offset model.Offset, id uint32) {
	o := &p.order
	if p.w != nil && !p.w.unknown(offset) { // only after the group was made an ordered one
		p.read = offset + 1
		return
	}
	k := p.key(id)
	switch {
	case k.state == keyOpen:
		o.held += slotBytes + keyBytes + chunkBytes
	case k.overflow != 0 || k.k != nil && k.k.resume != 0:
		p.read, o.skipped = offset+1, true // it is found by the search for its message group
		return
	default:
		o.held += 8 + chunkBytes
	}
	if p.w.holds()+o.held > p.rules.Hold || len(o.parked) == record.MaxMessages {
		o.stopped = true
		return
	}
	p.read = offset + 1
	if k.state == keyOpen {
		p.takeNew(offset, id)
		return
	}
	waiting := k.parked
	if k.k != nil {
		waiting += len(k.k.list) - k.k.delivered
	}
	if waiting >= maxParked {
		k.overflow, o.skipped = offset, true
		return
	}
	k.parked++
	o.parked = append(o.parked, record.PopMessage{Offset: offset, Key: id})
}

// moved reports whether a search has come further.
func (o *ordering) moved() bool { return slices.ContainsFunc(o.keys, planKey.moved) }

func (k planKey) moved() bool { return k.resume != 0 && k.resume > k.k.resume }

func (o *ordering) resumed(dst []record.PopMessage) []record.PopMessage {
	for i := range o.keys {
		switch k := &o.keys[i]; {
		case k.overflow != 0:
			dst = append(dst, record.PopMessage{Offset: k.overflow, Key: k.id})
		case k.moved():
			dst = append(dst, record.PopMessage{Offset: k.resume, Key: k.id})
		}
	}
	return dst
}
