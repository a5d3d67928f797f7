package grpcv5

import (
	"context"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// SendMessage
//
// All messages of a request go to one topic, and each has its own fate: the
// answer has an entry for each, in their order. Core chooses the queue, and for a
// message group always the same one, whatever the client asks for: SDKs choose by
// hashes that differ. A topic is never made by a send.
//
// The client's message id is the message's for ever (UNIQ_KEY). A delivery time
// that has passed is now. A body that calls itself GZIP is, from C++, a zlib
// stream, which 4.x clients read as such; a real gzip is stored decompressed.
//
// Deviations: no lite topics yet (NOT_IMPLEMENTED).

// sendCall is a send, from its request to its answer. It is recycled.
type sendCall struct {
	request sendRequest
	batch   core.Batch
	where   []int  // of each message of batch, its place among the entries
	text    []byte // properties of all messages
	entries []*apis.SendResultEntry
	topic   string
	broker  string
	now     int64

	results  []core.SendResult              // of batch, as core gave them; their keys are gone
	err      error                          // of the whole batch
	callback func([]core.SendResult, error) // done, bound once
	returned chan struct{}
}

// sendPool keeps calls for the next use.
type sendPool struct{ sync.Pool }

func (p *sendPool) get() *sendCall {
	if c, ok := p.Get().(*sendCall); ok {
		return c
	}
	c := &sendCall{returned: make(chan struct{}, 1)}
	c.callback = c.done
	return c
}

// maxKeptText bounds the room that a call keeps.
const maxKeptText = 64 << 10

func (p *sendPool) put(c *sendCall) {
	c.request.free()
	if cap(c.text) > maxKeptText || cap(c.request.messages) > receiveBatch {
		return
	}
	clear(c.batch.Messages)
	clear(c.entries)
	clear(c.results)
	c.batch.Messages, c.where, c.text, c.entries = c.batch.Messages[:0], c.where[:0], c.text[:0], c.entries[:0]
	p.Put(c)
}

// sendMethod is SendMessage's line in the table: its request reads itself.
func (s *Server) sendMethod(name string) grpc.MethodDesc {
	count := s.counted(name)
	return grpc.MethodDesc{MethodName: name, Handler: func(_ any, ctx context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (resp any, err error) {
		defer s.recovered(name, &err)
		send := s.sends.get()
		defer s.sends.put(send)
		if err := dec(&send.request); err != nil {
			return nil, err
		}
		c := s.newCall(ctx)
		a := c.budgeted(send)
		count.done(a.Status.Code)
		return a, nil
	}}
}

// budgeted sends what the memory for sends has room for. One that is larger than
// all of it goes alone.
func (c *call) budgeted(send *sendCall) *apis.SendMessageResponse {
	size := int64(send.request.bytes)
	total := c.server.requestBytes.Add(size)
	defer c.server.requestBytes.Add(-size)
	if total > c.server.cfg.RequestBytes && total > size {
		c.server.metrics.budget.Inc()
		return failedSend(refuse(apis.Code_TOO_MANY_REQUESTS, "flow limit: too much is being sent"))
	}
	if send.request.unknown {
		c.server.metrics.unknownFields.Inc()
	}
	if err := c.send(send); err != nil {
		return failedSend(err)
	}
	return send.answer()
}

func failedSend(err error) *apis.SendMessageResponse {
	return &apis.SendMessageResponse{Status: status(err)}
}

// send checks all messages, and hands those that are in order to core. An error
// is that of the whole request.
func (c *call) send(send *sendCall) error {
	if err := c.target(send); err != nil {
		return err
	}
	send.now = time.Now().UnixMilli()
	for i := range send.request.messages {
		entry := &apis.SendResultEntry{}
		send.entries = append(send.entries, entry)
		if err := c.prepare(send, i); err != nil {
			entry.Status = status(err)
		}
	}
	if len(send.batch.Messages) == 0 {
		return nil
	}
	session, client, err := c.beginOn(c.anonymous)
	if err != nil {
		return err
	}
	client.Send(&send.batch, send.callback)
	session.submit()
	<-send.returned
	send.finish()
	return nil
}

// target finds the topic that all messages go to.
func (c *call) target(send *sendCall) error {
	messages := send.request.messages
	if len(messages) == 0 {
		return refuse(apis.Code_MESSAGE_CORRUPTED, "the request has no messages")
	}
	first := &messages[0]
	for i := range messages[1:] {
		m := &messages[i+1]
		if string(m.topic) != string(first.topic) || string(m.namespace) != string(first.namespace) {
			return refuse(apis.Code_MESSAGE_CORRUPTED, "the messages are for different topics")
		}
	}
	namespace := string(first.namespace)
	if namespace == "" {
		namespace = c.namespace()
	}
	send.topic = qualified(namespace, string(first.topic))
	if err := core.ValidTopic(send.topic); err != nil {
		return err
	}
	info, ok := c.server.engine.Topic(send.topic)
	if !ok {
		return core.Errorf(core.TopicNotFound, "no topic %s", send.topic)
	}
	send.topic, send.broker = info.Name, c.server.shard.BrokerName // nothing of the request is kept
	if info.System && info.Name != c.server.engine.Cluster() && info.Name != c.server.shard.BrokerName {
		return refuse(apis.Code_ILLEGAL_TOPIC, "topic %s is the system's", send.topic)
	}
	return nil
}

// prepare checks a message and makes it core's.
func (c *call) prepare(send *sendCall, i int) error {
	m := &send.request.messages[i]
	if err := m.check(send.now, c.server.cfg.MaxDelay, c.server.cfg.MaxBodyBytes); err != nil {
		return err
	}
	kind := m.messageKind()
	info, ok := c.server.engine.Topic(send.topic)
	if kind == core.KindTransaction && m.hasDeliverAt {
		return refuse(apis.Code_MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, "a transactional message has a delivery time")
	}
	if ok && kind == core.KindLite && (info.Kind() == kind || info.Kind() == core.KindAny) {
		return refuse(apis.Code_NOT_IMPLEMENTED, "messages of type %s are not supported yet", kind)
	}
	body, flags, err := stored(m.body, m.encoding, c.server.cfg.MaxBodyBytes)
	if err != nil {
		return err
	}
	born := m.born
	if born <= 0 {
		born = send.now
	}
	send.where = append(send.where, i)
	send.batch.Messages = append(send.batch.Messages, core.Message{
		Topic: send.topic, Queue: anyQueue, SysFlag: flags, Born: born, BornHost: c.conn.remote,
		Body: body, Properties: send.properties(m), Kind: kind,
	})
	return nil
}

// properties writes the properties of a message as RocketMQ stores them.
func (c *sendCall) properties(m *sentMessage) []byte {
	from := len(c.text)
	b := c.text
	for _, p := range m.user {
		b = append(append(b, p.key...), '\x01')
		b = append(append(b, p.value...), '\x02')
	}
	if len(m.tag) > 0 {
		b = record.AppendProperty(b, record.PropTags, m.tag)
	}
	if len(m.keys) > 0 {
		b = record.AppendProperty(b, record.PropKeys, m.keys[0])
		for _, key := range m.keys[1:] {
			b[len(b)-1] = ' ' // in place of the end
			b = append(append(b, key...), '\x02')
		}
	}
	b = record.AppendProperty(b, record.PropUniqueKey, m.id)
	b = appendOptional(b, propBornHost, m.bornHost)
	b = appendOptional(b, record.PropShardingKey, m.group)
	b = appendOptional(b, propTrace, m.trace)
	b = appendOptional(b, propLite, m.liteTopic)
	var number [20]byte
	if m.hasPriority {
		b = record.AppendProperty(b, propPriority, strconv.AppendInt(number[:0], int64(m.priority), 10))
	}
	if m.hasDeliverAt {
		b = record.AppendProperty(b, record.PropTimerDeliverMs, strconv.AppendInt(number[:0], m.deliverAt, 10))
	}
	if m.kind == apis.MessageType_TRANSACTION {
		b = record.AppendProperty(b, record.PropTransaction, []byte("true"))
		b = record.AppendProperty(b, record.PropProducerGroup, []byte(c.topic))
		if m.recovery > 0 {
			b = record.AppendProperty(b, record.PropImmunity, strconv.AppendInt(number[:0], (m.recovery+999)/1000, 10))
		}
	}
	c.text = b
	return b[from:len(b):len(b)]
}

func appendOptional(b []byte, key string, value []byte) []byte {
	if len(value) == 0 {
		return b
	}
	return record.AppendProperty(b, key, value)
}

// done takes the results. It runs on the shard's loop.
func (c *sendCall) done(results []core.SendResult, err error) {
	c.results, c.err = append(c.results[:0], results...), err
	c.returned <- struct{}{}
}

// finish fills the entries of the messages that core has decided on.
func (c *sendCall) finish() {
	for i, place := range c.where {
		entry := c.entries[place]
		if c.err != nil {
			entry.Status = status(c.err)
			continue
		}
		c.entry(entry, &c.results[i], c.request.messages[place].id)
	}
}

// entry fills the entry of a message. One whose sync took too long is stored.
func (c *sendCall) entry(e *apis.SendResultEntry, r *core.SendResult, id []byte) {
	e.Status = status(r.Err)
	if r.Err != nil && core.CodeOf(r.Err) != core.FlushTimeout {
		return
	}
	e.MessageId = string(id)
	if r.Prepared {
		e.TransactionId = transactionID(c.topic, r.Address, r.Offset)
		return
	}
	e.Offset = int64(r.Offset)
	if r.DeliverAt > 0 {
		e.RecallHandle = recallText(c.topic, c.broker, r.DeliverAt, e.MessageId)
	}
}

// answer is the response: MULTIPLE_RESULTS where the entries differ.
func (c *sendCall) answer() *apis.SendMessageResponse {
	first := c.entries[0].Status
	a := &apis.SendMessageResponse{Status: first, Entries: append([]*apis.SendResultEntry(nil), c.entries...)}
	for _, e := range c.entries {
		if e.Status.Code != first.Code {
			a.Status = multipleResults()
		}
	}
	return a
}
