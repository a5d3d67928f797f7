package shard

import (
	"github.com/gantrymq/gantry/core/internal/delay"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/internal/txn"
	"github.com/gantrymq/gantry/core/record"
)

// TxnEnd says how a transaction ends. It names it by all that its producer knows of
// it: an address alone, stale or guessed, ends nobody else's.
type TxnEnd struct {
	Address   model.Address // of the message, as its SendResult said
	Offset    model.Offset  // likewise
	Group     string        // the producer group
	UniqueKey string        // of the message; empty: the producer does not say
	How       model.Resolution
	// Checked: this answers a question of the server. What its producer says by itself
	// comes too late after the message's CHECK_IMMUNITY_TIME_IN_SECONDS, if it has one.
	Checked bool
}

// endRequest is an EndTransaction.
type endRequest struct {
	client *Client
	TxnEnd
	done func(error)

	published bool
	slot      uint32 // where it was
	next      model.Offset
}

// EndTransaction queues the call. See core.Client.
func (c *Client) EndTransaction(t TxnEnd, done func(error)) {
	c.add(&endRequest{client: c, TxnEnd: t, done: done})
}

func (r *endRequest) class() class     { return appends }
func (r *endRequest) refuse(err error) { r.done(err) }

func (r *endRequest) answer(s *Shard, err error) {
	s.touch(r.client)
	r.done(err)
}

// complete makes the message of a commit visible, and answers.
func (r *endRequest) complete(s *Shard, err error) {
	if r.published && err == nil {
		s.show(r.slot, r.next)
	}
	r.answer(s, err)
}

func (r *endRequest) decide(s *Shard) {
	id := r.Address.LSN()
	if r.Address != model.AddressOf(s.cfg.Shard, id) || r.Offset != model.Offset(id) {
		r.answer(s, model.Errorf(model.InvalidTransaction, "the transaction at %d is not that of offset %d", r.Address, r.Offset))
		return
	}
	m, open := s.state.Prepared(id), s.state.Open().Get(id)
	if m == nil || open == nil {
		r.over(s)
		return
	}
	if err := r.check(s, m, open); err != nil {
		r.answer(s, err)
		return
	}
	switch {
	case r.How == model.Unresolved: // it will be asked again
		r.answer(s, nil)
	case r.How == model.Rollback:
		r.rollback(s, m)
	case s.age(m.At()) > s.referAge() && !s.disk.low && !s.delays.mover.unreadable[id]:
		r.copy(s, *m)
	default:
		r.commit(s, m)
	}
}

// check finds out whether the caller may end an open transaction.
func (r *endRequest) check(s *Shard, m *delay.Message, open *txn.Open) error {
	if err := r.mismatch(open.Producer, m.Key); err != nil {
		return err
	}
	if open.Immunity == 0 || r.Checked || r.How == model.Unresolved {
		return nil
	}
	if open.Checks > 0 || s.now.Wall-open.Since > int64(open.Immunity)*1000 {
		return model.Errorf(model.TransactionTooLate, "the transaction at %d is ended later than %d s after its message, and not because its producer was asked", r.Address, open.Immunity)
	}
	return nil
}

// mismatch compares what names a transaction, beside its address.
func (r *endRequest) mismatch(producer, key uint32) error {
	switch {
	case delay.KeyHash(r.Group) != producer:
		return model.Errorf(model.InvalidTransaction, "the transaction at %d is not one of the producer group %s", r.Address, r.Group)
	case r.UniqueKey != "" && delay.KeyHash(r.UniqueKey) != key:
		return model.Errorf(model.InvalidTransaction, "the transaction at %d is not %q", r.Address, r.UniqueKey)
	}
	return nil
}

// over answers for a transaction that is not open. What was decided once more is
// no error, and the answer makes no smaller promise than the first one. Neither is
// what nobody remembers.
func (r *endRequest) over(s *Shard) {
	end, known, vague := s.state.Ended(r.Address.LSN())
	if !known && !vague {
		r.answer(s, model.Errorf(model.InvalidTransaction, "there is no transaction at %d", r.Address))
		return
	}
	if !known {
		r.answer(s, nil)
		return
	}
	if err := r.mismatch(end.Producer, end.Key); err != nil {
		r.answer(s, err)
		return
	}
	if r.How != model.Unresolved && r.How != end.How {
		r.answer(s, model.Errorf(model.InvalidTransaction, "the transaction at %d was %v", r.Address, end.How))
		return
	}
	s.when(atDurable, s.frameEnd(), r)
}

func (r *endRequest) rollback(s *Shard, m *delay.Message) {
	level := atWritten
	if t := s.state.TopicByID(m.Topic); orDefault(t.Config.Durability, s.cfg.Flush) == model.Synced {
		level = atDurable
	}
	end := s.emit(&record.Txn{Op: record.TxnRollback, ID: m.ID()})
	s.count.RolledBack++
	s.when(level, end, r)
}

// commit publishes the message, as it lies.
func (r *endRequest) commit(s *Shard, m *delay.Message) {
	q := s.state.Queue(model.Queue{Shard: s.cfg.Shard, Topic: m.Topic, Num: m.Queue()})
	p := record.Publish{
		Topic: m.Topic, Queue: m.Queue(), TagHash: m.Tag, GroupHash: m.Group, DeliverAt: model.Prepared,
		ID: m.ID(), At: m.At(), Size: m.Size(), Offset: q.Next,
	}
	s.reserve(record.MaxPublish) // the frame that it goes to has the store time
	p.StoreTime = s.storeTime
	end := s.emit(&p)
	s.count.Committed++
	r.showWhenDone(s, q, end)
}

func (r *endRequest) showWhenDone(s *Shard, q *state.Queue, end model.LSN) {
	var at storedAt
	s.levels(q.Topic, q, model.DurabilityDefault, &at)
	if at.visible == atDurable {
		s.queueAt(q.Slot).syncTail = end
	}
	r.published, r.slot, r.next = true, q.Slot, q.Next
	s.when(at.visible, end, r)
}

// copy commits a message that has become old: it is read, and copied to the end of
// the log, in the frame of its publication. If it cannot be read it is published as it lies.
func (r *endRequest) copy(s *Shard, m delay.Message) {
	log, shard := s.log, s.cfg.Shard
	s.readCold("", r.client, func() (bytes int64, then func(*Shard)) {
		d, err := readStored(log, shard, &m)
		return int64(m.Size()), func(s *Shard) { r.copied(s, &moved{m, d, err}) }
	})
}

func (r *endRequest) copied(s *Shard, m *moved) {
	if s.Err() != nil {
		r.answer(s, s.unavailable())
		return
	}
	switch now := s.state.Prepared(m.ID()); {
	case now == nil || now.At() != m.At(): // it was ended meanwhile, or copied
	case m.err != nil:
		s.delays.mover.failed(s, m)
	default:
		copied := record.Relocate{Data: *m.data}
		size := record.Size(&copied) + record.MaxPublish
		s.reserve(size)
		s.frame.reserved = size
		s.emit(&copied)
		s.count.Relocated++
	}
	r.decide(s)
}
