package remoting

import (
	"fmt"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Transactions
//
//	10, 310 with TRAN_MSG=true    stores a prepared message: nobody sees it yet
//	37 END_TRANSACTION            commits it, rolls it back, or says that that is not known yet
//	39 CHECK_TRANSACTION_STATE    asks a producer of the group how a transaction ends that
//	                              is open for long; it answers with 37
//
// The answer to the prepared message has the two offsets by which 37 names it: that in
// its msgId (commitLogOffset) and queueOffset (tranStateTableOffset). 39 has the same ones.
// Its body is the message with its own topic, and its property TRANSACTION_CHECK_TIMES.
//
// 37 is mostly one-way. To who waits for an answer, what cannot be (another producer
// group, offset or transactionId, a transaction that was decided otherwise) is 1, and what
// comes after CHECK_IMMUNITY_TIME_IN_SECONDS without having been asked is 604. What was
// decided already is 0.
//
// Deviations: upstream stores a message anew each time that it asks, so that its offsets
// change; it publishes a commit that comes twice twice. transactionId is compared when it is
// given. A prepared message may not be delayed, nor in a batch, nor without PGROUP (13).

// Values of commitOrRollback, and of a message's sysFlag.
const (
	transactionUnknown  = 0
	transactionCommit   = 0x8
	transactionRollback = 0xC
)

func (c *conn) endTransaction(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	end := core.TxnEnd{
		Group: a.Text("producerGroup"), UniqueKey: a.Optional("transactionId"), Checked: a.Optional("fromTransactionCheck") == "true",
		Offset: core.Offset(a.Int64("tranStateTableOffset")), Address: core.Address(a.Int64("commitLogOffset")),
	}
	how := a.Int64("commitOrRollback")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	switch how {
	case transactionUnknown:
		end.How = core.Unresolved
	case transactionCommit:
		end.How = core.Commit
	case transactionRollback:
		end.How = core.Rollback
	default:
		r.refuse(wire.InvalidParameter, fmt.Sprintf("commitOrRollback is %d, not 0, 8 or 12", how))
		return
	}
	c.core().EndTransaction(end, func(err error) {
		if err != nil {
			r.fail(err)
			return
		}
		r.answer(wire.Success, nil, nil)
	})
}

// checkTransaction asks the client how a transaction ends. It runs on the shard's loop.
func (c *conn) checkTransaction(check *core.Check) {
	if !c.old.Load() || !wire.NeedsConversion(check.Message) {
		c.pushCheck(check, check.Message)
		return
	}
	c.server.goroutines.Go(func() { // not the loop's work
		c.pushCheck(check, wire.ConvertMessages(nil, check.Message))
		c.out.flush()
	})
}

func (c *conn) pushCheck(check *core.Check, body []byte) {
	c.tell(wire.CheckTransactionState, func(w *wire.Writer) {
		w.Text("topic", check.Topic)
		w.Int("tranStateTableOffset", int64(check.Offset))
		w.Int("commitLogOffset", int64(check.Address))
		w.Text("msgId", check.UniqueKey)
		w.Text("transactionId", check.UniqueKey)
		var id [56]byte
		w.Raw("offsetMsgId", wire.AppendMessageID(id[:0], c.storeHost, int64(check.Address)))
		w.Text("bname", c.server.shard.BrokerName)
		w.Body(body)
	})
}
