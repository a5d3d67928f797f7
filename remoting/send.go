package remoting

import (
	"bytes"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Sending
//
//	 10 SEND_MESSAGE        Go, C++ and old Java; long names of fields
//	310 SEND_MESSAGE_V2     Java from 3.2 on; names of one letter
//	320 SEND_BATCH_MESSAGE  the same header, many messages in the body; 310 with
//	                        batch=true is the same
//
// Answer: queueId, queueOffset, msgId (the offsetMsgId; for a batch that of each
// message, joined by commas), transactionId (the message's UNIQ_KEY), MSG_REGION
// and TRACE_ON. It leaves when the promised durability is reached. 10 (not
// flushed in time) counts as stored and has the same fields.
//
// An unknown topic is created with the number of queues that the client names,
// at most those of the default topic; a group's retry topic gets one.
//
// A delayed message (DELAY, TIMER_DELAY_SEC, TIMER_DELAY_MS, TIMER_DELIVER_MS or
// __STARTDELIVERTIME, in this order) is answered with queueOffset 0 and with the
// recallHandle that takes it back. In a batch it is refused with 13, and so is one
// that is delayed for longer than the server allows.
//
// A prepared message (TRAN_MSG=true) is stored, and seen by nobody until its transaction is
// committed: see transaction.go.
//
// Deviations: a delay is exact to the ms and
// may be longer than upstream's 3 days; level messages have a recallHandle too. A queue
// that does not exist is answered with 29. Compressed bodies are stored as sent.

// region is what traces call the place of the broker; upstream's default.
const region = "DefaultRegion"

// sendScratch is the room in which a connection prepares a send. Core takes what
// it needs within the call.
type sendScratch struct {
	request  wire.SendRequest
	batch    core.Batch
	messages []core.Message
	parts    []wire.BatchMessage
}

// sendCall is a send whose answer is due. It is recycled.
type sendCall struct {
	request
	topic    string
	batch    bool
	callback func([]core.SendResult, error) // done, bound once
}

func newSendCall() any {
	s := &sendCall{}
	s.callback = s.complete
	return s
}

func (c *conn) send(r request) {
	s := &c.sending
	if err := s.request.Decode(c.cmd.Ext); err != nil {
		r.fail(err)
		return
	}
	batch := s.request.Batch || wire.RequestCode(c.cmd.Code) == wire.SendBatchMessage
	if err := c.prepare(batch); err != nil {
		r.fail(err)
		return
	}
	call := c.server.sendPool.Get().(*sendCall)
	call.request, call.topic, call.batch = r, s.messages[0].Topic, batch
	s.batch.Messages, s.batch.Unit = s.messages, batch
	c.core().Send(&s.batch, call.callback)
}

// prepare makes the messages of a send.
func (c *conn) prepare(batch bool) error {
	s := &c.sending
	topic := c.intern(s.request.Topic)
	if c.server.allowed(core.PermWrite) == 0 {
		return core.Errorf(core.NoPermission, "the broker[%s] sending message is forbidden", c.server.shard.BrokerName)
	}
	if noSend(topic.text) {
		return core.Errorf(core.InvalidTopic, "Sending message to topic[%s] is forbidden.", topic.text)
	}
	m := core.Message{
		Topic: topic.text, Queue: s.request.Queue, AutoCreate: c.autoCreate(topic, &s.request),
		SysFlag: s.request.SysFlag, Born: s.request.Born, BornHost: c.remote,
		ReconsumeTimes: s.request.ReconsumeTimes,
	}
	if !batch {
		m.Flag, m.Body, m.Properties = s.request.Flag, c.cmd.Body, s.request.Properties
		m.Durability = durability(m.Properties)
		if topic.retry {
			c.retry(&m, &s.request, topic)
		}
		c.server.asRequest(&m)
		s.messages = append(s.messages[:0], m)
		return nil
	}
	if topic.retry {
		return core.Errorf(core.InvalidMessage, "a batch cannot go to the retry topic %s", topic.text)
	}
	return c.prepareBatch(m)
}

func (c *conn) prepareBatch(m core.Message) (err error) {
	s := &c.sending
	if s.parts, err = wire.DecodeBatch(s.parts[:0], c.cmd.Body); err != nil {
		return &core.Error{Code: core.InvalidMessage, Definite: true, Detail: err.Error()}
	}
	if len(s.parts) == 0 {
		return core.Errorf(core.InvalidMessage, "the batch has no messages")
	}
	s.messages = s.messages[:0]
	for _, part := range s.parts {
		m.Flag, m.Body, m.Properties = part.Flag, part.Body, part.Properties
		m.Durability = durability(m.Properties)
		s.messages = append(s.messages, m)
	}
	return nil
}

// durability honours waitStoreMsgOK=false, which asks for no more than that the
// message is taken.
func durability(properties []byte) core.Durability {
	if !bytes.Contains(properties, []byte(wire.PropertyWait)) {
		return core.DurabilityDefault
	}
	if v, ok := wire.Property(properties, wire.PropertyWait); ok && string(v) == "false" {
		return core.Written
	}
	return core.DurabilityDefault
}

// autoCreate returns the number of queues that this send may create its topic with.
func (c *conn) autoCreate(topic *name, r *wire.SendRequest) int32 {
	if topic.retry {
		return 1
	}
	if string(r.DefaultTopic) == defaultTopic {
		return min(r.DefaultQueues, defaultTopicQueues)
	}
	// Another topic as the template: one that allows it (PermInherit).
	template, ok := c.server.engine.Topic(c.intern(r.DefaultTopic).text)
	if !ok || template.Perm&core.PermInherit == 0 {
		return 0
	}
	return min(r.DefaultQueues, template.WriteQueues)
}

// complete answers a send. It runs on the shard's loop.
func (s *sendCall) complete(results []core.SendResult, err error) {
	switch first := firstError(results); {
	case err != nil:
		s.fail(err)
	case first != nil && core.CodeOf(first) != core.FlushTimeout:
		s.fail(first)
	default:
		s.stored(results, first)
	}
	pool := &s.conn.server.sendPool
	s.request, s.topic = request{}, ""
	pool.Put(s)
}

// firstError returns the error of the first message that has one. A batch is all
// or nothing.
func firstError(results []core.SendResult) error {
	for i := range results {
		if results[i].Err != nil {
			return results[i].Err
		}
	}
	return nil
}

// stored answers a send whose messages are in the log; late is nil, or says that
// the flush took longer than promised.
func (s *sendCall) stored(results []core.SendResult, late error) {
	code := wire.Success
	if late != nil {
		code = wire.FlushDiskTimeout
	}
	w, ok := s.begin(code)
	if !ok {
		return
	}
	first := &results[0]
	w.Int("queueId", int64(first.Queue.Num))
	w.Int("queueOffset", int64(first.Offset))
	if s.batch {
		w.Raw("msgId", s.messageIDs(results))
	} else {
		var id [56]byte
		w.Raw("msgId", wire.AppendMessageID(id[:0], s.conn.storeHost, int64(first.Address)))
		w.Bytes("transactionId", first.UniqueKey)
	}
	if first.DeliverAt != 0 {
		w.Text("recallHandle", s.recallHandle(first))
	}
	w.Text("MSG_REGION", region)
	w.Text("TRACE_ON", "true")
	s.end(w)
}

func (s *sendCall) messageIDs(results []core.SendResult) []byte {
	ids := make([]byte, 0, 33*len(results))
	for i := range results {
		if i > 0 {
			ids = append(ids, ',')
		}
		ids = wire.AppendMessageID(ids, s.conn.storeHost, int64(results[i].Address))
	}
	return ids
}
