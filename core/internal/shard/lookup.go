package shard

import (
	"bytes"
	"fmt"
	"math"
	"net/netip"

	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
)

// A look-up finds messages by something else than their queue and offset. What
// it finds in the log is a guess until the index holds it for a message that is
// there, visible, and begins at that very place.

// KeyQuery asks for messages of a topic by a key: a word of KEYS, or UNIQ_KEY.
type KeyQuery struct {
	Topic, Key string
	Unique     bool  // the key is a UNIQ_KEY
	Begin, End int64 // store time, ms; an End of 0 is now
	Max        int   // messages, the newest first; default 32
}

// maxQuery bounds the answer to a KeyQuery.
const maxQuery = 64

// lookup is a Lookup or a Query.
type lookup struct {
	client *Client
	at     model.Address // of a Lookup
	query  *KeyQuery     // of a Query
	done   func(*Records, error)
}

// Lookup queues the call. See core.Client.
func (c *Client) Lookup(at model.Address, done func(*Records, error)) {
	c.add(&lookup{client: c, at: at, done: done})
}

// Query queues the call. See core.Client.
func (c *Client) Query(q KeyQuery, done func(*Records, error)) {
	if q.End <= 0 {
		q.End = math.MaxInt64
	}
	q.Max = clampDefault(q.Max, 32, maxQuery)
	c.add(&lookup{client: c, query: &q, done: done})
}

func (r *lookup) class() class     { return reads }
func (r *lookup) refuse(err error) { r.done(nil, err) }

func (r *lookup) fail(s *Shard, err error) {
	s.touch(r.client)
	r.done(nil, err)
}

// candidate is a message that may be one of those asked for.
type candidate struct {
	queue  model.Queue
	offset model.Offset
	lsn    model.LSN
	size   int
	seen   index.Range // where the index has the offset
}

func (r *lookup) decide(s *Shard) {
	find := s.findByKey(r.query)
	if r.query == nil {
		lsn := r.at.LSN()
		if r.at < 0 || r.at.Shard() != s.cfg.Shard || lsn < s.state.LogStart() || lsn >= s.written {
			r.fail(s, notFound(r.at))
			return
		}
		find = func() ([]candidate, error) {
			c, err := candidateAt(s.log, s.cfg.Shard, lsn)
			return []candidate{c}, err
		}
	}
	s.readCold("", r.client, func() (int64, func(*Shard)) {
		found, err := find()
		return 0, func(s *Shard) { r.confirm(s, found, err) }
	})
}

func notFound(at model.Address) error {
	return model.Errorf(model.MessageNotFound, "there is no message at offset %d", at)
}

// confirm keeps the candidates that are messages of their queues, and has them copied.
func (r *lookup) confirm(s *Shard, found []candidate, err error) {
	if err != nil && r.query == nil {
		r.fail(s, notFound(r.at)) // whatever lies there, no message begins there
		return
	}
	if err != nil {
		r.fail(s, unreadable(s, err))
		return
	}
	kept := found[:0]
	for _, c := range found {
		if s.isThere(&c) {
			kept = append(kept, c)
		}
	}
	host, log := r.client.info.StoreHost, s.log
	records := s.newRecords()
	s.readCold("", r.client, func() (bytes int64, then func(*Shard)) {
		for i := range kept {
			bytes += int64(kept[i].size)
			if err := kept[i].copyTo(records, log, s.cfg.Shard, &host); err != nil {
				records.Release()
				return bytes, func(s *Shard) { r.fail(s, unreadable(s, err)) }
			}
		}
		return bytes, func(s *Shard) { r.answer(s, records) }
	})
}

func (r *lookup) answer(s *Shard, records *Records) {
	if records.Count == 0 {
		records.Release()
		if r.query == nil {
			r.fail(s, notFound(r.at))
		} else {
			r.fail(s, model.Errorf(model.MessageNotFound, "topic %s has no message with key %q in that time", r.query.Topic, r.query.Key))
		}
		return
	}
	s.touch(r.client)
	r.done(records, nil)
}

// isThere tells whether a candidate's offset is one that a pull could read, and
// notes where the index has it.
func (s *Shard) isThere(c *candidate) bool {
	q := s.state.Queue(c.queue)
	if q == nil || c.offset < s.first(q) || c.offset >= s.queueAt(q.Slot).visible {
		return false
	}
	x, ok := s.index.Range(q.Slot, c.offset)
	if !ok || c.offset < x.First {
		return false
	}
	c.seen = x
	if x.Sealed != nil {
		return true // a reader looks closer
	}
	same := false
	x.Scan(c.offset, c.offset+1, func(p index.Place) bool {
		same = p.LSN == c.lsn
		return false
	})
	return same
}

// copyTo appends the message to an answer, unless the index has another one at
// its offset.
func (c *candidate) copyTo(r *Records, log wal.Log, shard model.ShardID, host *netip.AddrPort) error {
	if c.seen.Sealed != nil {
		same := false
		err := c.seen.Read(c.offset, c.offset+1, func(p index.Place) bool {
			same = p.LSN == c.lsn
			return false
		})
		if err != nil || !same {
			return err
		}
	}
	raw := make([]byte, c.size)
	if _, err := log.ReadAt(raw, c.lsn); err != nil {
		return err
	}
	w, err := messageIn(raw, true, shard, &index.Place{Offset: c.offset, LSN: c.lsn})
	if err != nil {
		return fmt.Errorf("record at LSN %d: %w", c.lsn, err)
	}
	r.add(w, *host)
	return nil
}

// candidateAt reads the record at an LSN, if it is a message's.
func candidateAt(log wal.Log, shard model.ShardID, lsn model.LSN) (c candidate, err error) {
	head := make([]byte, record.MaxHead)
	if _, err := log.ReadAt(head, lsn); err != nil {
		return c, err
	}
	size := record.FullSize(head)
	if size <= 0 || size > wal.MaxFrame {
		return c, fmt.Errorf("there is no record at LSN %d", lsn)
	}
	raw := make([]byte, size)
	if _, err := log.ReadAt(raw, lsn); err != nil {
		return c, err
	}
	var d record.Decoder
	e, n, err := d.Decode(raw)
	if err != nil {
		return c, err
	}
	data, ok := e.(*record.Data)
	if !ok || data.Wire.PhysicalOffset() != int64(model.AddressOf(shard, lsn)) {
		return c, fmt.Errorf("the record at LSN %d is no message", lsn)
	}
	return candidateOf(shard, data, lsn, n), nil
}

func candidateOf(shard model.ShardID, d *record.Data, lsn model.LSN, size int) candidate {
	return candidate{
		queue:  model.Queue{Shard: shard, Topic: d.Topic, Num: d.Queue},
		offset: model.Offset(d.Wire.QueueOffset()), lsn: lsn, size: size,
	}
}

// findByKey returns what looks a key up, in the segments as they are now.
func (s *Shard) findByKey(q *KeyQuery) func() ([]candidate, error) {
	if q == nil {
		return nil
	}
	var segments []index.SegmentInfo
	s.index.Each(func(x index.SegmentInfo) bool {
		if x.Last >= q.Begin {
			segments = append(segments, x)
		}
		return true
	})
	log, shard, written := s.log, s.cfg.Shard, s.written
	return func() (found []candidate, err error) {
		for i := len(segments) - 1; i >= 0 && len(found) < q.Max; i-- {
			x, end := segments[i], written
			if i+1 < len(segments) {
				end = segments[i].End
			}
			part, err := q.findIn(log, shard, x, end)
			if err != nil {
				return nil, err
			}
			found = append(found, part...)
		}
		return found[:min(len(found), q.Max)], nil
	}
}

// findIn returns the messages of one segment that have the key, newest first. A
// segment without a sealed index is read whole.
func (q *KeyQuery) findIn(log wal.Log, shard model.ShardID, x index.SegmentInfo, end model.LSN) (found []candidate, err error) {
	keep := func(d *record.Data, lsn model.LSN, size int) {
		if q.matches(d) {
			found = append(found, candidateOf(shard, d, lsn, size))
		}
	}
	if x.Sealed != nil {
		err = q.findSealed(log, x.Sealed, keep)
	} else {
		err = walkFrames(log, x.Base, end, func(h wal.Header, payload []byte) error {
			return eachData(h, payload, keep)
		})
	}
	for i, j := 0, len(found)-1; i < j; i, j = i+1, j-1 {
		found[i], found[j] = found[j], found[i]
	}
	return found, err
}

func (q *KeyQuery) findSealed(log wal.Log, sealed *index.Sealed, keep func(*record.Data, model.LSN, int)) error {
	var places []model.LSN
	err := sealed.Keys(index.HashKey(q.Topic, q.Key), func(lsn model.LSN) bool {
		places = append(places, lsn)
		return true
	})
	if err != nil {
		return err
	}
	var d record.Decoder
	for _, lsn := range places[max(len(places)-4*q.Max, 0):] {
		size, ok, err := sealed.Record(lsn)
		if err != nil || !ok {
			return fmt.Errorf("the index has a key at LSN %d, and no record: %w", lsn, err)
		}
		raw := make([]byte, size)
		if _, err := log.ReadAt(raw, lsn); err != nil {
			return err
		}
		e, n, err := d.Decode(raw)
		if err != nil {
			return fmt.Errorf("record at LSN %d: %w", lsn, err)
		}
		if data, ok := e.(*record.Data); ok {
			keep(data, lsn, n)
		}
	}
	return nil
}

func eachData(h wal.Header, payload []byte, fn func(*record.Data, model.LSN, int)) error {
	var d record.Decoder
	lsn := h.LSN + wal.HeaderSize
	for range h.Count {
		e, n, err := d.Decode(payload)
		if err != nil {
			return fmt.Errorf("record at LSN %d: %w", lsn, err)
		}
		if data, ok := e.(*record.Data); ok {
			fn(data, lsn, n)
		}
		lsn, payload = lsn+model.LSN(n), payload[n:]
	}
	return nil
}

// matches compares the message itself: hashes may be equal by chance.
func (q *KeyQuery) matches(d *record.Data) bool {
	if t := d.Wire.StoreTime(); t < q.Begin || t > q.End || string(d.Wire.Topic()) != q.Topic {
		return false
	}
	properties := d.Wire.Properties()
	if string(record.Property(properties, record.PropUniqueKey)) == q.Key {
		return true
	}
	if q.Unique {
		return false
	}
	for word := range bytes.SplitSeq(record.Property(properties, record.PropKeys), []byte{' '}) {
		if string(word) == q.Key {
			return true
		}
	}
	return false
}
