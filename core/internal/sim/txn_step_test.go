package sim

import (
	"fmt"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
	"github.com/gantrymq/gantry/core/record"
)

// producerGroups are those of transactions.
const producerGroups = 2

func producerGroup(i int) string { return fmt.Sprintf("producers-%d", i) }

// stepPrepare sends a message in a transaction.
func (w *world) stepPrepare() {
	s := w.drawMessage()
	m := s.m
	m.prepared, m.delayed, m.producer = true, true, producerGroup(w.rng.IntN(producerGroups))
	text := "TRAN_MSG\x01true\x02PGROUP\x01" + m.producer + "\x02"
	if w.rng.IntN(4) == 0 {
		m.immunity = pick[int64](w.rng, 1, 5, 60)
		text += fmt.Sprintf("CHECK_IMMUNITY_TIME_IN_SECONDS\x01%d\x02", m.immunity)
	}
	m.properties = text + m.properties
	s.msg.Properties = []byte(m.properties)
	s.msg.SysFlag = record.SysPrepared
	w.send(false, s)
}

// acceptPrepared judges the answer to a prepared message.
func (o *oracle) acceptPrepared(s *sending, r *shard.SendResult) {
	m := s.m
	o.w.check(m.prepared && r.DeliverAt == 0, "answer", "message %d is prepared, for %d", m.id, r.DeliverAt)
	o.w.check(int64(r.Offset) == int64(r.Address.LSN()), "answer", "transaction of message %d: offset %d, address %d", m.id, r.Offset, r.Address)
	r.DeliverAt = model.Prepared
	m.due = model.Prepared
	o.acceptDelayed(s, r)
	m.address = int64(r.Address)
	sometimes("txn.prepared")
}

// ending is an end of a transaction on its way.
type ending struct {
	m     *message
	e     shard.TxnEnd
	wrong bool // it does not name the transaction
	alone bool // no other one was under way when it began
	topic *topic
}

// stepEnd ends a transaction: one that is open, or any, in any way, as often as it comes.
func (w *world) stepEnd() {
	var all []*message
	for _, id := range w.oracle.ids() {
		if m := w.oracle.messages[id]; m.prepared && m.address != 0 && (m.home != 0 || w.rng.IntN(6) == 0) {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return
	}
	m := all[w.rng.IntN(len(all))]
	n := &ending{m: m, alone: m.recalls == 0, topic: w.oracle.topics[m.topic]}
	n.e = shard.TxnEnd{
		Address: model.Address(m.address), Offset: model.Offset(m.address), Group: m.producer,
		How: pick(w.rng, model.Commit, model.Commit, model.Commit, model.Rollback, model.Unresolved), Checked: w.rng.IntN(2) == 0,
	}
	if w.rng.IntN(2) == 0 {
		n.e.UniqueKey = m.unique
	}
	w.misname(n)
	c := w.anyClient()
	m.recalls++
	answered := w.begin(&call{what: "end of a transaction", client: c, unknown: func() { m.recalls-- }})
	c.conn.EndTransaction(n.e, func(err error) {
		if answered() {
			m.recalls--
			w.oracle.endAnswered(n, err)
		}
	})
	c.submit()
}

// misname makes some ends those of another transaction.
func (w *world) misname(n *ending) {
	n.wrong = true
	switch w.rng.IntN(24) {
	case 0:
		n.e.Group += "x"
	case 1:
		n.e.UniqueKey = n.m.unique + "x"
	case 2:
		n.e.Offset++
	case 3:
		n.e.Address++
	default:
		n.wrong = false
	}
}

// endAnswered: X1, what is said to be committed is published, what is said to be
// rolled back never is; and who is refused was told the truth.
func (o *oracle) endAnswered(n *ending, err error) {
	w, m := o.w, n.m
	committed, isCommitted := w.waits.published[m.address]
	rolledBack, isRolledBack := w.waits.cancelled[m.address]
	if err != nil {
		code, _ := w.refusal(err)
		w.note("end failed", uint64(code))
		if w.excused(code) || code == model.Internal && w.io && !w.quiet {
			return
		}
		if code == model.TransactionTooLate {
			w.check(m.immunity > 0 && !n.e.Checked && n.e.How != model.Unresolved, "X1", "the end of message %d is said to be late", m.id)
			sometimes("txn.late")
			return
		}
		w.check(code == model.InvalidTransaction, "V1", "an end of a transaction fails: %v", err)
		sometimes("txn.refused")
		gone := n.topic == nil || o.topics[m.topic] != n.topic || m.lost
		// The frame that ended it may just be under way.
		opposite := n.e.How == model.Commit && isRolledBack || n.e.How == model.Rollback && isCommitted || !n.alone
		w.check(n.wrong || gone || opposite, "X1", "message %d: %v is refused (committed %v, rolled back %v): %v", m.id, n.e.How, isCommitted, isRolledBack, err)
		return
	}
	w.check(!n.wrong, "X1", "message %d: an end that does not name its transaction is a success: %+v", m.id, n.e)
	w.check(!w.disk.failed, "L9", "an end of a transaction is acknowledged after a failed call")
	level := o.levelOf(m.topic)
	switch n.e.How {
	case model.Commit:
		w.check(isCommitted, "X1", "message %d is said to be committed, and is not", m.id)
		w.check(level != model.Synced || o.durable(committed.lsn), "L7", "the commit of message %d is acknowledged before its sync", m.id)
		sometimes("txn.committed")
	case model.Rollback:
		w.check(isRolledBack, "X1", "message %d is said to be rolled back, and is not", m.id)
		w.check(level != model.Synced || o.durable(rolledBack), "L7", "the rollback of message %d is acknowledged before its sync", m.id)
		m.recalled = m.recalled || o.durable(rolledBack) // what is not may come back by a power cut, as open
		sometimes("txn.rolled_back")
	}
}

// asked judges a question to a client. X2: it is about a transaction that is open,
// of a group that the client is a producer of.
func (c *client) asked(cmd shard.Command) {
	w := c.w
	v, open := w.waits.pending[int64(cmd.Check.Address)]
	w.check(open, "X2", "client %d is asked about %d, which is not open", c.num, cmd.Check.Address)
	m := w.oracle.messages[v.number]
	w.check(m.producer == cmd.Group && slices.Contains(c.producers, cmd.Group), "X2", "client %d, of %v, is asked about message %d of %s as one of %s",
		c.num, c.producers, m.id, m.producer, cmd.Group)
	all, err := receive(cmd.Check.Message)
	w.check(err == nil && len(all) == 1, "X2", "asked with %d messages: %v", len(all), err)
	got := &all[0]
	w.check(got.topic == m.topic && cmd.Check.Topic == m.topic && string(got.body) == string(m.body) && got.sysFlag&record.SysTransaction == record.SysPrepared &&
		got.property("TRANSACTION_CHECK_TIMES") == fmt.Sprint(len(w.waits.checks[v.id])+1), "X2", "message %d is asked about as %+v", m.id, got)
	sometimes("txn.asked")
}

// checked takes in that the log says that a producer was asked. X2: in the time of the
// transaction, and not too often.
func (x *waits) checked(v waitEvent) {
	first := x.pending[v.id]
	m := x.w.oracle.messages[first.number]
	x.checks[v.id] = append(x.checks[v.id], v)
	n := len(x.checks[v.id])
	x.w.check(n <= x.w.txnChecks, "X2", "message %d is asked about %d times", m.id, n)
	if n == 1 || v.now == 0 || x.checks[v.id][n-2].now == 0 || v.life != x.checks[v.id][n-2].life {
		return
	}
	waited := v.now - x.checks[v.id][n-2].now
	x.w.check(waited >= 30_000, "X2", "message %d is asked about %d ms after the last time", m.id, waited)
}

// ended takes in a transaction that is over without a commit. X3: one is given up after
// as many questions as there may be.
func (x *waits) ended(v waitEvent, first waitEvent) {
	if v.discard {
		x.w.check(len(x.checks[v.id]) == x.w.txnChecks, "X3", "message %d is given up after %d questions", first.number, len(x.checks[v.id]))
		sometimes("txn.given_up")
	}
	delete(x.pending, v.id)
	x.cancelled[v.id] = v.lsn
	sent := x.w.oracle.messages[first.number]
	sent.home, sent.taken = 0, true
}
