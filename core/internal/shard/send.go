package shard

import (
	"bytes"
	"hash/crc32"
	"strings"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

const (
	// maxUnit bounds what is all or nothing: it must fit a frame of any WAL.
	maxUnit = 6 << 20
	// maxSend bounds what is decided at once, and so passes the cap of the unsynced window.
	maxSend = 8 << 20
)

// sendRequest is a Send. It belongs to its run, and is reused with it.
type sendRequest struct {
	run     *run
	unit    bool
	done    func([]SendResult, error)
	msgs    []encoded
	results []SendResult
	refused *model.Error // found while encoding; of the whole batch
}

// encoded is a message in the wire layout, and what the loop must know of it.
type encoded struct {
	from, to         int // in the run's buffer: append may move it
	keyFrom, keyTo   int // of the UNIQ_KEY
	nameFrom, nameTo int // of the topic
	queue            int32
	autoCreate       int32
	tagHash          int32
	groupHash        uint32
	deliver          deliverTime
	prepared         bool // it waits for the end of its transaction
	kind             model.Kind
	durability       model.Durability
	slot             uint32
	topic            *state.Topic // of a unit's message, once the unit was checked
	err              *model.Error
}

// Send encodes the messages and queues the call.
func (c *Client) Send(b *Batch, done func([]SendResult, error)) {
	if c.run == nil {
		c.run = c.shard.newRun(c)
	}
	r := c.run.newSend()
	r.unit, r.done = b.Unit, done
	start := len(c.run.buf)
	for i := range b.Messages {
		r.msgs = append(r.msgs, encoded{})
		c.encode(&r.msgs[i], &b.Messages[i])
	}
	limit := maxSend
	if b.Unit {
		limit = maxUnit
	}
	if size := len(c.run.buf) - start; size > limit {
		r.refused = model.Errorf(model.TooLarge, "%d messages of %d bytes together; at most %d may be sent at once", len(b.Messages), size, limit)
	}
	if len(b.Messages) == 0 {
		r.refused = model.Errorf(model.InvalidMessage, "a batch without messages")
	}
	c.add(r)
}

func (r *run) newSend() *sendRequest {
	if r.used == len(r.sends) {
		r.sends = append(r.sends, &sendRequest{run: r})
	}
	send := r.sends[r.used]
	r.used++
	send.msgs, send.results, send.refused = send.msgs[:0], send.results[:0], nil
	return send
}

// encode appends a message to the run's buffer.
func (c *Client) encode(e *encoded, m *Message) {
	known, err := inspect(m.Properties)
	properties := m.Properties
	if known.deliver.set {
		c.properties = delayedProperties(c.properties[:0], properties, known.deliver)
		properties = c.properties
	}
	if err == nil {
		err = c.shard.checkSize(m, len(properties))
	}
	if err != nil {
		e.err = err
		return
	}
	sysFlag, err := known.transaction(m)
	if err != nil {
		e.err = err
		return
	}
	wire := record.Message{
		Flag: m.Flag, SysFlag: sysFlag, Born: m.Born, BornHost: m.BornHost,
		ReconsumeTimes: m.ReconsumeTimes, Body: m.Body, Topic: m.Topic, Properties: properties,
	}
	buf := c.run.buf
	e.from = len(buf)
	buf = wire.Append(buf)
	if known.uniqueKey == nil {
		buf = c.shard.unique.appendProperty(buf, e.from, len(properties))
		known.uniqueKey = buf[len(buf)-1-uniqueKeyLen : len(buf)-1]
	}
	c.run.buf, e.to = buf, len(buf)
	e.queue, e.autoCreate, e.kind, e.durability = m.Queue, m.AutoCreate, m.Kind, m.Durability
	e.tagHash, e.groupHash, e.deliver, e.prepared = known.tagHash, known.groupHash, known.deliver, known.prepared
	e.locate(buf, known.uniqueKey)
}

// locate notes where the topic and the unique key lie, for the loop.
func (e *encoded) locate(buf, key []byte) {
	w := record.Wire(buf[e.from:e.to])
	topic, properties := w.Topic(), w.Properties()
	propsAt := e.to - len(properties)
	e.nameTo = propsAt - 2
	e.nameFrom = e.nameTo - len(topic)
	e.keyFrom = propsAt + bytes.Index(properties, key)
	e.keyTo = e.keyFrom + len(key)
}

func (s *Shard) checkSize(m *Message, properties int) *model.Error {
	switch {
	case len(m.Body) > s.cfg.MaxMessageBytes:
		return model.Errorf(model.TooLarge, "the body has %d bytes, at most %d are allowed", len(m.Body), s.cfg.MaxMessageBytes)
	case properties+len(record.PropUniqueKey)+2+uniqueKeyLen > record.MaxProperties:
		return model.Errorf(model.TooLarge, "the properties have %d bytes, at most %d are allowed with what the server adds", len(m.Properties), record.MaxProperties)
	case len(m.Topic) > maxTopicBytes:
		return model.Errorf(model.InvalidTopic, "the topic's name has %d bytes, at most %d are allowed", len(m.Topic), maxTopicBytes)
	}
	return nil
}

const maxTopicBytes = 255

// known is what core reads out of a message's properties.
type known struct {
	uniqueKey []byte
	tagHash   int32
	groupHash uint32
	deliver   deliverTime
	prepared  bool
	producer  []byte // the producer group
}

func inspect(properties []byte) (k known, err *model.Error) {
	var wait delayProps
	for {
		key, value, rest, ok := record.NextProperty(properties)
		if !ok {
			if wait.any() {
				k.deliver, err = wait.when()
			}
			return k, err
		}
		switch string(key) {
		case record.PropTags:
			k.tagHash = filter.TagHash(value)
		case record.PropUniqueKey:
			if len(value) > 0 {
				k.uniqueKey = value
			}
		case record.PropShardingKey:
			k.groupHash = max(crc32.ChecksumIEEE(value), 1)
		case record.PropDelayLevel:
			wait.level = value
		case record.PropTimerDelaySec:
			wait.sec = value
		case record.PropTimerDelayMs:
			wait.ms = value
		case record.PropTimerDeliverMs:
			wait.at = value
		case record.PropStartDeliverTime:
			wait.start = value
		case record.PropTimerOut:
			wait.out = true
		case record.PropTimerDelete:
			return k, model.Errorf(model.InvalidMessage, "a delayed message is taken back by a recall, not by a message (property %s)", key)
		case record.PropTransaction:
			k.prepared = strings.EqualFold(string(value), "true")
		case record.PropProducerGroup:
			k.producer = value
		}
		properties = rest
	}
}

func (r *sendRequest) class() class { return appends }

func (r *sendRequest) refuse(err error) { r.done(nil, err) }

// size returns at least what the messages take in the log, the topics included that
// they make.
func (r *sendRequest) size() int {
	const overhead = 512
	n := overhead
	for i := range r.msgs {
		n += r.msgs[i].to - r.msgs[i].from + overhead/4
	}
	return n
}

// decide stores the messages, those of a Unit together or not at all.
func (r *sendRequest) decide(s *Shard) {
	if r.refused == nil && s.disk.refuses(r.size()) {
		r.refused = errDiskFull
	}
	if r.refused == nil && r.unit {
		r.refused = r.checkUnit(s)
	}
	if r.refused != nil {
		s.count.Refused += int64(len(r.msgs))
		r.answer(s, r.refused)
		return
	}
	var at storedAt
	for i := range r.msgs {
		r.results = append(r.results, SendResult{})
		m, result := &r.msgs[i], &r.results[i]
		if err := r.store(s, m, result, &at); err != nil {
			s.count.Refused++
			result.Err = err
		}
	}
	if at.end == 0 {
		r.answer(s, nil)
		return
	}
	if at.visible == atDurable {
		r.holdQueues(s, at.end)
	}
	if at.answer == at.visible {
		s.when(at.visible, at.end, r)
		return
	}
	r.run.open++ // until both are done
	s.when(at.visible, at.end, (*publication)(r))
	s.when(at.answer, at.end, (*reply)(r))
}

// storedAt collects where the messages of a request ended, and what each of its
// two effects waits for.
type storedAt struct {
	end             model.LSN
	visible, answer level
}

// checkUnit finds what would keep a part of the whole from being stored; if
// nothing does, it sees to the topics and to the room for all in one frame.
func (r *sendRequest) checkUnit(s *Shard) *model.Error {
	for i := range r.msgs {
		m := &r.msgs[i]
		if m.err != nil {
			return m.err
		}
		if at, err := s.deliverAt(m.deliver); at != 0 || err != nil {
			return model.Errorf(model.InvalidMessage, "a delayed message may not be part of a batch that is stored as one")
		}
		if m.prepared {
			return model.Errorf(model.InvalidMessage, "a transactional message may not be part of a batch that is stored as one")
		}
		if _, err := s.target(r.run.buf[m.nameFrom:m.nameTo], m); err != nil {
			return err
		}
	}
	size := 0
	for i := range r.msgs {
		m := &r.msgs[i]
		t := s.topicFor(r.run.buf[m.nameFrom:m.nameTo], m)
		m.topic = t
		if m.queue < 0 && i == 0 { // one turn for all: consecutive offsets in one queue
			m.queue = s.queueFrom(t, m)
		} else if m.queue < 0 {
			m.queue = r.msgs[0].queue % t.Config.WriteQueues
		}
		d := &s.frame.data
		*d = record.Data{Topic: t.ID, Queue: m.queue, GroupHash: m.groupHash, Wire: r.run.buf[m.from:m.to]}
		size += record.Size(d)
	}
	s.reserve(size)
	s.frame.reserved = size
	return nil
}

// store decides one message.
func (r *sendRequest) store(s *Shard, m *encoded, result *SendResult, at *storedAt) error {
	if m.err != nil {
		return m.err
	}
	deliverAt, err := s.deliverAt(m.deliver)
	if err != nil {
		return err
	}
	t := m.topic
	if t == nil {
		name := r.run.buf[m.nameFrom:m.nameTo]
		found, err := s.target(name, m)
		if err != nil {
			return err
		}
		if t = found; t == nil {
			t = s.topicFor(name, m)
		}
	}
	num := m.queue
	if num < 0 {
		num = s.queueFrom(t, m)
	}
	q := t.Queues[num]
	m.slot = q.Slot
	if m.prepared {
		r.storePrepared(s, t, q, m, result, at)
		return nil
	}
	if deliverAt != 0 {
		r.storeDelayed(s, t, q, m, deliverAt, result, at)
		return nil
	}
	lsn, end := s.emitData(q, m, record.Wire(r.run.buf[m.from:m.to]))
	result.Queue = model.Queue{Shard: s.cfg.Shard, Topic: t.ID, Num: num}
	result.Offset = q.Next - 1
	result.Address = model.AddressOf(s.cfg.Shard, lsn)
	result.StoreTime = s.storeTime
	result.UniqueKey = r.run.buf[m.keyFrom:m.keyTo]
	at.end = end
	s.levels(t, q, m.durability, at)
	return nil
}

// levels raises what a request waits for to what this message asks.
func (s *Shard) levels(t *state.Topic, q *state.Queue, asked model.Durability, at *storedAt) {
	topic := orDefault(t.Config.Durability, s.cfg.Flush)
	if asked == model.DurabilityDefault {
		asked = topic
	}
	fresh := t.Changed > s.durable // the send that made a topic waits for it
	if asked == model.Synced || fresh {
		at.answer = atDurable
	}
	if topic == model.Synced || fresh || s.queueAt(q.Slot).syncTail > s.durable {
		at.visible = atDurable
	}
}

// holdQueues makes later messages wait for these to become visible first.
func (r *sendRequest) holdQueues(s *Shard, end model.LSN) {
	for i := range r.msgs {
		if r.results[i].queued() {
			s.queueAt(r.msgs[i].slot).syncTail = end
		}
	}
}

// emitData places and appends a message.
func (s *Shard) emitData(q *state.Queue, m *encoded, w record.Wire) (lsn, end model.LSN) {
	d := &s.frame.data
	*d = record.Data{Topic: q.Topic.ID, Queue: q.Num, TagHash: m.tagHash, GroupHash: m.groupHash, Wire: w}
	size := record.Size(d)
	s.reserve(size)
	lsn = s.frame.next()
	w.Place(q.Num, int64(q.Next), int64(model.AddressOf(s.cfg.Shard, lsn)), s.storeTime)
	s.put(d, size)
	s.count.Sent++
	s.count.SentBytes += int64(len(w))
	return lsn, lsn + model.LSN(size)
}

// target returns the topic that a message goes to, nil if the message is to
// make it, or says why it cannot go there. It changes nothing.
func (s *Shard) target(name []byte, m *encoded) (*state.Topic, *model.Error) {
	t := s.state.TopicNamed(name)
	if t == nil {
		config, err := s.autoTopic(string(name), m.autoCreate)
		if err != nil {
			return nil, err
		}
		return nil, checkQueue(&config, m.queue)
	}
	if t.Config.Perm&model.PermWrite == 0 {
		return nil, model.Errorf(model.NoPermission, "topic %s does not allow sending", t.Config.Name)
	}
	if takes := t.Config.Kind(); m.kind != model.KindAny && takes != model.KindAny && m.kind != takes {
		return nil, model.Errorf(model.KindConflict, "topic %s takes messages of the kind %v, and this one is %v", t.Config.Name, takes, m.kind)
	}
	return t, checkQueue(&t.Config, m.queue)
}

// topicFor returns the topic of a message that has a target, and makes it if need be.
func (s *Shard) topicFor(name []byte, m *encoded) *state.Topic {
	if t := s.state.TopicNamed(name); t != nil {
		return t
	}
	config, _ := s.autoTopic(string(name), m.autoCreate)
	return s.putTopic(s.state.NextTopicID(), config)
}

// queueFrom chooses the queue of a message that leaves it to us: that of its message
// group, so that the group has an order, else the next one.
func (s *Shard) queueFrom(t *state.Topic, m *encoded) int32 {
	if m.groupHash != 0 {
		return int32(m.groupHash % uint32(t.Config.WriteQueues))
	}
	return s.nextQueue(t)
}

func (s *Shard) nextQueue(t *state.Topic) int32 {
	s.turn = (s.turn + 1) & 0x7fffffff
	return s.turn % t.Config.WriteQueues
}

func checkQueue(c *model.TopicConfig, num int32) *model.Error {
	if n := c.Queues(); num >= n {
		return model.Errorf(model.InvalidQueue, "topic %s has no queue %d: it has %d", c.Name, num, n)
	}
	return nil
}

// publication makes a request's messages visible; reply answers it. A request
// is both where they wait for the same.
type (
	publication sendRequest
	reply       sendRequest
)

func (r *sendRequest) complete(s *Shard, err error) {
	r.publish(s, err)
	r.answer(s, err)
}

func (r *publication) complete(s *Shard, err error) {
	(*sendRequest)(r).publish(s, err)
	r.run.answered(s)
}

func (r *reply) complete(s *Shard, err error) { (*sendRequest)(r).answer(s, err) }

func (r *sendRequest) publish(s *Shard, err error) {
	if err != nil {
		return
	}
	for i := range r.msgs {
		if r.results[i].queued() {
			s.show(r.msgs[i].slot, r.results[i].Offset+1)
		}
	}
}

func (r *sendRequest) answer(s *Shard, err error) {
	s.touch(r.run.client)
	if err != nil {
		r.done(nil, err)
	} else {
		r.done(r.results, nil)
	}
	r.run.answered(s)
}

func cloneResults(results []SendResult) []SendResult {
	own := append([]SendResult(nil), results...)
	for i := range own {
		own[i].UniqueKey = bytes.Clone(own[i].UniqueKey)
	}
	return own
}
