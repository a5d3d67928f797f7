package grpcv5

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// sendLater sends a message to be delivered later, and returns its recall handle.
func (c *sdk) sendLater(topic, id string, at time.Time) string {
	c.t.Helper()
	m := c.message(topic, id, id)
	m.SystemProperties.MessageType, m.SystemProperties.DeliveryTimestamp = apis.MessageType_DELAY, timestamppb.New(at)
	return c.send(apis.Code_OK, m).Entries[0].RecallHandle
}

func TestADelayedMessage(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "DELAY")
		defer c.close()
		began := time.Now()
		at := began.Add(10*time.Second + 123*time.Millisecond)
		if c.sendLater("t", "late", at) == "" {
			t.Error("there is no recall handle")
		}
		got, err := c.receive(c.ctx, "t", func(r *apis.ReceiveMessageRequest) { r.LongPollingTimeout = durationpb.New(30 * time.Second) })
		if err != nil || len(got.messages) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		if took := time.Since(began); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("it came after %v", took)
		}
		s := got.messages[0].SystemProperties
		if s.GetDeliveryTimestamp().AsTime().UnixMilli() != at.UnixMilli() || s.MessageType != apis.MessageType_DELAY || s.MessageId != "late" {
			t.Errorf("%v", s)
		}
		c.sendLater("t", "past", time.Now().Add(-20*time.Second))
		c.expect("t", "past")
	})
}

func TestRecall(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "DELAY")
		defer c.close()
		recall := func(want apis.Code, topic, handle string) *apis.RecallMessageResponse {
			t.Helper()
			return must[*apis.RecallMessageResponse](c, want)(c.RecallMessage(c.ctx, &apis.RecallMessageRequest{Topic: resource(topic), RecallHandle: handle}))
		}
		handle := c.sendLater("t", "recalled", time.Now().Add(5*time.Second))
		if a := recall(apis.Code_OK, "t", handle); a.MessageId != "recalled" {
			t.Errorf("%v", a)
		}
		recall(apis.Code_BAD_REQUEST, "t", "garbage")
		recall(apis.Code_BAD_REQUEST, "other", handle)
		recall(apis.Code_NOT_FOUND, "t", handle)
		recall(apis.Code_NOT_FOUND, "t", recallText("t", "gantry-0", time.Now().Add(time.Hour).UnixMilli(), "never"))
		time.Sleep(6 * time.Second)
		c.nothing("t")
	})
}

func TestMessagesOfAGroupComeInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "FIFO")
		defer c.close()
		for _, group := range []string{"a", "b"} {
			for i := range 3 {
				m := c.message("t", fmt.Sprint(group, i), fmt.Sprint(group, i))
				m.SystemProperties.MessageType, m.SystemProperties.MessageGroup = apis.MessageType_FIFO, &group
				m.SystemProperties.QueueId = int32(i) // a client's choice, which is not heeded
				c.send(apis.Code_OK, m)
			}
		}
		next := map[string]int{}
		for done := 0; done < 6; {
			got, err := c.receive(c.ctx, "t", nil)
			if err != nil || len(got.messages) == 0 {
				t.Fatalf("%v, %v", got, err)
			}
			for _, m := range got.messages {
				group := m.SystemProperties.GetMessageGroup()
				if want := fmt.Sprint(group, next[group]); string(m.Body) != want || m.SystemProperties.MessageType != apis.MessageType_FIFO {
					t.Fatalf("%s came, want %s", m.Body, want)
				}
				next[group]++
				done++
			}
			c.ack(apis.Code_OK, got.messages...)
		}
	})
}

// A client whose answer was lost asks again, by the same attempt id.
func TestAnOrderedReceiveCanBeRepeated(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "FIFO", "0", "1")
		defer c.close()
		ask := func(attempt string) []*apis.Message {
			t.Helper()
			got, err := c.receive(c.ctx, "t", func(r *apis.ReceiveMessageRequest) { r.AttemptId = &attempt })
			if err != nil {
				t.Fatal(err)
			}
			return got.messages
		}
		first := ask("x")
		if len(first) == 0 || string(first[0].Body) != "0" {
			t.Fatalf("%v", first)
		}
		if other := ask("y"); len(other) != 0 {
			t.Errorf("another attempt gets %v", other)
		}
		again := ask("x")
		if len(again) != len(first) || string(again[0].Body) != "0" || again[0].SystemProperties.GetDeliveryAttempt() != 1 {
			t.Errorf("the same attempt gets %v", again)
		}
	})
}

// One message of a topic has one attempt count, whoever asks.
func TestAttemptsAreCounted(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.admin(core.PutGroup{Config: core.GroupConfig{Name: "g", MaxAttempts: 2}})
		c := consumerOf(r, "", "x")
		defer c.close()
		for attempt := int32(1); attempt <= 2; attempt++ {
			m := c.expect("t", "x")[0]
			if got := m.SystemProperties.GetDeliveryAttempt(); got != attempt {
				t.Errorf("attempt %d, want %d", got, attempt)
			}
			c.change(apis.Code_OK, m, 0)
		}
		c.nothing("t")
		if w := r.read("%DLQ%g", "id-x"); record.Property(w.Properties(), propDLQTopic) == nil {
			t.Errorf("the dead letter has the properties %q", w.Properties())
		}
	})
}
