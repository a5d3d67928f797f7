package shard

import (
	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// probeLimit bounds what one look of a reader brings back.
const probeLimit = 512

// look shows the plan the messages that it may lease next. It reports whether there
// may be more than that. What the loop cannot judge at once, because it lies in a
// sealed index, or the filter or the order needs its bytes, a reader looks at: then
// the call is decided again.
func (s *Shard) look(r *receiveRequest, q *popQueue, p *cursor.Plan) (more bool) {
	visible := s.queueAt(q.queue.Slot).visible
	if q.passed > 0 {
		p.Passed(min(q.passed, visible))
	}
	for {
		at, ok := p.Next()
		if !ok {
			return more || p.Full()
		}
		end := min(at.To, visible)
		if at.From >= end {
			if at.To == cursor.Everything {
				return false
			}
			p.Passed(at.To)
			continue
		}
		if r.found.answers(q, at) {
			r.found.show(s, p)
			if r.found.to < end { // a plan looks once: what is behind that is for the next one
				more, r.further = true, true
			}
			r.found = nil
			continue
		}
		x, ok := s.index.Range(q.queue.Slot, at.From)
		if !ok || x.First >= end {
			p.Passed(end)
			continue
		}
		if x.Sealed != nil || r.Filter.NeedsProperties() {
			return s.probe(r, q, at, end, x)
		}
		if full, apart := s.lookHere(r, q, p, at.From, end); apart {
			return s.probe(r, q, at, end, x)
		} else if full {
			r.further = true
			return true
		}
	}
}

// lookHere shows the plan what the index has in memory from an offset on. apart tells
// that the next message must be looked at by a reader; full, that this was enough.
func (s *Shard) lookHere(r *receiveRequest, q *popQueue, p *cursor.Plan, from, end model.Offset) (full, apart bool) {
	fifo, looked, size, next := q.outlet.fifo(), 0, 0, from
	wanted := true
	complete := s.index.Scan(q.queue.Slot, from, end, func(at index.Place) bool {
		if looked++; looked > maxScan || size > 0 && size+max(at.Size, at.Body) > r.MaxBytes {
			full = true
			return false
		}
		match, key := r.Filter.MayMatch(at.Tag), uint32(0)
		if fifo {
			slab := s.tail.find(at.LSN, at.Size)
			if apart = slab == nil; apart {
				return false
			}
			key = groupKey(slab.at(at.LSN, at.Size))
		}
		before := len(p.Leases())
		wanted = p.Offer(at.Offset, key, match)
		if len(p.Leases()) > before {
			s.places = append(s.places, at)
			size += max(at.Size, at.Body)
		}
		next = at.Offset + 1
		return wanted
	})
	switch {
	case !wanted:
	case complete:
		p.Passed(end)
	case next > from:
		p.Passed(next)
		return full, false // what was seen first; the reader looks at the next call
	}
	return full, apart
}

// groupKey returns the hash of the message group of the message in a record, or of
// the one that it publishes; 0 if it has none.
func groupKey(raw []byte) uint32 {
	kind, content, _, err := record.Parse(raw)
	if err != nil {
		return 0
	}
	if r, ok := record.Published(kind, content); ok {
		return r.GroupHash
	}
	if kind != record.KindData {
		return 0
	}
	return record.DataGroup(content)
}

// probe is what a reader found in one queue for one call.
type probe struct {
	queue *popQueue
	at    cursor.Look
	to    model.Offset // everything below was looked at
	found []probed
	err   error
}

type probed struct {
	place index.Place
	key   uint32
	match bool
}

// answers tells whether the probe is of that queue and place.
func (b *probe) answers(q *popQueue, at cursor.Look) bool {
	return b != nil && b.err == nil && b.queue == q && b.at == at && b.to > at.From
}

// show shows the plan what was found.
func (b *probe) show(s *Shard, p *cursor.Plan) {
	for _, f := range b.found {
		before := len(p.Leases())
		more := p.Offer(f.place.Offset, f.key, f.match)
		if len(p.Leases()) > before {
			s.places = append(s.places, f.place)
		}
		if !more {
			return
		}
	}
	p.Passed(b.to)
}

// probe sends a reader to look at a queue from an offset on, unless it is on its
// way. It reports that there may be more.
func (s *Shard) probe(r *receiveRequest, q *popQueue, at cursor.Look, end model.Offset, x index.Range) bool {
	if r.probing || len(s.plan.Leases()) > 0 {
		return true // first what there is
	}
	b := &probe{queue: q, at: at, to: at.From}
	c := &copier{shard: s}
	if x.Sealed == nil {
		complete := s.index.Scan(q.queue.Slot, at.From, end, func(at index.Place) bool {
			c.add(at)
			return len(c.places) < probeLimit
		})
		if b.to = end; !complete {
			b.to = c.places[len(c.places)-1].Offset + 1
		}
	}
	fifo, f := q.outlet.fifo(), r.Filter
	r.probing, q.probing = true, true
	s.readCold(r.Group, r.client, func() (int64, func(*Shard)) {
		if x.Sealed != nil {
			b.err = b.readIndex(c, x, min(x.End, end))
		}
		if b.err == nil {
			b.err = b.judge(c, f, fifo)
		}
		return c.coldRead + int64(len(c.places))*entryBytes, func(s *Shard) { r.probed(s, b) }
	})
	return true
}

// readIndex takes the places out of a sealed index.
func (b *probe) readIndex(c *copier, x index.Range, end model.Offset) error {
	b.to = end
	return x.Read(max(b.at.From, x.First), end, func(at index.Place) bool {
		c.add(at)
		b.to = at.Offset + 1
		return len(c.places) < probeLimit
	})
}

// judge looks at what was found, at the bytes of each message if it must.
func (b *probe) judge(c *copier, f *filter.Filter, fifo bool) error {
	for i, at := range c.places {
		found := probed{place: at, match: f.MayMatch(at.Tag)}
		if fifo || found.match && f.NeedsProperties() {
			w, err := c.message(i)
			if err != nil {
				return err
			}
			raw, _ := c.bytes(i)
			found.key = groupKey(raw)
			found.match = found.match && f.Match(w.Properties())
		}
		b.found = append(b.found, found)
	}
	return nil
}

// probed decides a call again, with what the reader found.
func (r *receiveRequest) probed(s *Shard, b *probe) {
	b.queue.probing, r.probing = false, false
	b.queue.mark()
	o := r.outlet
	switch {
	case r.ended:
	case s.Err() != nil:
		if !r.waiting {
			r.fail(s, s.unavailable())
		}
	case o.gone:
		r.fail(s, model.Errorf(model.TopicNotFound, "topic %s or group %s was deleted", o.topic.Config.Name, r.Group))
	case b.err != nil && s.first(b.queue.queue) <= b.at.From:
		r.unpark(s)
		r.fail(s, unreadable(s, b.err))
	default:
		r.goOn(s, b)
	}
	if !o.gone && len(o.waiters) > 0 {
		o.stir(s)
	}
}

func (r *receiveRequest) goOn(s *Shard, b *probe) {
	if r.hasGone() {
		r.unpark(s)
		r.finish(s)
		return
	}
	r.found = b
	served := r.serve(s)
	r.found = nil
	switch {
	case served:
		r.unpark(s)
	case r.waiting || r.probing:
	default:
		r.finish(s)
	}
}
