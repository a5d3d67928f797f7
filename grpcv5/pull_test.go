package grpcv5

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

func queueOf(topic string, id int32) *apis.MessageQueue {
	return &apis.MessageQueue{Topic: resource(topic), Id: id}
}

func (c *sdk) pull(want apis.Code, q *apis.MessageQueue, offset int64, wait time.Duration) (messages []*apis.Message, next int64) {
	c.t.Helper()
	stream, err := c.PullMessage(c.ctx, &apis.PullMessageRequest{
		Group: resource("g"), MessageQueue: q, Offset: offset, BatchSize: 2, LongPollingTimeout: durationpb.New(wait),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	next = -1
	for first := true; ; first = false {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return messages, next
		}
		if err != nil {
			c.t.Fatal(err)
		}
		switch p := part.Content.(type) {
		case *apis.PullMessageResponse_Status:
			if !first || p.Status.Code != want {
				c.t.Fatalf("status %v, want %v", p.Status, want)
			}
		case *apis.PullMessageResponse_Message:
			messages = append(messages, p.Message)
		case *apis.PullMessageResponse_NextOffset:
			next = p.NextOffset
		}
	}
}

func TestPull(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.admin(core.PutTopic{Config: core.TopicConfig{Name: "t", ReadQueues: 1, WriteQueues: 1, Perm: core.PermRead | core.PermWrite}})
		c := r.sdk("c1")
		defer c.close()
		began := time.Now()
		for i := range 3 {
			time.Sleep(time.Second)
			c.send(apis.Code_OK, c.message("t", fmt.Sprint("id", i), fmt.Sprint(i)))
		}
		q := queueOf("t", 0)
		got, next := c.pull(apis.Code_OK, q, 0, 0)
		if len(got) != 2 || next != 2 || string(got[1].Body) != "1" {
			t.Fatalf("%v, next %d", got, next)
		}
		if s := got[1].SystemProperties; s.ReceiptHandle != nil || s.GetQueueOffset() != 1 || s.MessageId != "id1" {
			t.Errorf("%v", s)
		}
		if got, next = c.pull(apis.Code_OK, q, 2, 0); len(got) != 1 || next != 3 {
			t.Errorf("%v, next %d", got, next)
		}
		asked := time.Now()
		if _, next = c.pull(apis.Code_MESSAGE_NOT_FOUND, q, 3, 5*time.Second); next != 3 || time.Since(asked) != 5*time.Second {
			t.Errorf("next %d after %v", next, time.Since(asked))
		}
		if _, next = c.pull(apis.Code_ILLEGAL_OFFSET, q, 9, 0); next != 3 {
			t.Errorf("next %d", next)
		}
		c.pull(apis.Code_BAD_REQUEST, queueOf("t", 1), 0, 0)
		c.pull(apis.Code_TOPIC_NOT_FOUND, queueOf("x", 0), 0, 0)

		at := func(policy apis.QueryOffsetPolicy, when time.Time) int64 {
			t.Helper()
			return must[*apis.QueryOffsetResponse](c, apis.Code_OK)(c.QueryOffset(c.ctx, &apis.QueryOffsetRequest{
				MessageQueue: q, QueryOffsetPolicy: policy, Timestamp: timestamppb.New(when),
			})).Offset
		}
		if first, last, second := at(apis.QueryOffsetPolicy_BEGINNING, began), at(apis.QueryOffsetPolicy_END, began),
			at(apis.QueryOffsetPolicy_TIMESTAMP, began.Add(1500*time.Millisecond)); first != 0 || last != 3 || second != 1 {
			t.Errorf("offsets %d, %d, %d", first, last, second)
		}
	})
}

func TestOffsets(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := consumerOf(r, "")
		defer c.close()
		q := queueOf("t", 0)
		other := &apis.GetOffsetRequest{Group: resource("other"), MessageQueue: q}
		must[*apis.GetOffsetResponse](c, apis.Code_OFFSET_NOT_FOUND)(c.GetOffset(c.ctx, other))
		must[*apis.UpdateOffsetResponse](c, apis.Code_OK)(c.UpdateOffset(c.ctx, &apis.UpdateOffsetRequest{Group: resource("other"), MessageQueue: q, Offset: 0}))
		if a := must[*apis.GetOffsetResponse](c, apis.Code_OK)(c.GetOffset(c.ctx, other)); a.Offset != 0 {
			t.Errorf("%v", a)
		}
		must[*apis.UpdateOffsetResponse](c, apis.Code_ILLEGAL_OFFSET)(c.UpdateOffset(c.ctx, &apis.UpdateOffsetRequest{Group: resource("other"), MessageQueue: q, Offset: -1}))
	})
}
