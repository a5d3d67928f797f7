package core_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
)

// back sends a message back and returns what is then at an offset of a topic.
func back(t *testing.T, e *core.Engine, c *core.Client, b core.SendBack, topic string, offset core.Offset) record.Message {
	t.Helper()
	wait(t, c, func(done func(error)) { c.SendBack(b, done) })
	return messageAt(t, e, c, topic, offset)
}

// messageAt reads one message of a topic's first queue, in parts of its own.
func messageAt(t *testing.T, e *core.Engine, c *core.Client, topic string, offset core.Offset) (m record.Message) {
	t.Helper()
	wait(t, c, func(done func(error)) {
		c.Pull(core.Pull{Queue: queueOf(t, e, topic, 0), Offset: offset, MaxMessages: 1, Wait: 10 * time.Second}, func(r *core.Records, err error) {
			if err == nil && r.Count == 1 {
				m = record.Wire(append([]byte(nil), r.Bytes()...)).Message()
			}
			done(err)
		})
	})
	return m
}

func TestSendBack(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, _ func() *core.Engine) {
		c := e.Connect(core.ClientInfo{})
		sent := message("t", "body", "tag")
		sent.Flag, sent.Born = 7, 1234
		sent.Properties = record.AppendProperty(sent.Properties, record.PropUniqueKey, []byte("key-1"))
		at := send(t, c, sent)[0].Address

		first := back(t, e, c, core.SendBack{Group: "g", At: at, Level: 1, Retries: 2, ID: "id-1"}, "%RETRY%g", 0)
		if first.ReconsumeTimes != 1 || string(first.Body) != "body" || first.Flag != 7 || first.Born != 1234 {
			t.Errorf("the copy: %+v", first)
		}
		want := map[string]string{"TAGS": "tag", "UNIQ_KEY": "key-1", "RETRY_TOPIC": "t", "ORIGIN_MESSAGE_ID": "id-1"}
		if diff := cmp.Diff(want, properties(first.Properties)); diff != "" {
			t.Errorf("properties of the copy (-want +got):\n%s", diff)
		}

		// The copy is sent back in turn, until its retries are used up.
		wait(t, c, func(done func(error)) {
			c.Query(core.KeyQuery{Topic: "%RETRY%g", Key: "key-1", Unique: true}, func(r *core.Records, err error) {
				if err == nil {
					at = core.Address(record.Wire(r.Bytes()).PhysicalOffset())
				}
				done(err)
			})
		})
		second := back(t, e, c, core.SendBack{Group: "g", At: at, Level: 1, Retries: 2, ID: "id-2"}, "%RETRY%g", 1)
		if diff := cmp.Diff(want, properties(second.Properties)); diff != "" || second.ReconsumeTimes != 2 {
			t.Errorf("second copy, attempt %d, properties (-want +got):\n%s", second.ReconsumeTimes, diff)
		}
		dead := back(t, e, c, core.SendBack{Group: "g", At: at, Retries: 1}, "%DLQ%g", 0)
		want["DLQ_ORIGIN_TOPIC"], want["DLQ_ORIGIN_MESSAGE_ID"] = "t", "key-1"
		if diff := cmp.Diff(want, properties(dead.Properties)); diff != "" || dead.ReconsumeTimes != 2 {
			t.Errorf("dead letter, attempt %d, properties (-want +got):\n%s", dead.ReconsumeTimes, diff)
		}
		if got := back(t, e, c, core.SendBack{Group: "g", At: at, Retries: 9, Level: -1}, "%DLQ%g", 1); string(got.Body) != "body" {
			t.Errorf("asked to be a dead letter: %+v", got)
		}
	})
}

func TestSendBackOfNothing(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, _ func() *core.Engine) {
		c := e.Connect(core.ClientInfo{})
		at := send(t, c, message("t", "body", ""))[0].Address
		errs := make(chan error, 1)
		for _, b := range []core.SendBack{{Group: "g", At: at + 1}, {Group: "g", At: 1 << 60}, {Group: "g", At: -1}} {
			c.SendBack(b, func(err error) { errs <- err })
			c.Submit()
			if err := <-errs; core.CodeOf(err) != core.MessageNotFound {
				t.Errorf("%+v: %v", b, err)
			}
		}
		if _, ok := e.Topic("%RETRY%g"); ok {
			t.Error("a retry topic was made for nothing")
		}
	})
}

func properties(text []byte) map[string]string {
	all := map[string]string{}
	for {
		key, value, rest, ok := record.NextProperty(text)
		if !ok {
			return all
		}
		all[string(key)] = string(value)
		text = rest
	}
}
