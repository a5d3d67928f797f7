package sim

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// sending is a message on its way: what the shard gets, what the judge expects.
type sending struct {
	m    *message
	msg  shard.Message
	want model.Code // OK, or why it must be refused
}

// letters are what bodies are made of.
var letters = []byte(strings.Repeat("the quick brown fox jumps over the lazy dog; 0123456789. ", 80_000))

// newMessage makes a message of this step.
func (w *world) newMessage(topic string, queue int32) *sending {
	w.nextID++
	id := w.nextID
	m := &message{
		id: id, topic: topic, flag: int32(w.rng.IntN(3)), born: w.wall + w.now,
		tag: pick(w.rng, "", "a", "b", "c", "Aa", "BB"), // the hashes of the last two are the same
	}
	size := pick(w.rng, w.bodies...)
	from := w.rng.IntN(64)
	m.body = letters[from : from+size]
	m.properties = fmt.Sprintf("n\x01%d\x02", id)
	if m.tag != "" {
		m.properties += "TAGS\x01" + m.tag + "\x02"
	}
	if w.keys > 0 && id%7 > 0 {
		m.key = fmt.Sprint("k", id*7919%w.keys)
		m.properties += "__SHARDINGKEY\x01" + m.key + "\x02"
	}
	if w.rng.IntN(3) == 0 {
		m.properties += fmt.Sprintf("UNIQ_KEY\x01K%d", id)
	}
	host := netip.MustParseAddrPort("10.1.2.3:4567")
	if m.v6 = w.rng.IntN(8) == 0; m.v6 {
		host = netip.MustParseAddrPort("[fd00::1]:4567")
	}
	s := &sending{m: m, msg: shard.Message{
		Topic: topic, Queue: queue, Flag: m.flag, Born: m.born, BornHost: host,
		Body: m.body, Properties: []byte(m.properties),
	}}
	if size > w.maxBody {
		s.want = model.TooLarge
	}
	w.oracle.messages[id] = m
	return s
}

// drawTopic draws one of the topics that exist.
func (w *world) drawTopic() *topic {
	return w.oracle.topics[w.oracle.order[w.rng.IntN(len(w.oracle.order))]]
}

// drawQueue draws a queue of a topic that exists for certain.
func (w *world) drawQueue(t *topic) int32 {
	n := t.configs[0].Queues()
	for _, c := range t.configs {
		n = min(n, c.Queues())
	}
	return w.rng.Int32N(n)
}

func (w *world) drawMessage() *sending {
	t := w.drawTopic()
	queue := int32(-1)
	if w.rng.IntN(3) > 0 {
		queue = w.drawQueue(t)
	}
	s := w.newMessage(t.name, queue)
	s.msg.Durability = pick(w.rng, 0, 0, 0, model.Written, model.Synced)
	return s
}

func (w *world) stepSend() { w.send(false, w.drawMessage()) }

// maxBatch is what a listener takes in one frame.
const maxBatch = 8<<20 - 10_000

func (w *world) stepBatch() {
	var all []*sending
	size := 0
	for range 1 + w.rng.IntN(5) {
		s := w.drawMessage()
		if size += len(s.msg.Body); size > maxBatch {
			break
		}
		if w.rng.IntN(8) == 0 {
			w.spoil(s)
		}
		all = append(all, s)
	}
	w.send(false, all...)
}

func (w *world) stepUnit() {
	t := w.drawTopic()
	queue := int32(-1)
	if w.rng.IntN(2) == 0 {
		queue = w.drawQueue(t)
	}
	var all []*sending
	for range 1 + w.rng.IntN(6) {
		all = append(all, w.newMessage(t.name, queue))
	}
	if w.rng.IntN(4) == 0 {
		w.spoil(all[w.rng.IntN(len(all))])
	}
	w.send(true, all...)
}

func (w *world) stepBadSend() {
	s := w.drawMessage()
	w.spoil(s)
	w.send(false, s)
}

// spoil makes a message one that must be refused.
func (w *world) spoil(s *sending) {
	switch w.rng.IntN(6) {
	case 5:
		s.msg.Topic, s.msg.AutoCreate, s.msg.Queue, s.want = "never-made", 2, 2, model.InvalidQueue
		if w.noAuto {
			s.want = model.TopicNotFound
		}
	case 0:
		s.msg.Body, s.want = letters[:w.maxBody+1], model.TooLarge
	case 1:
		s.msg.Topic, s.want = "no-such-topic", model.TopicNotFound
	case 2:
		s.msg.Queue, s.want = 1000+w.rng.Int32N(100), model.InvalidQueue
	case 3:
		s.msg.Properties, s.want = []byte("DELAY\x01soon\x02"+s.m.properties), model.InvalidMessage
	case 4:
		s.msg.Topic, s.msg.AutoCreate, s.want = "bad name", 4, model.InvalidTopic
		if w.noAuto {
			s.want = model.TopicNotFound
		}
	}
	if len(s.m.body) > w.maxBody && s.want != model.InvalidMessage {
		s.want = model.TooLarge
	}
}

func (w *world) stepAutoCreate() {
	name := fmt.Sprintf("auto-%d", w.rng.IntN(8))
	if w.oracle.doomed[name] != nil {
		return // who knows whether it is there
	}
	s := w.newMessage(name, -1)
	s.msg.AutoCreate = 1 + w.rng.Int32N(4)
	if w.oracle.topics[s.m.topic] == nil && s.want == 0 {
		if w.noAuto {
			s.want = model.TopicNotFound
		} else {
			sometimes("topic.auto_created")
			w.oracle.perhaps[s.m.topic] = true
		}
	}
	w.send(false, s)
}

// send hands a batch in, and judges the answer.
func (w *world) send(isUnit bool, all ...*sending) {
	c := w.anyClient()
	batch := &shard.Batch{Unit: isUnit}
	size := 0
	for _, s := range all {
		batch.Messages = append(batch.Messages, s.msg)
		size += len(s.msg.Body)
	}
	if isUnit {
		w.oracle.newUnit(all)
	}
	answered := w.begin(&call{what: "send", client: c, unknown: func() { w.oracle.sendUnknown(all) }})
	c.conn.Send(batch, func(results []shard.SendResult, err error) {
		if answered() {
			w.oracle.sent(all, isUnit, results, err)
		}
	})
	c.submit()
}
