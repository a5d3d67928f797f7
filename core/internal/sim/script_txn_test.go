package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// txnProperties are those of a prepared message: txn=pg immunity=60
func txnProperties(l line) (text string) {
	if !l.has("txn") {
		return ""
	}
	text = "TRAN_MSG\x01true\x02"
	if group := l.text("txn", ""); group != "" {
		text += "PGROUP\x01" + group + "\x02"
	}
	if l.has("immunity") {
		text += "CHECK_IMMUNITY_TIME_IN_SECONDS\x01" + l.text("immunity", "") + "\x02"
	}
	return text
}

// cmdProducer makes a client a member of producer groups, and of no others: producer client=p group=(pg, pg2)
func (s *stage) cmdProducer() {
	c := s.client()
	c.Update(shard.ClientState{ClientID: s.line.text("client", "default"), Producers: s.line.list("group")}, func(_ shard.UpdateResult, err error) {
		if err != nil {
			s.say("%s", refusal(err))
		}
	})
	s.submit(c)
}

// cmdEnd ends a transaction: end commit id=a group=pg key=a at=b checked
// The message is that of the unique key; at= gives the address of another, offset= adds to the offset.
func (s *stage) cmdEnd() {
	c := s.client()
	say := s.answer()
	at := s.places[s.line.text("at", s.line.text("id", ""))]
	e := shard.TxnEnd{
		Address: at, Offset: model.Offset(int64(at.LSN()) + s.line.number("offset", 0)),
		Group: s.line.text("group", "pg"), UniqueKey: s.line.text("key", ""), Checked: s.line.has("checked"),
	}
	e.How = map[string]model.Resolution{"commit": model.Commit, "rollback": model.Rollback}[s.line.first()]
	c.EndTransaction(e, func(err error) {
		if err != nil {
			say("%s", refusal(err))
			return
		}
		say("ok")
	})
	s.submit(c)
}

// asked says what a client is asked about.
func (s *stage) asked(name string, c *shard.Check, group string) {
	all := must(receive(c.Message))
	m := &all[0]
	prepared := ""
	if m.sysFlag&0xC != 4 || m.address != int64(c.Address) || m.offset != int64(c.Offset) || m.topic != c.Topic {
		prepared = fmt.Sprintf(", and the message is not what the question says: %+v", m)
	}
	s.say("%s of %s is asked about %s in %s, time %s: %s%s", name, group, c.UniqueKey, c.Topic, m.property("TRANSACTION_CHECK_TIMES"), m.body, prepared)
}

// cmdTransactions counts them, since the server was started: transactions
func (s *stage) cmdTransactions() {
	n := s.server().Stats()
	s.say("%d open; begun %d, committed %d, rolled back %d, given up %d, checks %d; relocated %d; %d delayed",
		n.OpenTransactions, n.Prepared, n.Committed, n.RolledBack, n.Discarded, n.Checks, n.Relocated, n.Pending)
}

// cmdIdle says when the server wakes by itself, if nobody asks for anything: idle
func (s *stage) cmdIdle() {
	if at, ok := s.server().NextAlarm(); ok {
		s.say("until %sms", strconv.FormatInt(at, 10))
		return
	}
	s.say("for ever")
}

// describeTransaction says what a message tells of its transaction.
func describeTransaction(m *received) string {
	switch {
	case m.sysFlag&0xC == 8 && m.prepared == m.address:
		return " (committed)"
	case m.sysFlag&0xC != 0 || m.prepared != 0:
		return fmt.Sprintf(" (sysFlag %d, prepared at %d)", m.sysFlag, m.prepared)
	}
	if real := m.property("REAL_TOPIC"); real != "" {
		return strings.TrimRight(fmt.Sprintf(" from %s/%s, asked %s times", real, m.property("REAL_QID"), m.property("TRANSACTION_CHECK_TIMES")), " ")
	}
	return ""
}
