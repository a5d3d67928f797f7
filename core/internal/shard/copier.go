package shard

import (
	"fmt"

	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// copier reads the messages at places of the log: from memory where it holds all
// of them, else from files. The loop fills in the places; who then reads may be a
// goroutine of its own.
type copier struct {
	shard  *Shard
	places []index.Place
	size   int     // of their records
	slabs  []*slab // of the places; none if they are cold
	bodies []*slab // of the messages that they refer to; nil for one that refers to none

	buf      []byte // cold bytes read last
	bufLSN   model.LSN
	coldRead int64       // bytes read from files
	cold     []byte      // the message that was referred to last
	patched  record.Wire // and as it was published
}

// add takes a place.
func (c *copier) add(p index.Place) {
	c.size += max(p.Size, p.Body)
	c.places = append(c.places, p)
}

// reset forgets the places, and keeps the memory that the next job needs again.
func (c *copier) reset() {
	if cap(c.buf) > keptBuffer {
		c.buf = nil
	}
	if max(cap(c.cold), cap(c.patched)) > keptBuffer {
		c.cold, c.patched = nil, nil
	}
	clear(c.slabs)
	clear(c.bodies)
	*c = copier{
		shard: c.shard, places: c.places[:0], slabs: c.slabs[:0], bodies: c.bodies[:0],
		buf: c.buf[:0], cold: c.cold[:0], patched: c.patched[:0],
	}
}

// findHot finds the slabs of the first n places that are all in memory. n is less
// than their number if one is not.
func (c *copier) findHot(s *Shard) (n int) {
	for _, p := range c.places {
		b := s.tail.find(p.LSN, p.Size)
		if b == nil {
			break
		}
		var body *slab
		if p.Body > 0 {
			if body = c.findBody(s, &p, b); body == nil {
				break
			}
		}
		c.slabs, c.bodies = append(c.slabs, b), append(c.bodies, body)
	}
	return len(c.slabs)
}

// hold keeps the slabs until letGo, for a reader.
func (c *copier) hold() {
	for i, b := range c.slabs {
		b.refs.Add(1)
		if body := c.bodies[i]; body != nil {
			body.refs.Add(1)
		}
	}
}

// letGo may be called by any goroutine.
func (c *copier) letGo() {
	for i, b := range c.slabs {
		c.shard.tail.release(b)
		if body := c.bodies[i]; body != nil {
			c.shard.tail.release(body)
		}
	}
}

// message returns the message of a place, valid until the next call.
func (c *copier) message(i int) (record.Wire, error) {
	p := &c.places[i]
	raw, err := c.bytes(i)
	if err != nil {
		return nil, fmt.Errorf("read the record at LSN %d: %w", p.LSN, err)
	}
	var w record.Wire
	if p.Body > 0 {
		w, err = c.referred(i, raw)
	} else {
		w, err = messageIn(raw, len(c.slabs) == 0, c.shard.cfg.Shard, p)
	}
	if err != nil {
		return nil, fmt.Errorf("record at LSN %d: %w", p.LSN, err)
	}
	return w, nil
}

// messageIn returns the message in a record, if it is the one that the index has
// at that place.
func messageIn(raw []byte, cold bool, shard model.ShardID, p *index.Place) (record.Wire, error) {
	content, err := openData(raw, cold)
	if err != nil {
		return nil, err
	}
	w, err := record.DataWire(content)
	if err != nil {
		return nil, err
	}
	if w.PhysicalOffset() != int64(model.AddressOf(shard, p.LSN)) || w.QueueOffset() != int64(p.Offset) {
		return nil, fmt.Errorf("it is that of offset %d at address %d", w.QueueOffset(), w.PhysicalOffset())
	}
	return w, nil
}

// openRecord returns the parts of a record; cold ones are verified.
func openRecord(raw []byte, cold bool) (kind record.Kind, content []byte, err error) {
	if cold {
		kind, content, _, err = record.Open(raw)
	} else {
		kind, content, _, err = record.Parse(raw)
	}
	return kind, content, err
}

// openData returns the content of a data record; cold ones are verified.
func openData(raw []byte, cold bool) ([]byte, error) {
	kind, content, err := openRecord(raw, cold)
	if err != nil {
		return nil, err
	}
	if kind != record.KindData {
		return nil, fmt.Errorf("kind %#x is no message", byte(kind))
	}
	return content, nil
}

// bytes returns the record of a place.
func (c *copier) bytes(i int) ([]byte, error) {
	p := &c.places[i]
	if len(c.slabs) > 0 {
		return c.slabs[i].at(p.LSN, p.Size), nil
	}
	from := int64(p.LSN - c.bufLSN)
	if from < 0 || from+int64(p.Size) > int64(len(c.buf)) {
		if err := c.fill(i); err != nil {
			return nil, err
		}
		from = 0
	}
	return c.buf[from : from+int64(p.Size)], nil
}

// fill reads the cold record of a place, and with it those that follow closely.
func (c *copier) fill(i int) error {
	first := c.places[i]
	end := first.LSN + model.LSN(first.Size)
	for k := i + 1; k < len(c.places); k++ {
		p := c.places[k]
		next := p.LSN + model.LSN(p.Size)
		if p.Segment != first.Segment || p.LSN < end || p.LSN-end > readGap || next-first.LSN > readAhead {
			break
		}
		end = next
	}
	n := int(end - first.LSN)
	if cap(c.buf) < n {
		c.buf = make([]byte, n)
	}
	c.buf, c.bufLSN = c.buf[:n], first.LSN
	c.coldRead += int64(n)
	_, err := c.shard.log.ReadAt(c.buf, first.LSN)
	if err != nil {
		c.buf = c.buf[:0]
	}
	return err
}
