package grpcv5

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// half sends a prepared message and returns its transaction id.
func (c *sdk) half(topic, id, body string, recovery time.Duration) string {
	c.t.Helper()
	m := c.message(topic, id, body)
	m.SystemProperties.MessageType = apis.MessageType_TRANSACTION
	if recovery > 0 {
		m.SystemProperties.OrphanedTransactionRecoveryDuration = durationpb.New(recovery)
	}
	entry := c.send(apis.Code_OK, m).Entries[0]
	if entry.TransactionId == "" || entry.MessageId != id || entry.RecallHandle != "" || entry.Offset != 0 {
		c.t.Errorf("answer to a prepared message: %v", entry)
	}
	return entry.TransactionId
}

func (c *sdk) end(want apis.Code, topic, id, transaction string, how apis.TransactionResolution) {
	c.t.Helper()
	must[*apis.EndTransactionResponse](c, want)(c.EndTransaction(c.ctx, &apis.EndTransactionRequest{
		Topic: resource(topic), MessageId: id, TransactionId: transaction, Resolution: how, Source: apis.TransactionSource_SOURCE_CLIENT,
	}))
}

const (
	commit   = apis.TransactionResolution_COMMIT
	rollback = apis.TransactionResolution_ROLLBACK
	unknown  = apis.TransactionResolution_TRANSACTION_RESOLUTION_UNSPECIFIED
)

func TestTransactionsAreEnded(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "TRANSACTION")
		c := r.sdk("c")
		defer c.close()
		c.join("g", "t")
		one, two := c.half("t", "01AA", "one", 0), c.half("t", "01BB", "two", 0)
		c.nothing("t")
		for name, id := range map[string]string{"none": "", "no base64": "!", "another version": "MiAxIDIgdA", "short": "MSAx", "another place": transactionID("t", 1, 1)} {
			t.Log(name)
			c.end(apis.Code_INVALID_TRANSACTION_ID, "t", "01AA", id, commit)
		}
		c.end(apis.Code_INVALID_TRANSACTION_ID, "t", "01BB", one, commit) // the id of another message
		c.end(apis.Code_OK, "t", "01AA", one, unknown)
		time.Sleep(5 * time.Minute)
		c.end(apis.Code_OK, "t", "01AA", one, commit)
		c.end(apis.Code_OK, "t", "01AA", one, commit)
		c.end(apis.Code_INVALID_TRANSACTION_ID, "t", "01AA", one, rollback)
		c.end(apis.Code_OK, "t", "01BB", two, rollback)
		c.end(apis.Code_INVALID_TRANSACTION_ID, "t", "01BB", two, commit)
		got := c.expect("t", "one")
		if p := got[0].SystemProperties; p.MessageType != apis.MessageType_TRANSACTION || p.MessageId != "01AA" {
			t.Errorf("delivered %v", got[0])
		}
		c.ack(apis.Code_OK, got...)
		c.nothing("t")
	})
}

func TestTransactionalMessagesGoWhereTheyMay(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("plain", "")
		r.topic("t", "TRANSACTION")
		c := r.sdk("c")
		defer c.close()
		m := c.message("plain", "01AA", "x")
		m.SystemProperties.MessageType = apis.MessageType_TRANSACTION
		c.send(apis.Code_MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, m)
		c.send(apis.Code_MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, c.message("t", "01BB", "x"))
	})
}

// asked returns the next question about a transaction.
func (ch *channel) asked() *apis.RecoverOrphanedTransactionCommand {
	ch.t.Helper()
	for {
		cmd, err := ch.Recv()
		if err != nil {
			ch.t.Fatal(err)
		}
		if q := cmd.GetRecoverOrphanedTransactionCommand(); q != nil {
			return q
		}
	}
}

func TestProducersAreAskedAboutTransactions(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "TRANSACTION")
		dies := r.sdk("dies")
		dies.half("t", "01AA", "one", 40*time.Second)
		began := time.Now()
		dies.close()
		c := r.sdk("c")
		defer c.close()
		ch := c.telemetry()
		defer ch.cancel()
		ch.say(producerSettings("t"))
		q := ch.asked()
		if after := time.Since(began); after < 40*time.Second || after > 41*time.Second {
			t.Errorf("asked after %v", after)
		}
		m := q.GetMessage()
		if p := m.GetSystemProperties(); string(m.GetBody()) != "one" || m.GetTopic().GetName() != "t" || p.GetMessageId() != "01AA" || p.GetMessageType() != apis.MessageType_TRANSACTION ||
			p.GetBodyDigest().GetChecksum() == "" || p.GetBodyEncoding() != apis.Encoding_IDENTITY {
			t.Errorf("asked about %v", m)
		}
		c.join("g", "t")
		must[*apis.EndTransactionResponse](c, apis.Code_OK)(c.EndTransaction(c.ctx, &apis.EndTransactionRequest{
			Topic: resource("t"), MessageId: "01AA", TransactionId: q.GetTransactionId(), Resolution: commit, Source: apis.TransactionSource_SOURCE_SERVER_CHECK,
		}))
		c.ack(apis.Code_OK, c.expect("t", "one")...)
	})
}

// A transaction that waits for a producer is asked about when one comes, after
// that has been told its settings.
func TestProducersAreAskedAfterTheirSettings(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "TRANSACTION")
		c := r.sdk("c")
		defer c.close()
		c.half("t", "01AA", "one", 0)
		time.Sleep(time.Minute)
		ch := c.telemetry()
		defer ch.cancel()
		began := time.Now()
		ch.say(producerSettings("t"))
		ch.told()
		id := ch.asked().GetTransactionId()
		if after := time.Since(began); after > time.Second {
			t.Errorf("asked %v after it came", after)
		}
		c.end(apis.Code_OK, "t", "01AA", id, rollback)
	})
}

// A 4.x producer and a v5 one of the same group end one another's transactions.
func TestTransactionsOfOtherProtocols(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "TRANSACTION")
		c := r.sdk("c")
		defer c.close()
		ch := c.telemetry()
		defer ch.cancel()
		ch.say(producerSettings("t"))
		ch.told()

		pushed := make(chan core.Command, 10)
		old := r.engine.Connect(core.ClientInfo{Push: func(cmd core.Command) { pushed <- cmd }})
		defer old.Close()
		answers := make(chan error, 1)
		old.Send(&core.Batch{Messages: []core.Message{{
			Topic: "t", SysFlag: 4, Body: []byte("one"), Properties: []byte("TRAN_MSG\x01true\x02PGROUP\x01t\x02UNIQ_KEY\x0101AA\x02"),
		}}}, func(_ []core.SendResult, err error) { answers <- err })
		old.Submit()
		if err := <-answers; err != nil {
			t.Fatal(err)
		}
		c.end(apis.Code_OK, "t", "01AA", ch.asked().GetTransactionId(), commit)

		old.Update(core.ClientState{ClientID: "old", Producers: []string{"t"}}, func(core.UpdateResult, error) {})
		old.Submit()
		c.half("t", "01BB", "two", 0)
		ch.cancel()
		c.close()
		cmd := <-pushed
		old.EndTransaction(core.TxnEnd{
			Address: cmd.Check.Address, Offset: cmd.Check.Offset, Group: cmd.Group, UniqueKey: cmd.Check.UniqueKey, How: core.Rollback, Checked: true,
		}, func(err error) { answers <- err })
		old.Submit()
		if err := <-answers; err != nil {
			t.Fatal(err)
		}
	})
}
