package shard

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
)

// A message that a look-up finds, and that has waited, does not say whether it was published,
// nor where. That was at its delivery time (or its preparation) or later, in its queue: the entries
// from then on that refer to a message of its size and tag lead to the records
// that may have published it. Mostly it is the first of them.

// maxSought bounds the entries that are looked at for one message.
const maxSought = 200_000

// delayedCandidate is what a candidate is that was delayed.
type delayedCandidate struct {
	deliverAt int64 // published then or later; 0: with its record
	id        model.LSN
	tag       int32
	published *record.Publish // once it is known
}

// seeking looks for the record that published a candidate.
type seeking struct {
	c      *candidate
	client *Client
	then   func(s *Shard)
	starts *index.Sealed // knows whether the candidate is the beginning of a record; nil once it was asked
	from   model.Offset  // look here next; below 0: from the delivery time on
	left   int
}

// seek looks for the record that published a candidate, and calls then.
func (s *Shard) seek(c *candidate, client *Client, then func(s *Shard)) {
	starts, ok := s.index.Apart(c.lsn)
	if starts == nil && !ok {
		then(s) // a body that looks like a record
		return
	}
	k := &seeking{c: c, client: client, then: then, starts: starts, from: -1, left: maxSought}
	k.step(s)
}

// step looks in the next run of the queue's messages.
func (k *seeking) step(s *Shard) {
	q := s.state.Queue(k.c.queue)
	if q == nil {
		k.then(s)
		return
	}
	find := func() (index.Range, bool) { return s.index.RangeByTime(q.Slot, k.c.deliverAt) }
	if k.from >= 0 {
		find = func() (index.Range, bool) { return s.index.Range(q.Slot, k.from) }
	}
	x, ok := find()
	end := s.queueAt(q.Slot).visible
	if !ok || x.First >= end || k.left <= 0 {
		k.then(s)
		return
	}
	var places []index.Place
	var err error
	if x.Sealed == nil {
		places, err = k.collect(x, end)
	}
	log := s.log
	s.readCold("", k.client, func() (bytes int64, then func(*Shard)) {
		if err == nil {
			err = k.checkStart()
		}
		if x.Sealed != nil && err == nil {
			places, err = k.collect(x, end)
		}
		if err == nil {
			bytes, err = k.try(log, places)
		}
		return bytes, func(s *Shard) {
			if err != nil || k.c.published != nil || x.End >= end {
				k.then(s)
				return
			}
			k.from = x.End
			k.step(s)
		}
	})
}

// checkStart asks a sealed index whether the candidate is the beginning of a record.
func (k *seeking) checkStart() error {
	if k.starts == nil {
		return nil
	}
	size, ok, err := k.starts.Record(k.c.lsn)
	k.starts = nil
	if err == nil && (!ok || size != k.c.size) {
		err = fmt.Errorf("no record begins at LSN %d", k.c.lsn)
	}
	return err
}

// collect returns the places of a run that may refer to the candidate.
func (k *seeking) collect(x index.Range, end model.Offset) (places []index.Place, err error) {
	from := max(k.from, x.First)
	if k.from < 0 {
		first, ok, err := x.FindTime(k.c.deliverAt)
		if err != nil || !ok {
			return nil, err
		}
		from = first.Offset
	}
	take := func(p index.Place) bool {
		if p.Body == k.c.size && p.Tag == k.c.tag {
			places = append(places, p)
		}
		k.left--
		return k.left > 0
	}
	if x.Sealed == nil {
		x.Scan(from, end, take)
		return places, nil
	}
	return places, x.Read(from, end, take)
}

// try reads what the places hold, until one is the record that is sought.
func (k *seeking) try(log wal.Log, places []index.Place) (bytes int64, err error) {
	raw := make([]byte, record.MaxPublish)
	for i := range places {
		p := &places[i]
		bytes += int64(p.Size)
		if _, err := log.ReadAt(raw[:p.Size], p.LSN); err != nil {
			return bytes, err
		}
		r, err := publicationIn(raw[:p.Size], true, p)
		if err != nil {
			return bytes, err
		}
		if r.ID == k.c.id {
			k.c.published = &r
			return bytes, nil
		}
	}
	return bytes, nil
}

// resolve finds out where the delayed ones among the candidates were published, and
// has them all copied. Those that were not are left out, and a message that was
// found twice, in its first place and in a copy, is one.
func (r *lookup) resolve(s *Shard, found []candidate, i int) {
	for ; i < len(found); i++ {
		c := &found[i]
		if c.deliverAt == 0 {
			continue
		}
		twice := func(o candidate) bool { return o.deliverAt != 0 && o.id == c.id && o.published != nil }
		if slices.ContainsFunc(found[:i], twice) {
			continue
		}
		next := i + 1
		s.seek(c, r.client, func(s *Shard) { r.resolve(s, found, next) })
		return
	}
	r.copyFound(s, found)
}

// wasPublished tells whether a delayed candidate is there for readers.
func (s *Shard) wasPublished(c *candidate, q *KeyQuery) bool {
	p := c.published
	if p == nil || q != nil && (p.StoreTime < q.Begin || p.StoreTime > q.End) {
		return false
	}
	queue := s.state.Queue(c.queue)
	return queue != nil && p.Offset >= s.first(queue) && p.Offset < s.queueAt(queue.Slot).visible
}

// copyDelayed appends a delayed message as it was published.
func (c *candidate) copyDelayed(r *Records, log wal.Log, shard model.ShardID, host *netip.AddrPort) error {
	raw := make([]byte, c.size)
	if _, err := log.ReadAt(raw, c.lsn); err != nil {
		return err
	}
	w, err := bodyIn(raw, true, shard, c.published)
	if err != nil {
		return fmt.Errorf("record at LSN %d: %w", c.lsn, err)
	}
	publishAs(w, c.published)
	r.add(w, *host)
	return nil
}

// movedFinder returns what looks for the copy of a message whose segment is gone,
// by the address that it keeps.
func (s *Shard) movedFinder(id model.LSN) func() ([]candidate, error) {
	var segments []index.SegmentInfo
	s.index.Each(func(x index.SegmentInfo) bool {
		if x.Apart > 0 {
			segments = append(segments, x)
		}
		return true
	})
	log, shard, written := s.log, s.cfg.Shard, s.written
	newest, _ := s.index.SegmentStart()
	return func() (found []candidate, err error) {
		for _, x := range slices.Backward(segments) {
			if x.Base == newest {
				x.End = written
			}
			keep := func(kind record.Kind, d *record.Data, lsn model.LSN, size int) {
				if kind == record.KindRelocate && model.Address(d.Wire.PhysicalOffset()).LSN() == id {
					found = append(found, candidateOf(shard, d, lsn, size))
				}
			}
			if x.Sealed != nil {
				err = eachWithKey(log, x.Sealed, index.MovedKey(id), maxQuery, keep)
			} else {
				err = walkFrames(log, x.Base, x.End, func(h wal.Header, payload []byte) error {
					return eachStored(h, payload, keep)
				})
			}
			if len(found) > 0 || err != nil {
				return found, err
			}
		}
		return nil, nil
	}
}
