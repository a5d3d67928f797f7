package shard

import (
	"strconv"

	"github.com/gantrymq/gantry/core/internal/delay"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

// delayProps are the properties that ask for a delay, as they were given.
type delayProps struct {
	level, sec, ms, at, start []byte
	out                       bool // it has waited once: these were copied from a message that was delivered
}

func (p *delayProps) any() bool {
	return p.level != nil || p.sec != nil || p.ms != nil || p.at != nil || p.start != nil
}

// deliverTime is when a message is to be delivered. The zero value is at once.
type deliverTime struct {
	set      bool
	relative bool  // ms counts from when the message is stored
	level    bool  // said by DELAY, which is not delivered
	ms       int64 // since 1970, or relative
}

// when takes the first of the properties that RocketMQ's broker would take.
func (p *delayProps) when() (deliverTime, *model.Error) {
	level, err := delayNumber(record.PropDelayLevel, p.level)
	if err != nil {
		return deliverTime{}, err
	}
	if level > 0 {
		return deliverTime{set: true, relative: true, level: true, ms: model.DelayLevel(level).Milliseconds()}, nil
	}
	switch {
	case p.out:
		return deliverTime{}, nil
	case p.sec != nil:
		sec, err := delayNumber(record.PropTimerDelaySec, p.sec)
		return deliverTime{set: true, relative: true, ms: min(sec, delay.MaxDeliverAt/1000) * 1000}, err
	case p.ms != nil:
		ms, err := delayNumber(record.PropTimerDelayMs, p.ms)
		return deliverTime{set: true, relative: true, ms: min(ms, delay.MaxDeliverAt)}, err
	case p.at != nil:
		ms, err := delayNumber(record.PropTimerDeliverMs, p.at)
		return deliverTime{set: true, ms: ms}, err
	}
	ms, err := delayNumber(record.PropStartDeliverTime, p.start)
	return deliverTime{set: ms > 0, ms: ms}, err
}

func delayNumber(name string, value []byte) (int64, *model.Error) {
	if value == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return 0, model.Errorf(model.InvalidMessage, "property %s is no number: %q", name, value)
	}
	return n, nil
}

// outDigits is the room that is kept for TIMER_OUT_MS: milliseconds until 2286.
const outDigits = "0000000000000"

// delayedProperties appends the properties of a delayed message as they will be
// delivered: without what asked for a level, so that whoever sends them on delays nothing, or
// with the time that the message was due, which is filled in when it is stored.
func delayedProperties(dst, properties []byte, d deliverTime) []byte {
	for {
		key, value, rest, ok := record.NextProperty(properties)
		if !ok {
			break
		}
		if !d.level || !asksForDelay(key) {
			dst = record.AppendProperty(dst, string(key), value)
		}
		properties = rest
	}
	if !d.level {
		dst = record.AppendProperty(dst, record.PropTimerOut, []byte(outDigits))
	}
	return dst
}

// asksForDelay tells whether a property is one that a delay level replaces.
func asksForDelay(key []byte) bool {
	switch string(key) {
	case record.PropDelayLevel, record.PropTimerDelaySec, record.PropTimerDelayMs, record.PropTimerDeliverMs, record.PropStartDeliverTime:
		return true
	}
	return false
}

// deliverAt returns when a message is to be delivered, 0 for at once.
func (s *Shard) deliverAt(d deliverTime) (int64, *model.Error) {
	if !d.set {
		return 0, nil
	}
	at := d.ms
	if d.relative {
		at += s.now.Wall
	}
	switch wait := at - s.now.Wall; {
	case wait <= 0:
		return 0, nil
	case wait > s.cfg.MaxDelay.Milliseconds() || at > delay.MaxDeliverAt:
		return 0, model.Errorf(model.InvalidDelay, "the message is to be delivered in %d ms; at most %d are allowed", wait, s.cfg.MaxDelay.Milliseconds())
	}
	return at, nil
}

// storeDelayed stores a message that waits for its time.
func (r *sendRequest) storeDelayed(s *Shard, t *state.Topic, q *state.Queue, m *encoded, deliverAt int64, result *SendResult, at *storedAt) {
	fillOut(record.Wire(r.run.buf[m.from:m.to]), deliverAt)
	r.storeWaiting(s, t, q, m, deliverAt, result, at)
	s.count.Delayed++
	s.delays.added()
	result.DeliverAt = deliverAt
}

// storeWaiting stores a message that is published later: the record says when.
func (r *sendRequest) storeWaiting(s *Shard, t *state.Topic, q *state.Queue, m *encoded, deliverAt int64, result *SendResult, at *storedAt) model.LSN {
	w := record.Wire(r.run.buf[m.from:m.to])
	d := &s.frame.data
	*d = record.Data{Topic: t.ID, Queue: q.Num, TagHash: m.tagHash, GroupHash: m.groupHash, DeliverAt: deliverAt, Wire: w}
	size := record.Size(d)
	s.reserve(size)
	lsn := s.frame.next()
	address := model.AddressOf(s.cfg.Shard, lsn)
	w.Place(q.Num, 0, int64(address), s.storeTime)
	s.put(d, size)

	result.Queue = model.Queue{Shard: s.cfg.Shard, Topic: t.ID, Num: q.Num}
	result.Address, result.StoreTime = address, s.storeTime
	result.UniqueKey = r.run.buf[m.keyFrom:m.keyTo]
	at.end = lsn + model.LSN(size)
	if durability := orDefault(m.durability, orDefault(t.Config.Durability, s.cfg.Flush)); durability == model.Synced || t.Changed > s.durable {
		at.answer = atDurable
	}
	return lsn
}

// fillOut writes when the message is due into the room that was kept for it.
func fillOut(w record.Wire, deliverAt int64) {
	out := record.Property(w.Properties(), record.PropTimerOut)
	if len(out) != len(outDigits) {
		return
	}
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = byte('0' + deliverAt%10)
		deliverAt /= 10
	}
}
