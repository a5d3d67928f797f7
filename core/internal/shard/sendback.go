package shard

import (
	"strconv"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

// SendBack asks that a group gets a message again that it could not process: from
// its retry topic after a while, or, after too many attempts, from its dead letters.
type SendBack struct {
	Group string
	At    model.Address
	// Level is the delay level after which the message comes again; 0: the one that
	// follows from its attempts. Below 0 it is a dead letter.
	Level int32
	// Retries is how often it may come again; below 0: what the group says.
	Retries int32
	// ID is what the caller's protocol calls the message; it is kept with the copy
	// where that has none yet.
	ID string
}

// sendBack is a SendBack.
type sendBack struct {
	client *Client
	SendBack
	done func(error)
}

// SendBack queues the call. See core.Client.
func (c *Client) SendBack(b SendBack, done func(error)) {
	c.add(&sendBack{c, b, done})
}

func (r *sendBack) class() class     { return appends }
func (r *sendBack) refuse(err error) { r.done(err) }

func (r *sendBack) fail(s *Shard, err error) {
	s.touch(r.client)
	r.done(err)
}

// decide has the message read; what follows is decided when it is there.
func (r *sendBack) decide(s *Shard) {
	if err := s.mayUse(r.Group); err != nil {
		r.fail(s, err)
		return
	}
	read := &lookup{client: r.client, at: r.At, done: func(found *Records, err error) {
		if err != nil {
			r.fail(s, err)
			return
		}
		r.store(s, record.Wire(found.Bytes()))
		found.Release()
	}}
	read.decide(s)
}

// store sends the copy. The original stays: its consumer moves the offset past it.
func (r *sendBack) store(s *Shard, original record.Wire) {
	group := s.groupFor(r.Group)
	m := original.Message()
	retries := group.Config.Attempts() - 1
	if r.Retries >= 0 {
		retries = r.Retries
	}
	prefix, level := model.RetryPrefix, r.Level
	switch {
	case r.Level < 0 || m.ReconsumeTimes >= retries:
		prefix, level = model.DeadLetterPrefix, 0
	case r.Level == 0:
		level = firstRetryLevel + m.ReconsumeTimes
	}
	topic := s.groupTopic(prefix + r.Group)
	s.sendInside(r.client, &Message{
		Topic: topic.Config.Name, Queue: -1,
		SysFlag: m.SysFlag &^ record.SysTransaction, Flag: m.Flag, Born: m.Born, BornHost: m.BornHost,
		ReconsumeTimes: m.ReconsumeTimes + 1, Body: m.Body,
		Properties: retryProperties(&m, r.ID, prefix, level),
	}, r.done)
}

// firstRetryLevel is the delay level of the first retry, 10 s.
const firstRetryLevel = 3

// retryProperties are those of a message's copy: it tells where it came from, is
// no part of a transaction and has a delay of its own.
func retryProperties(m *record.Message, id, prefix string, level int32) []byte {
	set := []record.PropertyValue{
		{Key: record.PropTransaction},
		{Key: record.PropTimerDelayMs},
		{Key: record.PropTimerDelaySec},
		{Key: record.PropTimerDeliverMs},
		{Key: record.PropStartDeliverTime},
		{Key: record.PropDelayLevel},
	}
	if level > 0 {
		set[len(set)-1].Value = strconv.FormatInt(int64(level), 10)
	}
	from := record.Property(m.Properties, record.PropRetryTopic)
	if from == nil {
		from = []byte(m.Topic)
		set = append(set, record.PropertyValue{Key: record.PropRetryTopic, Value: m.Topic})
	}
	if record.Property(m.Properties, record.PropOriginID) == nil {
		set = append(set, record.PropertyValue{Key: record.PropOriginID, Value: id})
	}
	if prefix == model.DeadLetterPrefix {
		set = append(set,
			record.PropertyValue{Key: record.PropDeadTopic, Value: string(from)},
			record.PropertyValue{Key: record.PropDeadMessageID, Value: string(record.Property(m.Properties, record.PropUniqueKey))})
	}
	return record.SetProperties(m.Properties, set)
}

// groupTopic returns a group's retry topic or its dead letters, and makes it if
// need be: whatever sends may create, a group has these.
func (s *Shard) groupTopic(name string) *state.Topic {
	if t := s.state.Topic(name); t != nil {
		return t
	}
	return s.putTopic(s.state.NextTopicID(), model.TopicConfig{
		Name: name, ReadQueues: 1, WriteQueues: 1, Perm: model.PermRead | model.PermWrite,
		Attributes: map[string]string{model.AttrKind: model.KindAny.String()},
	})
}

// sendInside sends a message on the loop, for a client whose own calls it does not
// touch. It is decided with the next requests.
func (s *Shard) sendInside(client *Client, m *Message, done func(error)) {
	inside := &Client{shard: s, info: ClientInfo{Flush: client.info.Flush}}
	inside.Send(&Batch{Messages: []Message{*m}}, func(results []SendResult, err error) {
		if err == nil {
			err = results[0].Err
		}
		done(err)
	})
	if !s.inbox.putNow(inside.run) {
		done(errShuttingDown)
	}
}
