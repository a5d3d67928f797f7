package shard

import (
	"container/heap"
	"strconv"

	"github.com/gantrymq/gantry/core/internal/delay"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/internal/txn"
	"github.com/gantrymq/gantry/core/record"
)

const (
	// checkSlice is how many transactions a step looks at, checkBatch how many of them
	// are read at once, with so many bytes at most, but for one.
	checkSlice = 2000
	checkBatch = 256
	checkBytes = 1 << 20
	// checkRetry is when, in ms, a transaction is looked at again that could not be read or given up.
	checkRetry = 30_000
)

// MaxChecksTopic is where messages go whose transactions are given up.
const MaxChecksTopic = "TRANS_CHECK_MAX_TIME_TOPIC"

// checks asks producers about transactions that are open for long. When the next one
// is due is in no record: it follows from the state. A transaction that has ended
// stays in the heap until its time.
type checks struct {
	due    dueChecks
	parked map[uint32][]model.LSN // nobody lives who can be asked, by the group's hash

	armed   bool
	alarm   alarmID
	alarmAt int64

	reading bool
	read    []moved // and not yet dealt with
	next    int     // of read
}

// dueCheck is when, by the monotonic clock, a transaction is looked at.
type dueCheck struct {
	at int64
	id model.LSN
}

type dueChecks []dueCheck

func (d dueChecks) Len() int { return len(d) }
func (d dueChecks) Less(i, j int) bool {
	return d[i].at < d[j].at || d[i].at == d[j].at && d[i].id < d[j].id
}
func (d dueChecks) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *dueChecks) Push(x any)   { *d = append(*d, x.(dueCheck)) }

func (d *dueChecks) Pop() any {
	last := len(*d) - 1
	x := (*d)[last]
	*d = (*d)[:last]
	return x
}

// began notes that a transaction was opened.
func (c *checks) began(s *Shard, t *txn.Open) {
	if t != nil {
		heap.Push(&c.due, dueCheck{c.when(s, t), t.ID})
	}
}

// recovered finds out when each transaction is due that was open at the start.
func (c *checks) recovered(s *Shard) {
	s.state.Open().Each(0, func(t *txn.Open) bool {
		c.due = append(c.due, dueCheck{c.when(s, t), t.ID})
		return true
	})
	heap.Init(&c.due)
}

// when returns when, by the monotonic clock, a transaction is due.
func (c *checks) when(s *Shard, t *txn.Open) int64 {
	wait := s.cfg.TransactionTimeout.Milliseconds()
	switch {
	case t.Checks > 0:
		wait = s.cfg.TransactionInterval.Milliseconds()
	case t.Immunity > 0:
		wait = int64(t.Immunity) * 1000
	}
	return s.now.Mono + min(max(t.Since+wait-s.now.Wall, 0), wait)
}

// resume looks anew at the transactions of a group, because somebody came who can
// be asked.
func (c *checks) resume(s *Shard, group uint32) {
	for _, id := range c.parked[group] {
		heap.Push(&c.due, dueCheck{s.now.Mono, id})
	}
	delete(c.parked, group)
}

// ring is the alarm. The step that follows does what is to be done.
func (c *checks) ring(*Shard) { c.armed = false }

// step deals with what was read, or reads what is due.
func (c *checks) step(s *Shard) {
	if s.Err() != nil || s.holdUntil != 0 || s.stopping || c.reading {
		return
	}
	for c.next < len(c.read) {
		if s.full() || s.disk.empty {
			return // a sync, or room, takes the next step
		}
		m := &c.read[c.next]
		c.next++
		c.deal(s, m)
	}
	c.read, c.next = nil, 0
	if batch := c.ripe(s); len(batch) > 0 {
		c.fetch(s, batch)
	}
}

// ripe returns the messages of transactions that are due.
func (c *checks) ripe(s *Shard) []delay.Message {
	batch := movedBatch{}
	for looked := 0; len(c.due) > 0 && c.due[0].at <= s.now.Mono; looked++ {
		if looked == checkSlice {
			s.inbox.poke()
			break
		}
		id := c.due[0].id
		if t := s.state.Open().Get(id); t != nil {
			switch m := s.state.Prepared(id); {
			case int(t.Checks) < s.cfg.TransactionChecks && s.members.producers[t.Producer] == nil:
				c.park(t)
			case len(batch.all) == checkBatch || !batch.add(m):
				return batch.all // the next step takes it
			}
		}
		heap.Pop(&c.due)
	}
	return batch.all
}

// park puts a transaction aside until one of its producer group comes.
func (c *checks) park(t *txn.Open) {
	if c.parked == nil {
		c.parked = make(map[uint32][]model.LSN)
	}
	c.parked[t.Producer] = append(c.parked[t.Producer], t.ID)
}

// fetch has a reader read a batch.
func (c *checks) fetch(s *Shard, batch []delay.Message) {
	c.reading = true
	log, shard := s.log, s.cfg.Shard
	s.readCold("", nil, func() (int64, func(*Shard)) {
		read, bytes := readBatch(log, shard, batch)
		return bytes, func(s *Shard) {
			c.reading, c.read, c.next = false, read, 0
			s.inbox.poke()
		}
	})
}

// deal asks about a transaction, or gives it up.
func (c *checks) deal(s *Shard, m *moved) {
	t := s.state.Open().Get(m.ID())
	switch {
	case t == nil:
	case m.err != nil:
		if now := s.state.Prepared(m.ID()); now.At() == m.At() {
			s.logger.Error("a prepared message cannot be read: nobody is asked about it", "shard", s.cfg.Shard, "lsn", m.ID(), "err", m.err)
		}
		heap.Push(&c.due, dueCheck{s.now.Mono + checkRetry, t.ID})
	case int(t.Checks) < s.cfg.TransactionChecks:
		c.ask(s, t, m.data.Wire)
	case s.disk.low:
		heap.Push(&c.due, dueCheck{s.now.Mono + checkRetry, t.ID})
	default:
		s.discard(t, m.data.Wire)
	}
}

// ask asks one of the transaction's producers how it ends.
func (c *checks) ask(s *Shard, t *txn.Open, w record.Wire) {
	group := string(record.Property(w.Properties(), record.PropProducerGroup))
	to := s.members.producers.next(group)
	if to == nil {
		c.park(t)
		return
	}
	s.emit(&record.Txn{Op: record.TxnCheck, ID: t.ID, Time: s.now.Wall})
	s.count.Checks++
	heap.Push(&c.due, dueCheck{s.now.Mono + s.cfg.TransactionInterval.Milliseconds(), t.ID})
	offset := model.Offset(t.ID)
	shown := w
	if counted, ok := record.Copy(nil, w, string(w.Topic()), w.ReconsumeTimes(), []record.PropertyValue{
		{Key: record.PropCheckTimes, Value: strconv.Itoa(int(t.Checks))},
	}); ok {
		shown = counted
	}
	shown.Place(w.Queue(), int64(offset), w.PhysicalOffset(), w.StoreTime())
	shown.PatchStoreHost(to.client.info.StoreHost)
	to.client.info.Push(Command{Kind: CheckTransaction, Group: group, Check: &Check{
		Topic: string(w.Topic()), UniqueKey: string(record.Property(w.Properties(), record.PropUniqueKey)),
		Address: model.Address(w.PhysicalOffset()), Offset: offset, Message: shown,
	}})
	s.touch(to.client)
}

// discard gives a transaction up: a copy of its message goes to MaxChecksTopic, in
// the frame that ends it.
func (s *Shard) discard(t *txn.Open, w record.Wire) {
	topic := s.maxChecksTopic()
	real := []record.PropertyValue{
		{Key: record.PropRealTopic, Value: string(w.Topic())},
		{Key: record.PropRealQueue, Value: strconv.Itoa(int(w.Queue()))},
		{Key: record.PropCheckTimes, Value: strconv.Itoa(int(t.Checks))},
	}
	copied, ok := record.Copy(nil, w, topic.Config.Name, w.ReconsumeTimes(), real)
	if !ok { // no room for the origin: the message itself matters more
		copied, _ = record.Copy(copied[:0], w, topic.Config.Name, w.ReconsumeTimes(), nil)
	}
	copied.NoTransaction()
	s.logger.Warn("a transaction is given up: its producers were asked as often as may be", "topic", string(w.Topic()), "address", w.PhysicalOffset(), "checks", t.Checks)
	to := topic.Queues[0]
	end := record.Txn{Op: record.TxnDiscard, ID: t.ID}
	d := &s.frame.data
	*d = record.Data{Topic: topic.ID, Queue: to.Num, Wire: copied}
	size := record.Size(d) + record.Size(&end)
	s.reserve(size)
	s.frame.reserved = size
	s.emitData(to, &encoded{slot: to.Slot}, copied)
	s.emit(&end)
	s.count.Discarded++
	s.showWhenDone(to, topic, func(*Shard, error) {})
}

func (s *Shard) maxChecksTopic() *state.Topic {
	if t := s.state.Topic(MaxChecksTopic); t != nil {
		return t
	}
	return s.putTopic(s.state.NextTopicID(), model.TopicConfig{
		Name: MaxChecksTopic, ReadQueues: 1, WriteQueues: 1, Perm: model.PermRead | model.PermWrite,
		Attributes: map[string]string{model.AttrKind: "MIXED"},
	})
}

// arm sets the alarm for what is due next, unless that has ended.
func (c *checks) arm(s *Shard) {
	if s.stopping || c.reading || c.armed && len(c.due) > 0 && c.alarmAt <= c.due[0].at {
		return
	}
	for len(c.due) > 0 && s.state.Open().Get(c.due[0].id) == nil {
		heap.Pop(&c.due)
	}
	if c.armed {
		c.armed = false
		s.alarms.cancel(s, c.alarm)
	}
	if len(c.due) == 0 || c.next < len(c.read) {
		return
	}
	c.armed, c.alarmAt = true, max(c.due[0].at, s.now.Mono)
	c.alarm = s.alarms.set(s, c.alarmAt, c)
}
