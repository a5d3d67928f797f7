package core_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal/file"
)

// TestDrainOfSealedSegments: many receives at once empty a topic whose messages lie in segments that are sealed, or are
// being sealed meanwhile.
func TestDrainOfSealedSegments(t *testing.T) {
	const messages, receivers = 20_000, 32
	e, err := core.Open(core.Config{SegmentBytes: 4 << 20}, file.New(file.Options{Dir: t.TempDir()}), core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(t.Context())
	c := e.Connect(core.ClientInfo{})
	defer c.Close()
	admin(t, c, core.PutTopic{Config: core.TopicConfig{Name: "t", ReadQueues: 8, WriteQueues: 8, Perm: core.PermRead | core.PermWrite}})
	admin(t, c, core.PutGroup{Config: core.GroupConfig{Name: "g", From: core.FromEarliest}})
	info, _ := e.Topic("t")
	for range messages / 500 {
		msgs := make([]core.Message, 500)
		for i := range msgs {
			msgs[i] = core.Message{Topic: "t", Queue: int32(i % 8), Body: make([]byte, 1024)}
		}
		send(t, c, msgs...)
	}
	var left atomic.Int64
	left.Store(messages)
	deadline := time.Now().Add(30 * time.Second)
	var all sync.WaitGroup
	for range receivers {
		all.Go(func() {
			c := e.Connect(core.ClientInfo{})
			defer c.Close()
			for left.Load() > 0 && time.Now().Before(deadline) {
				left.Add(-int64(receiveAndAck(t, c, info.ID)))
			}
		})
	}
	all.Wait()
	if n := left.Load(); n != 0 {
		t.Errorf("%d of %d messages were left", n, messages)
	}
}

// receiveAndAck is one receive that waits, and an ack of all it got.
func receiveAndAck(t *testing.T, c *core.Client, topic core.TopicID) int {
	got := make(chan []core.Settlement, 1)
	c.Receive(core.Receive{
		Group: "g", Queue: core.Queue{Topic: topic, Num: -1}, Max: 32, Invisible: time.Minute, Wait: time.Second,
	}, func(r *core.Records, err error) {
		var acks []core.Settlement
		if err != nil {
			t.Error(err)
		} else {
			for i := range r.Delivered() {
				acks = append(acks, core.Settlement{Receipt: r.Delivered()[i].Receipt, Do: core.Ack})
			}
			r.Release()
		}
		got <- acks
	})
	c.Submit()
	acks := <-got
	if len(acks) == 0 {
		return 0
	}
	done := make(chan struct{})
	c.Settle(acks, func(all []core.Settled) {
		for _, s := range all {
			if s.Err != nil {
				t.Error(s.Err)
			}
		}
		close(done)
	})
	c.Submit()
	<-done
	return len(acks)
}
