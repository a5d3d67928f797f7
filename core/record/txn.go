package record

import (
	"encoding/binary"
	"math"

	"github.com/gantrymq/gantry/core/internal/model"
)

// A prepared message is stored by a Data record whose DeliverAt is model.Prepared.
// A Publish record of it commits its transaction; a Txn record says all else.

// Prepared tells whether the message waits for the end of its transaction.
func (r *Data) Prepared() bool { return r.DeliverAt == model.Prepared }

// Commits tells whether the publication is the commit of a transaction.
func (r *Publish) Commits() bool { return r.DeliverAt == model.Prepared }

// Txn tells of a transaction that is open.
type Txn struct {
	Op   TxnOp
	ID   model.LSN // the message's address: where it was stored first
	Time int64     // ms, of a TxnCheck: when the producer was asked
}

// TxnOp says what a Txn record tells.
type TxnOp uint8

const (
	// TxnRollback: the producer has rolled it back.
	TxnRollback TxnOp = iota
	// TxnDiscard: it is given up, the producer was asked as often as may be.
	TxnDiscard
	// TxnCheck: a producer was asked what became of it.
	TxnCheck
)

func (o TxnOp) String() string {
	return [...]string{"rollback", "discard", "check"}[o]
}

func (*Txn) kind() Kind { return KindTxn }

func (r *Txn) size() int {
	n := 1 + uvarintLen(uint64(r.ID))
	if r.Op == TxnCheck {
		n += uvarintLen(uint64(r.Time))
	}
	return n
}

func (r *Txn) append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, byte(r.Op)), uint64(r.ID))
	if r.Op == TxnCheck {
		dst = binary.AppendUvarint(dst, uint64(r.Time))
	}
	return dst
}

func (r *Txn) decode(d *decoder) {
	r.Op = TxnOp(d.u8())
	r.ID = model.LSN(d.uvarint(math.MaxInt64))
	if r.Time = 0; r.Op == TxnCheck {
		r.Time = int64(d.uvarint(math.MaxInt64))
	}
	d.bad = d.bad || r.Op > TxnCheck
}
