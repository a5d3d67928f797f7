package index

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// Builder makes the index part of a segment from the segment's frames. Equal
// frames give equal bytes. It has one user at a time; its memory is bounded by
// the segment: 24 bytes a message and 16 a key, in Part 28 and at most 32.
type Builder struct {
	shard   model.ShardID
	base    model.LSN
	end     model.LSN // of the last frame
	after   model.LSN // where the segment before ended
	decoder record.Decoder

	first, last int64 // store times of messages
	apart, refs uint32
	waited      int64 // store time of the last delayed message
	entries     chunks[built]
	rows        []row // in the order of their first messages; at is not set
	newest      map[queueName]uint32
	order       []uint32 // the entries by row, once all are there
	starts      starts
	found       chunks[key]       // in the order of the log
	keys        []key             // sorted, once all are found
	pos         uint32            // of the message whose keys are being added
	addKey      func(hash uint64) // made once
}

// built is an entry in the order of the log, with the number of its row.
type built struct {
	entry
	row uint32
}

type queueName struct {
	topic model.TopicID
	queue int32
}

// NewBuilder returns a builder for the segment that begins at base.
func NewBuilder(shard model.ShardID, base model.LSN) *Builder {
	b := &Builder{shard: shard, base: base, end: base, after: base, newest: make(map[queueName]uint32)}
	b.addKey = func(hash uint64) { b.found.add(key{hash, b.pos}) }
	return b
}

// AddFrame adds the records of a frame: the payload, whose first byte is at lsn,
// and how many records it has. All of the segment's frames are added, in order.
// Every record is verified.
func (b *Builder) AddFrame(lsn model.LSN, payload []byte, count uint32) error {
	if lsn < b.end {
		return fmt.Errorf("frame with payload at LSN %d comes behind LSN %d", lsn, b.end)
	}
	for range count {
		e, n, err := b.decoder.Decode(payload)
		if err != nil {
			return fmt.Errorf("record at LSN %d: %w", lsn, err)
		}
		switch r := e.(type) {
		case *record.Data:
			err = b.addMessage(lsn, n, r)
		case *record.Relocate:
			err = b.addApart(lsn, n, &r.Data)
			b.addKey(MovedKey(model.Address(r.Wire.PhysicalOffset()).LSN()))
		case *record.Publish:
			err = b.addRef(lsn, n, r)
		case *record.Gap:
			b.after = r.From
		}
		if err != nil {
			return fmt.Errorf("record at LSN %d: %w", lsn, err)
		}
		lsn, payload = lsn+model.LSN(n), payload[n:]
	}
	if len(payload) != 0 {
		return fmt.Errorf("frame that ends at LSN %d has %d bytes behind its %d records", lsn+model.LSN(len(payload)), len(payload), count)
	}
	b.end = lsn
	return nil
}

func (b *Builder) addMessage(lsn model.LSN, size int, d *record.Data) error {
	if d.Wire.PhysicalOffset() != int64(model.AddressOf(b.shard, lsn)) {
		return fmt.Errorf("message has the address %d", d.Wire.PhysicalOffset())
	}
	if d.DeliverAt != 0 {
		b.waited = max(b.waited, d.Wire.StoreTime())
		return b.addApart(lsn, size, d)
	}
	if err := b.stored(lsn, size, d.Wire.StoreTime()); err != nil {
		return err
	}
	err := b.addEntry(queueName{d.Topic, d.Queue}, model.Offset(d.Wire.QueueOffset()), b.entry(lsn, uint32(size), d.TagHash))
	b.addStart(lsn, size, d.Wire)
	return err
}

// addRef adds a message that a record publishes by reference: it lies elsewhere.
func (b *Builder) addRef(lsn model.LSN, size int, r *record.Publish) error {
	packed, ok := refSize(size, r.Size)
	if !ok {
		return fmt.Errorf("reference of %d bytes, to %d bytes", size, r.Size)
	}
	if err := b.stored(lsn, size, r.StoreTime); err != nil {
		return err
	}
	b.refs++
	return b.addEntry(queueName{r.Topic, r.Queue}, r.Offset, b.entry(lsn, packed, r.TagHash))
}

// addApart adds a message that is in no queue of its own.
func (b *Builder) addApart(lsn model.LSN, size int, d *record.Data) error {
	b.apart++
	b.addStart(lsn, size, d.Wire)
	if !fits(int64(lsn-b.base) + int64(size)) {
		return fmt.Errorf("it does not belong to the segment at LSN %d", b.base)
	}
	return nil
}

// stored notes when the next message of a queue was stored.
func (b *Builder) stored(lsn model.LSN, size int, at int64) error {
	if b.entries.len() == 0 {
		b.first, b.last = at, at
	}
	if at < b.last || !fits(at-b.first) || !fits(int64(lsn-b.base)+int64(size)) {
		return fmt.Errorf("message stored at %d, the one before at %d, the segment's first at %d, LSN %d", at, b.last, b.first, b.base)
	}
	b.last = at
	return nil
}

// entry makes the entry of a message stored just now.
func (b *Builder) entry(lsn model.LSN, size uint32, tag int32) entry {
	return entry{pos: uint32(lsn - b.base), size: size, tag: tag, time: uint32(b.last - b.first)}
}

func (b *Builder) addEntry(name queueName, offset model.Offset, e entry) error {
	at, err := b.rowOf(name, offset, e.time)
	if err != nil {
		return err
	}
	r := &b.rows[at]
	r.n++
	r.bytes = uint32(min(uint64(r.bytes)+uint64(e.bytes()), math.MaxUint32))
	r.lastTime = e.time
	b.entries.add(built{e, at})
	return nil
}

// addStart adds where a message's record begins, and its keys.
func (b *Builder) addStart(lsn model.LSN, size int, w record.Wire) {
	b.pos = uint32(lsn - b.base)
	b.starts.add(b.pos, uint32(size))
	EachKey(w, size, b.addKey)
}

// rowOf returns the number of the row that a message adds to.
func (b *Builder) rowOf(name queueName, offset model.Offset, time uint32) (uint32, error) {
	at, ok := b.newest[name]
	if ok && b.rows[at].end() == offset {
		return at, nil
	}
	if offset < 0 || ok && b.rows[at].end() > offset {
		return 0, fmt.Errorf("message has offset %d in queue %d of topic %d, the next is %d", offset, name.queue, name.topic, b.rows[at].end())
	}
	at = uint32(len(b.rows))
	b.rows = append(b.rows, row{topic: name.topic, queue: name.queue, first: offset, firstTime: time})
	b.newest[name] = at
	return at, nil
}

// Part returns the part of the segment, which ends at LSN end, to be read once.
// Nothing can be added after it.
func (b *Builder) Part(end model.LSN) (io.Reader, error) {
	if end < b.end || !fits(int64(end-b.base)) {
		return nil, fmt.Errorf("segment from LSN %d to %d has a frame that ends at LSN %d", b.base, end, b.end)
	}
	b.newest = nil
	if b.entries.len() == 0 {
		b.first = b.waited
	}
	if b.last = max(b.last, b.waited); !fits(b.last - b.first) {
		return nil, fmt.Errorf("segment from LSN %d has messages stored at %d and at %d", b.base, b.first, b.last)
	}
	b.sortRows()
	b.sortKeys()
	return newPartReader(b, header{
		shard: b.shard, base: b.base, end: end, after: b.after, first: b.first, last: b.last,
		apart: b.apart, refs: b.refs,
		rows: uint32(len(b.rows)), entries: uint32(b.entries.len()), keys: uint32(len(b.keys)), starts: uint32(len(b.starts.fences)),
	}), nil
}

// sortRows sorts the directory, and the entries in its order.
func (b *Builder) sortRows() {
	order := make([]uint32, len(b.rows))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(i, k uint32) int {
		x, y := &b.rows[i], &b.rows[k]
		return cmp.Or(cmp.Compare(x.topic, y.topic), cmp.Compare(x.queue, y.queue), cmp.Compare(x.first, y.first))
	})
	at := uint32(0)
	for _, i := range order {
		b.rows[i].at = at
		at += b.rows[i].n
	}
	rows := make([]row, len(order))
	for k, i := range order {
		rows[k] = b.rows[i]
	}
	b.order = make([]uint32, b.entries.len())
	for i := range at {
		r := &b.rows[b.entries.at(i).row]
		b.order[r.at] = i
		r.at++
	}
	b.rows = rows
}

// sortKeys sorts the keys and drops those that a message has twice: first by the
// upper bits of their hashes, which are spread evenly, then each part for itself.
func (b *Builder) sortKeys() {
	const bits = 8
	var ends [1<<bits + 1]int // of the parts, once all keys are in their places
	for _, c := range b.found.all {
		for i := range c {
			ends[c[i].hash>>(64-bits)+1]++
		}
	}
	for i := range 1 << bits {
		ends[i+1] += ends[i]
	}
	keys := make([]key, b.found.len())
	for _, c := range b.found.all {
		for _, k := range c {
			at := &ends[k.hash>>(64-bits)]
			keys[*at] = k
			*at++
		}
	}
	b.found = chunks[key]{}
	from := 0
	for _, end := range ends[:1<<bits] {
		slices.SortFunc(keys[from:end], func(a, b key) int {
			if a.hash != b.hash {
				return cmp.Compare(a.hash, b.hash)
			}
			return cmp.Compare(a.pos, b.pos)
		})
		from = end
	}
	b.keys = slices.Compact(keys)
}

// Messages returns how many messages were added.
func (b *Builder) Messages() int { return b.entries.len() }
