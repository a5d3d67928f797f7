package core_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/record"
)

// TestAReceiveIsAnsweredOnce: a filter that needs the messages' bytes has a reader look at one queue after the other, and
// a call may have its messages while the reader still looks at the next queue for it.
func TestAReceiveIsAnsweredOnce(t *testing.T) {
	engines(t, func(t *testing.T, e *core.Engine, _ func() *core.Engine) {
		c := e.Connect(core.ClientInfo{})
		defer c.Close()
		admin(t, c, core.PutTopic{Config: core.TopicConfig{Name: "t", ReadQueues: 8, WriteQueues: 8, Perm: core.PermRead | core.PermWrite}})
		admin(t, c, core.PutGroup{Config: core.GroupConfig{Name: "g", From: core.FromEarliest}})
		info, _ := e.Topic("t")
		wanted, err := filter.Parse(filter.SQL92, "n = '1'")
		if err != nil {
			t.Fatal(err)
		}
		var calls, answers atomic.Int32
		received := make(chan int, 64)
		ask := func() {
			calls.Add(1)
			c.Receive(core.Receive{
				Group: "g", Queue: core.Queue{Topic: info.ID, Num: -1}, Filter: wanted, Max: 32, Invisible: time.Minute, Wait: 100 * time.Millisecond,
			}, func(r *core.Records, err error) {
				answers.Add(1)
				if err != nil {
					t.Error(err)
					received <- 0
					return
				}
				n := len(r.Delivered())
				r.Release()
				received <- n
			})
			c.Submit()
		}
		for range 50 {
			msgs := make([]core.Message, 8)
			for i := range msgs {
				msgs[i] = core.Message{Topic: "t", Queue: int32(i), Body: []byte("x"), Properties: record.AppendProperty(nil, "n", []byte("1"))}
			}
			send(t, c, msgs...)
			for left := len(msgs); left > 0; {
				ask()
				left -= <-received
			}
		}
		ask() // empty: when it is answered, whatever a reader had to say has been said
		if n := <-received; n != 0 {
			t.Errorf("%d messages more than were sent", n)
		}
		if answers.Load() != calls.Load() {
			t.Errorf("%d calls were answered %d times", calls.Load(), answers.Load())
		}
	})
}
