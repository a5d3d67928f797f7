package shard

import (
	"fmt"

	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// publicationIn returns what a Publish record says, if it is the one that the index
// has at that place.
func publicationIn(raw []byte, cold bool, p *index.Place) (r record.Publish, err error) {
	kind, content, err := openRecord(raw, cold)
	if err != nil {
		return r, err
	}
	r, ok := record.Published(kind, content)
	if !ok {
		return r, fmt.Errorf("kind %#x publishes nothing", byte(kind))
	}
	if r.Offset != p.Offset || r.Size != p.Body {
		return r, fmt.Errorf("it publishes %d bytes at offset %d", r.Size, r.Offset)
	}
	return r, nil
}

// bodyIn returns the message that was published, if it is in that record.
func bodyIn(raw []byte, cold bool, shard model.ShardID, r *record.Publish) (record.Wire, error) {
	kind, content, err := openRecord(raw, cold)
	if err != nil {
		return nil, err
	}
	d, ok := record.Stored(kind, content)
	if !ok || d.DeliverAt != r.DeliverAt || d.Wire.PhysicalOffset() != int64(model.AddressOf(shard, r.ID)) {
		return nil, fmt.Errorf("kind %#x is not the message %d that waited", byte(kind), r.ID)
	}
	return d.Wire, nil
}

// findBody finds the slab of the message that a place refers to, b holding the
// record there.
func (c *copier) findBody(s *Shard, p *index.Place, b *slab) *slab {
	r, err := publicationIn(b.at(p.LSN, p.Size), false, p)
	if err != nil {
		return nil // a reader will say so
	}
	return s.tail.find(r.At, r.Size)
}

// referred returns the message that a place refers to, raw being the record there:
// with the offset and the time of its publication.
func (c *copier) referred(i int, raw []byte) (record.Wire, error) {
	p, hot := &c.places[i], len(c.slabs) > 0
	r, err := publicationIn(raw, !hot, p)
	if err != nil {
		return nil, err
	}
	body, err := c.body(i, &r)
	if err != nil {
		return nil, fmt.Errorf("read the record at LSN %d, published here: %w", r.At, err)
	}
	w, err := bodyIn(body, !hot, c.shard.cfg.Shard, &r)
	if err != nil {
		return nil, fmt.Errorf("record at LSN %d, published here: %w", r.At, err)
	}
	c.patched = append(c.patched[:0], w...)
	w = c.patched
	publishAs(w, &r)
	return w, nil
}

// publishAs writes into the copy of a stored message how it was published.
func publishAs(w record.Wire, r *record.Publish) {
	w.Republish(int64(r.Offset), r.StoreTime)
	if r.DeliverAt == model.Prepared {
		w.Commit()
	}
}

// body returns the record that holds a published message.
func (c *copier) body(i int, r *record.Publish) ([]byte, error) {
	if len(c.slabs) > 0 {
		return c.bodies[i].at(r.At, r.Size), nil
	}
	if cap(c.cold) < r.Size {
		c.cold = make([]byte, r.Size)
	}
	c.cold = c.cold[:r.Size]
	c.coldRead += int64(r.Size)
	_, err := c.shard.log.ReadAt(c.cold, r.At)
	return c.cold, err
}
