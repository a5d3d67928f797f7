package remoting

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

const halfProperties = "TRAN_MSG\x01true\x02PGROUP\x01pg\x02TAGS\x01red\x02UNIQ_KEY\x01K-1\x02"

// half stores a prepared message and returns what its answer says.
func (c *caller) half(body, properties string) *wire.Command {
	c.t.Helper()
	return c.call(wire.Success, with(with(sendRequest("orders", 0, body), "i", properties), "f", "4"))
}

// endRequest ends a transaction as clients do: with what the answer to its message said.
func endRequest(t *testing.T, sent *wire.Command, how int) *wire.Command {
	t.Helper()
	_, at, err := wire.ParseMessageID(sent.Ext.Text("msgId"))
	if err != nil {
		t.Fatal(err)
	}
	return wire.NewRequest(wire.EndTransaction, "producerGroup", "pg", "tranStateTableOffset", sent.Ext.Text("queueOffset"),
		"commitLogOffset", strconv.FormatInt(at, 10), "commitOrRollback", strconv.Itoa(how), "fromTransactionCheck", "false",
		"msgId", sent.Ext.Text("msgId"), "transactionId", sent.Ext.Text("transactionId"))
}

// checkedRequest answers the question how a transaction ends, as clients do: with
// what the question said.
func checkedRequest(question *wire.Command, how int) *wire.Command {
	e := question.Ext
	return wire.NewRequest(wire.EndTransaction, "producerGroup", "pg", "tranStateTableOffset", e.Text("tranStateTableOffset"),
		"commitLogOffset", e.Text("commitLogOffset"), "commitOrRollback", strconv.Itoa(how), "fromTransactionCheck", "true",
		"msgId", e.Text("msgId"), "transactionId", e.Text("transactionId"), "bname", e.Text("bname"))
}

// producer says that the client is a producer of pg, and of nothing else.
func (c *caller) producer(id string) {
	c.t.Helper()
	req := wire.NewRequest(wire.HeartBeat)
	req.Body = []byte(`{"clientID":"` + id + `","producerDataSet":[{"groupName":"pg"}],"consumerDataSet":[]}`)
	c.call(wire.Success, req)
}

// nothing checks that no message is in its queue.
func (c *caller) nothing() {
	c.t.Helper()
	c.call(wire.PullNotFound, pullRequest("orders", 0, 0, wire.PullSubscription))
}

func TestTransactionIsCommitted(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		sent := c.half("half", halfProperties)
		if sent.Ext.Text("transactionId") != "K-1" {
			t.Errorf("transactionId is %q", sent.Ext.Text("transactionId"))
		}
		c.send("orders", 0, "plain")
		if all := c.messages("orders", 0); len(all) != 1 {
			t.Fatalf("%d messages before the commit", len(all))
		}
		end := endRequest(t, sent, transactionCommit)
		c.call(wire.Success, end)
		c.call(wire.Success, end) // once more: nothing happens
		all := c.messages("orders", 0)
		if len(all) != 2 || string(all[1].Body) != "half" {
			t.Fatalf("%d messages, the last %s", len(all), all[len(all)-1].Body)
		}
		m := &all[1]
		address, _ := strconv.ParseInt(end.Ext.Text("commitLogOffset"), 10, 64)
		if m.SysFlag&wire.SysTransaction != transactionCommit || m.PhysicalOffset != address || m.Prepared != address || m.QueueOffset != 1 ||
			property(m, "TRAN_MSG") != "true" || property(m, "PGROUP") != "pg" || property(m, "UNIQ_KEY") != "K-1" {
			t.Errorf("delivered %+v", m)
		}
		c.call(wire.SystemError, with(end, "commitOrRollback", "12"))
		if all := c.messages("orders", 0); len(all) != 2 {
			t.Errorf("%d messages in the end", len(all))
		}
	})
}

func TestEndOfTransactionNamesIt(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		sent := c.half("half", halfProperties)
		end := func() *wire.Command { return endRequest(t, sent, transactionCommit) }
		for _, wrong := range []struct {
			field, value string
			code         wire.ResponseCode
		}{
			{"producerGroup", "other", wire.SystemError},
			{"tranStateTableOffset", "1", wire.SystemError},
			{"commitLogOffset", "1", wire.SystemError},
			{"commitLogOffset", "-1", wire.SystemError},
			{"transactionId", "K-2", wire.SystemError},
			{"commitOrRollback", "4", wire.InvalidParameter},
			{"commitLogOffset", "x", wire.InvalidParameter},
			{"producerGroup", "", wire.SystemError},
		} {
			if resp := c.call(wrong.code, with(end(), wrong.field, wrong.value)); resp.Remark == "" {
				t.Errorf("%s=%s: no remark", wrong.field, wrong.value)
			}
		}
		c.nothing()
		c.call(wire.Success, with(end(), "commitOrRollback", "0"))
		c.call(wire.Success, with(with(end(), "transactionId", ""), "commitOrRollback", "12"))
		c.call(wire.Success, with(end(), "commitOrRollback", "12"))
		c.call(wire.SystemError, end())
	})
}

func TestPreparedMessagesAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		for name, properties := range map[string]string{
			"without a group": "TRAN_MSG\x01true\x02",
			"delayed":         halfProperties + "DELAY\x013\x02",
		} {
			if resp := c.call(wire.MessageIllegal, with(sendRequest("orders", 0, "x"), "i", properties)); !strings.Contains(resp.Remark, "transactional") {
				t.Errorf("%s: %s", name, resp.Remark)
			}
		}
		// A consumer's retry of a message that was one.
		retried := with(with(sendRequest("orders", 0, "x"), "i", halfProperties+"DELAY\x011\x02"), "j", "1")
		if resp := c.call(wire.Success, retried); resp.Ext.Text("recallHandle") == "" {
			t.Error("a retry is prepared")
		}
	})
}

func TestTransactionChecks(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		one, two := r.dial(), r.dial()
		one.producer("one")
		two.producer("two")
		sent := one.half("half", halfProperties)
		began := time.Now()
		var asked []*caller
		for n := 1; n <= 3; n++ {
			var question *wire.Command
			select {
			case question = <-one.pushed:
				asked = append(asked, one)
			case question = <-two.pushed:
				asked = append(asked, two)
			}
			if after := time.Since(began); after != 6*time.Second+time.Duration(n-1)*30*time.Second {
				t.Errorf("question %d comes after %v", n, after)
			}
			e := question.Ext
			if question.Code != int32(wire.CheckTransactionState) || !question.IsOneway() || e.Text("topic") != "orders" || e.Text("msgId") != "K-1" ||
				e.Text("transactionId") != "K-1" || e.Text("offsetMsgId") != sent.Ext.Text("msgId") || e.Text("tranStateTableOffset") != sent.Ext.Text("queueOffset") ||
				e.Text("commitLogOffset") != endRequest(t, sent, 0).Ext.Text("commitLogOffset") || e.Text("bname") != "gantry-0" {
				t.Errorf("asked %d %v", question.Code, e)
			}
			m, err := wire.DecodeMessage(question.Body)
			if err != nil || string(m.Body) != "half" || string(m.Topic) != "orders" || m.SysFlag&wire.SysTransaction != 4 || m.StoreHost.String() != testBroker ||
				property(&m, "PGROUP") != "pg" || property(&m, "TRANSACTION_CHECK_TIMES") != strconv.Itoa(n) || property(&m, "TRAN_MSG") != "true" {
				t.Errorf("question %d has %+v, %v", n, m, err)
			}
			if n == 3 {
				if err := asked[2].Send(checkedRequest(question, transactionCommit)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if asked[0] == asked[1] || asked[1] == asked[2] {
			t.Error("not everybody in turn")
		}
		synctest.Wait()
		if all := one.messages("orders", 0); len(all) != 1 {
			t.Fatalf("%d messages", len(all))
		}
		time.Sleep(time.Hour)
		if n := len(one.pushed) + len(two.pushed); n > 0 {
			t.Errorf("%d questions after the end", n)
		}
	})
}

// Whose producer dies between its message and the end is decided by another one of the group.
func TestTransactionOfAProducerThatDied(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		dies := r.dial()
		dies.producer("dies")
		dies.half("half", halfProperties)
		_ = dies.Close()
		time.Sleep(time.Minute)
		lives := r.dial()
		began := time.Now()
		lives.producer("lives")
		question := <-lives.pushed
		if after := time.Since(began); after > time.Second {
			t.Errorf("asked %v after it came", after)
		}
		lives.call(wire.Success, checkedRequest(question, transactionRollback))
		lives.call(wire.SystemError, checkedRequest(question, transactionCommit))
		lives.nothing()
	})
}

func TestLateEndOfTransaction(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		sent := c.half("half", halfProperties+"CHECK_IMMUNITY_TIME_IN_SECONDS\x0110\x02")
		time.Sleep(10*time.Second + time.Millisecond)
		c.call(wire.IllegalOperation, endRequest(t, sent, transactionCommit))
		c.producer("one")
		question := <-c.pushed
		c.call(wire.Success, checkedRequest(question, transactionCommit))
		c.call(wire.Success, endRequest(t, sent, transactionCommit))
	})
}
