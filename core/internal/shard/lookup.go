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
	delayedCandidate
}

func (r *lookup) decide(s *Shard) {
	find := s.findByKey(r.query)
	if r.query == nil {
		lsn := r.at.LSN()
		if r.at < 0 || r.at.Shard() != s.cfg.Shard || lsn >= s.written {
			r.fail(s, notFound(r.at))
			return
		}
		find = func() ([]candidate, error) {
			c, err := candidateAt(s.log, s.cfg.Shard, lsn)
			return []candidate{c}, err
		}
		if lsn < s.state.LogStart() {
			find = s.movedFinder(lsn)
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
	r.resolve(s, found, 0)
}

// copyFound copies the candidates that are messages of their queues.
func (r *lookup) copyFound(s *Shard, found []candidate) {
	kept := found[:0]
	for _, c := range found {
		if c.deliverAt == 0 && s.isThere(&c) || c.deliverAt != 0 && s.wasPublished(&c, r.query) {
			kept = append(kept, c)
		}
	}
	host, log := r.client.info.StoreHost, s.log
	records := s.newRecords()
	s.readCold("", r.client, func() (bytes int64, then func(*Shard)) {
		for i := range kept {
			bytes += int64(kept[i].size)
			copyTo := kept[i].copyTo
			if kept[i].deliverAt != 0 {
				copyTo = kept[i].copyDelayed
			}
			if err := copyTo(records, log, s.cfg.Shard, &host); err != nil {
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
	data, ok := e.(*record.Data) // delayed or not
	if !ok || data.Wire.PhysicalOffset() != int64(model.AddressOf(shard, lsn)) {
		return c, fmt.Errorf("the record at LSN %d is no message", lsn)
	}
	return candidateOf(shard, data, lsn, n), nil
}

func candidateOf(shard model.ShardID, d *record.Data, lsn model.LSN, size int) candidate {
	waited := d.DeliverAt
	if waited == model.Prepared {
		waited = d.Wire.StoreTime()
	}
	return candidate{
		queue:  model.Queue{Shard: shard, Topic: d.Topic, Num: d.Queue},
		offset: model.Offset(d.Wire.QueueOffset()), lsn: lsn, size: size,
		delayedCandidate: delayedCandidate{deliverAt: waited, id: model.Address(d.Wire.PhysicalOffset()).LSN(), tag: d.TagHash},
	}
}

// findByKey returns what looks a key up, in the segments as they are now.
func (s *Shard) findByKey(q *KeyQuery) func() ([]candidate, error) {
	if q == nil {
		return nil
	}
	var segments []index.SegmentInfo
	s.index.Each(func(x index.SegmentInfo) bool {
		if x.Last >= q.Begin || x.Apart > 0 { // what waited was published later
			segments = append(segments, x)
		}
		return true
	})
	log, shard, written := s.log, s.cfg.Shard, s.written
	newest, _ := s.index.SegmentStart()
	return func() (found []candidate, err error) {
		for i := len(segments) - 1; i >= 0 && len(found) < q.Max; i-- {
			x := segments[i]
			if x.Base == newest {
				x.End = written
			}
			part, err := q.findIn(log, shard, x)
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
func (q *KeyQuery) findIn(log wal.Log, shard model.ShardID, x index.SegmentInfo) (found []candidate, err error) {
	keep := func(_ record.Kind, d *record.Data, lsn model.LSN, size int) {
		if q.matches(d) {
			found = append(found, candidateOf(shard, d, lsn, size))
		}
	}
	if x.Sealed != nil {
		err = eachWithKey(log, x.Sealed, index.HashKey(q.Topic, q.Key), q.Max, keep)
	} else {
		err = walkFrames(log, x.Base, x.End, func(h wal.Header, payload []byte) error {
			return eachStored(h, payload, keep)
		})
	}
	for i, j := 0, len(found)-1; i < j; i, j = i+1, j-1 {
		found[i], found[j] = found[j], found[i]
	}
	return found, err
}

// eachWithKey passes the newest messages of a segment that have a key's hash to keep.
func eachWithKey(log wal.Log, sealed *index.Sealed, hash uint64, limit int, keep keepStored) error {
	var places []model.LSN
	err := sealed.Keys(hash, func(lsn model.LSN) bool {
		places = append(places, lsn)
		return true
	})
	if err != nil {
		return err
	}
	for _, lsn := range places[max(len(places)-4*limit, 0):] {
		size, ok, err := sealed.Record(lsn)
		if err != nil || !ok {
			return fmt.Errorf("the index has a key at LSN %d, and no record: %w", lsn, err)
		}
		raw := make([]byte, size)
		if _, err := log.ReadAt(raw, lsn); err != nil {
			return err
		}
		kind, content, n, err := record.Open(raw)
		if err != nil {
			return fmt.Errorf("record at LSN %d: %w", lsn, err)
		}
		if data, ok := record.Stored(kind, content); ok {
			keep(kind, &data, lsn, n)
		}
	}
	return nil
}

// keepStored takes a message that was stored, or its copy; the message is valid
// during the call.
type keepStored func(kind record.Kind, d *record.Data, lsn model.LSN, size int)

func eachStored(h wal.Header, payload []byte, keep keepStored) error {
	lsn := h.LSN + wal.HeaderSize
	for range h.Count {
		kind, content, n, err := record.Open(payload)
		if err != nil {
			return fmt.Errorf("record at LSN %d: %w", lsn, err)
		}
		if data, ok := record.Stored(kind, content); ok {
			keep(kind, &data, lsn, n)
		}
		lsn, payload = lsn+model.LSN(n), payload[n:]
	}
	return nil
}

// matches compares the message itself: hashes may be equal by chance.
func (q *KeyQuery) matches(d *record.Data) bool {
	if t := d.Wire.StoreTime(); string(d.Wire.Topic()) != q.Topic || d.DeliverAt == 0 && (t < q.Begin || t > q.End) {
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
