package grpcv5

import (
	"bytes"
	"compress/gzip"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

func gzipped(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body)
	_ = w.Close()
	return b.Bytes()
}

func (c *sdk) change(want apis.Code, m *apis.Message, after time.Duration) string {
	c.t.Helper()
	a := must[*apis.ChangeInvisibleDurationResponse](c, want)(c.ChangeInvisibleDuration(c.ctx, &apis.ChangeInvisibleDurationRequest{
		Group: resource("g"), Topic: m.Topic, ReceiptHandle: m.SystemProperties.GetReceiptHandle(),
		MessageId: m.SystemProperties.MessageId, InvisibleDuration: durationpb.New(after),
	}))
	if a.ReceiptHandle == "" {
		c.t.Fatal("the answer has no handle")
	}
	return a.ReceiptHandle
}

func (c *sdk) forward(want apis.Code, m *apis.Message) {
	c.t.Helper()
	must[*apis.ForwardMessageToDeadLetterQueueResponse](c, want)(c.ForwardMessageToDeadLetterQueue(c.ctx, &apis.ForwardMessageToDeadLetterQueueRequest{
		Group: resource("g"), Topic: m.Topic, ReceiptHandle: m.SystemProperties.GetReceiptHandle(), MessageId: m.SystemProperties.MessageId,
	}))
}

func withHandle(m *apis.Message, handle string) *apis.Message {
	return &apis.Message{Topic: m.Topic, SystemProperties: &apis.SystemProperties{
		MessageId: m.SystemProperties.MessageId, ReceiptHandle: &handle,
	}}
}

// consumerOf is a client with a topic and messages, which its group has not seen.
func consumerOf(r *rig, kind string, bodies ...string) *sdk {
	r.topic("t", kind)
	c := r.sdk("c1")
	c.join("g", "t")
	for _, b := range bodies {
		m := c.message("t", "id-"+b, b)
		if kind == "FIFO" {
			m.SystemProperties.MessageGroup = new("mg")
		}
		c.send(apis.Code_OK, m)
	}
	return c
}

func TestAcks(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "", "x")
		defer c.close()
		m := c.expect("t", "x")[0]
		c.ack(apis.Code_OK, m)
		c.ack(apis.Code_OK, m) // its answer was lost
		c.change(apis.Code_INVALID_RECEIPT_HANDLE, m, 10*time.Second)
		c.forward(apis.Code_OK, m)
		time.Sleep(31 * time.Second)
		c.nothing("t")
	})
}

func TestHandlesThatAreNone(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "", "x")
		defer c.close()
		r.topic("other", "")
		m := c.expect("t", "x")[0]
		handle := m.SystemProperties.GetReceiptHandle()
		for _, garbage := range []string{"", "garbage", handle[1:], handle + "AA", handle[:len(handle)-2]} {
			c.ack(apis.Code_INVALID_RECEIPT_HANDLE, withHandle(m, garbage))
			c.change(apis.Code_INVALID_RECEIPT_HANDLE, withHandle(m, garbage+"x"), 10*time.Second)
			c.forward(apis.Code_INVALID_RECEIPT_HANDLE, withHandle(m, garbage))
		}
		elsewhere := withHandle(m, handle)
		elsewhere.Topic = resource("other")
		c.ack(apis.Code_INVALID_RECEIPT_HANDLE, elsewhere)

		a := c.ack(apis.Code_MULTIPLE_RESULTS, m, withHandle(m, "garbage"))
		if a.Entries[0].Status.Code != apis.Code_OK || a.Entries[1].Status.Code != apis.Code_INVALID_RECEIPT_HANDLE || a.Entries[1].ReceiptHandle != "garbage" {
			t.Errorf("%v", a)
		}
		must[*apis.AckMessageResponse](c, apis.Code_BAD_REQUEST)(c.AckMessage(c.ctx, &apis.AckMessageRequest{Group: resource("g"), Topic: resource("t")}))
	})
}

func TestAnExpiredHandleIsStale(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "", "x")
		defer c.close()
		m := c.expect("t", "x")[0]
		time.Sleep(30*time.Second + time.Millisecond)
		c.ack(apis.Code_INVALID_RECEIPT_HANDLE, m)
		again := c.expect("t", "x")[0]
		if n := again.SystemProperties.GetDeliveryAttempt(); n != 2 {
			t.Errorf("attempt %d", n)
		}
		c.ack(apis.Code_INVALID_RECEIPT_HANDLE, m)
		c.ack(apis.Code_OK, again)
	})
}

func TestAChangeGivesANewHandle(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "", "x", "y")
		defer c.close()
		got, err := c.receive(c.ctx, "t", nil)
		if err != nil {
			t.Fatal(err)
		}
		for len(got.messages) < 2 {
			more, err := c.receive(c.ctx, "t", nil)
			if err != nil {
				t.Fatal(err)
			}
			got.messages = append(got.messages, more.messages...)
		}
		m, other := got.messages[0], got.messages[1]
		renewed := withHandle(m, c.change(apis.Code_OK, m, 20*time.Second))
		c.ack(apis.Code_INVALID_RECEIPT_HANDLE, m)
		c.change(apis.Code_INVALID_RECEIPT_HANDLE, m, 20*time.Second)
		c.ack(apis.Code_OK, renewed)
		for _, bad := range []time.Duration{-time.Second, 12*time.Hour + 1} {
			if h := c.change(apis.Code_ILLEGAL_INVISIBLE_TIME, other, bad); h != other.SystemProperties.GetReceiptHandle() {
				t.Error("an error gives another handle")
			}
		}
		// A simple consumer gets what it asks for, at once too.
		c.change(apis.Code_OK, other, 0)
		c.expect("t", string(other.Body))
	})
}

// Node sends 0 for a failed message; the group's backoff is the least.
func TestThePushBackoffIsTheGroups(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.admin(core.PutGroup{Config: core.GroupConfig{Name: "g", Backoff: core.Backoff{Steps: []time.Duration{7 * time.Second}}}})
		c := consumerOf(r, "", "x")
		defer c.close()
		push := r.sdk("push")
		defer push.close()
		ch := push.telemetry()
		defer ch.cancel()
		ch.say(consumerSettings(apis.ClientType_PUSH_CONSUMER, "g", "t", "*"))
		ch.told()
		m := push.expect("t", "x")[0]
		began := time.Now()
		push.change(apis.Code_OK, m, 0)
		got, err := push.receive(push.ctx, "t", func(r *apis.ReceiveMessageRequest) { r.LongPollingTimeout = durationpb.New(20 * time.Second) })
		if took := time.Since(began); err != nil || len(got.messages) != 1 || took < 7*time.Second || took > 7200*time.Millisecond {
			t.Errorf("%v after %v, %v", got, took, err)
		}
	})
}

func TestDeadLetters(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "", "x")
		defer c.close()
		m := c.expect("t", "x")[0]
		c.forward(apis.Code_OK, m)
		c.forward(apis.Code_OK, m)
		c.nothing("t")
		r.admin(core.PutGroup{Config: core.GroupConfig{Name: "readers", From: core.FromEarliest}})
		got, err := c.receive(c.ctx, "%DLQ%g", func(r *apis.ReceiveMessageRequest) { r.Group = resource("readers") })
		if err != nil || len(got.messages) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		if d := got.messages[0].SystemProperties.GetDeadLetterQueue(); d.GetTopic() != "t" || d.GetMessageId() != "id-x" {
			t.Errorf("dead letter of %v", d)
		}
	})
}

// The lease of a push consumer goes on while it lives, and ends soon after it.
func TestLeasesThatRenewThemselves(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "", "x")
		defer c.close()
		push := r.sdk("push")
		ch := push.telemetry()
		ch.say(consumerSettings(apis.ClientType_PUSH_CONSUMER, "g", "t", "*"))
		ch.told()
		got, err := push.receive(push.ctx, "t", func(r *apis.ReceiveMessageRequest) { r.AutoRenew, r.InvisibleDuration = true, nil })
		if err != nil || len(got.messages) != 1 || got.messages[0].SystemProperties.GetInvisibleDuration().AsDuration() != time.Minute {
			t.Fatalf("%v, %v", got, err)
		}
		time.Sleep(20 * time.Minute)
		c.nothing("t")
		push.close() // killed
		began := time.Now()
		again, err := c.receive(c.ctx, "t", func(r *apis.ReceiveMessageRequest) { r.LongPollingTimeout = durationpb.New(60 * time.Second) })
		if took := time.Since(began); err != nil || len(again.messages) != 1 || took > 15*time.Second {
			t.Errorf("%v after %v, %v", again, took, err)
		}
		ch.cancel()
	})
}

// After a restart of the server clients go on without a word of Telemetry.
func TestCallsNeedNoTelemetry(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "", "x")
		defer c.close()
		stranger := r.sdk("after-restart")
		defer stranger.close()
		stranger.send(apis.Code_OK, stranger.message("t", "id", "y"))
		must[*apis.HeartbeatResponse](stranger, apis.Code_OK)(stranger.Heartbeat(stranger.ctx, &apis.HeartbeatRequest{Group: resource("g")}))
		for range 2 {
			got, err := stranger.receive(stranger.ctx, "t", func(r *apis.ReceiveMessageRequest) { r.BatchSize = 1 })
			if err != nil || len(got.messages) != 1 {
				t.Fatalf("%v, %v", got, err)
			}
			m := withHandle(got.messages[0], stranger.change(apis.Code_OK, got.messages[0], 30*time.Second))
			stranger.ack(apis.Code_OK, m)
		}
	})
}

// What the log has not taken is never answered with success.
func TestNothingIsAcknowledgedWithoutTheLog(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "", "x")
		defer c.close()
		m := c.expect("t", "x")[0]
		r.wal.Kill()
		r.failed = true
		for range 2 { // the call that meets the failure, and one behind it
			a := must[*apis.SendMessageResponse](c, apis.Code_HA_NOT_AVAILABLE)(c.SendMessage(c.ctx, &apis.SendMessageRequest{Messages: []*apis.Message{c.message("t", "id", "y")}}))
			for _, e := range a.Entries {
				if e.Status.Code == apis.Code_OK || e.MessageId != "" {
					t.Errorf("%v", a)
				}
			}
			c.ack(apis.Code_HA_NOT_AVAILABLE, m)
			c.change(apis.Code_HA_NOT_AVAILABLE, m, 10*time.Second)
			c.forward(apis.Code_HA_NOT_AVAILABLE, m)
		}
	})
}

// Handles are good for every process that serves the log, and so after a restart.
// C# has no Telemetry stream then, and opens none.
func TestHandlesOutliveTheServer(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "", "x")
		m := c.expect("t", "x")[0]
		c.close()
		r.restart()
		again := r.sdk("c1")
		defer again.close()
		must[*apis.HeartbeatResponse](again, apis.Code_OK)(again.Heartbeat(again.ctx, &apis.HeartbeatRequest{Group: resource("g")}))
		again.nothing("t")
		renewed := withHandle(m, again.change(apis.Code_OK, m, 30*time.Second))
		again.ack(apis.Code_OK, renewed)
		time.Sleep(time.Minute)
		again.nothing("t")
		again.send(apis.Code_OK, again.message("t", "id", "y"))
		again.expect("t", "y")
	})
}

// After a restart nobody knows who lives: a lease that renewed itself goes on for
// as long as it was last recorded.
func TestARenewedLeaseAfterARestart(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "", "x")
		got, err := c.receive(c.ctx, "t", func(r *apis.ReceiveMessageRequest) { r.AutoRenew, r.InvisibleDuration = true, nil })
		if err != nil || len(got.messages) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		time.Sleep(5 * time.Minute)
		c.close()
		r.wal.Kill()
		r.failed = true
		r.restart()
		r.failed = false
		began := time.Now()
		again := r.sdk("c2")
		defer again.close()
		more, err := again.receive(again.ctx, "t", func(r *apis.ReceiveMessageRequest) { r.LongPollingTimeout = durationpb.New(3 * time.Minute) })
		if took := time.Since(began); err != nil || len(more.messages) != 1 || took > 2*time.Minute {
			t.Errorf("%v after %v, %v", more, took, err)
		}
	})
}
