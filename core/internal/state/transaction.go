package state

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/gantrymq/gantry/core/internal/delay"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/txn"
	"github.com/gantrymq/gantry/core/record"
)

// A prepared message is among those that wait, as one that is delayed for ever.
// Beside it stands its transaction.

// Open returns the transactions that are open. The set is the state's.
func (s *State) Open() *txn.Set { return &s.open }

// Prepared returns the message of an open transaction, nil if it is not open.
func (s *State) Prepared(id model.LSN) *delay.Message {
	return s.delayed.Get(delay.Key{DeliverAt: model.Prepared, ID: id})
}

// Ended returns how a transaction ended, if that is remembered. vague tells that it
// may have ended too long ago for that.
func (s *State) Ended(id model.LSN) (end txn.End, known, vague bool) {
	end, known = s.ended.Get(id)
	return end, known, id > 0 && id <= s.ended.Forgotten
}

// prepared returns the transaction that a message opens.
func prepared(r *record.Data, at model.LSN) txn.Open {
	properties := r.Wire.Properties()
	return txn.Open{
		ID: at, Since: r.Wire.StoreTime(),
		Producer: delay.KeyHash(record.Property(properties, record.PropProducerGroup)),
		Immunity: immunity(record.Property(properties, record.PropImmunity)),
	}
}

// immunity reads how long, in s, a transaction is not to be asked about; 0 if that is not said.
func immunity(value []byte) uint16 {
	if len(value) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n <= 0 {
		return 0
	}
	return uint16(min(n, math.MaxUint16))
}

func (s *State) applyTxn(r *record.Txn) error {
	m, t := s.Prepared(r.ID), s.open.Get(r.ID)
	if m == nil || t == nil {
		return fmt.Errorf("transaction %d is not open", r.ID)
	}
	if r.Op != record.TxnCheck {
		s.endTransaction(m, model.Rollback)
		return nil
	}
	s.saveKept(m)
	t.Since = r.Time
	if t.Checks < math.MaxUint8 {
		t.Checks++
	}
	return nil
}

// endTransaction takes a prepared message out of those that wait, and remembers why.
func (s *State) endTransaction(m *delay.Message, how model.Resolution) {
	s.ended.Add(txn.End{ID: m.ID(), Producer: s.open.Get(m.ID()).Producer, Key: m.Key, How: how})
	s.endDelay(m)
}

// appendOpen appends the transaction of a message to the message's image.
func (s *State) appendOpen(b []byte, id model.LSN) []byte {
	t := s.open.Get(id)
	b = binary.AppendUvarint(b, uint64(t.Since))
	b = binary.AppendUvarint(b, uint64(t.Producer))
	b = binary.AppendUvarint(b, uint64(t.Immunity))
	return append(b, t.Checks)
}

func (l *loader) open(f *fields, id model.LSN) bool {
	return l.state.open.Add(txn.Open{
		ID: id, Since: int64(f.next(math.MaxInt64)), Producer: uint32(f.next(math.MaxUint32)),
		Immunity: uint16(f.next(math.MaxUint16)), Checks: f.byte(),
	})
}

// appendEnded appends the ends that are remembered: all of them as they are when a
// snapshot begins.
func (s *State) appendEnded(b []byte) []byte {
	if s.ended.Len() == 0 {
		return b
	}
	return appendEntry(b, tagEnded, func(b []byte) []byte {
		b = binary.AppendUvarint(b, uint64(s.ended.Forgotten))
		s.ended.Each(func(e *txn.End) {
			b = binary.AppendUvarint(b, uint64(e.ID))
			b = binary.LittleEndian.AppendUint32(b, e.Producer)
			b = binary.LittleEndian.AppendUint32(b, e.Key)
			b = append(b, byte(e.How))
		})
		return b
	})
}

func (l *loader) ended(content []byte) error {
	f := fields{b: content}
	s := l.state
	s.ended = txn.Ended{Forgotten: model.LSN(f.next(math.MaxInt64))}
	for n := 0; len(f.b) > 0 && !f.bad; n++ {
		if n == txn.MaxEnded {
			return errImage
		}
		s.ended.Add(txn.End{
			ID: model.LSN(f.next(math.MaxInt64)), Producer: f.u32(), Key: f.u32(), How: model.Resolution(f.byte()),
		})
	}
	return f.end()
}
