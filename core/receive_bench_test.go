package core_test

import (
	"testing"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal/mem"
)

// BenchmarkReceive measures what a received and acked message costs, the client's
// own side included but no transport: one at a time, and by 32.
func BenchmarkReceive(b *testing.B) {
	for name, batch := range map[string]int{"1": 1, "32": 32} {
		b.Run(name, func(b *testing.B) { benchmarkReceive(b, batch) })
	}
}

func benchmarkReceive(b *testing.B, batch int) {
	e, err := core.Open(core.Config{}, mem.New(mem.Options{}), core.Env{})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close(b.Context())
	c := e.Connect(core.ClientInfo{})
	admin := func(op core.AdminOp) {
		done := make(chan error, 1)
		c.Admin(op, func(err error) { done <- err })
		c.Submit()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	admin(core.PutTopic{Config: core.TopicConfig{Name: "t", ReadQueues: 4, WriteQueues: 4, Perm: core.PermRead | core.PermWrite}})
	admin(core.PutGroup{Config: core.GroupConfig{Name: "g", From: core.FromEarliest}})
	info, _ := e.Topic("t")
	q := core.Queue{Topic: info.ID, Num: -1}

	answers := make(chan *core.Records, 1)
	settled := make(chan int, 1)
	sent := make(chan error, 1)
	m := core.Message{Topic: "t", Queue: -1, Body: make([]byte, 1024), Properties: record.AppendProperty(nil, "UNIQ_KEY", []byte("0123456789ABCDEF0123456789ABCDEF"))}
	fill := func(n int) {
		msgs := make([]core.Message, n)
		for i := range msgs {
			msgs[i] = m
		}
		c.Send(&core.Batch{Messages: msgs}, func(_ []core.SendResult, err error) { sent <- err })
		c.Submit()
		if err := <-sent; err != nil {
			b.Fatal(err)
		}
	}
	var settlements []core.Settlement
	b.ReportAllocs()
	b.ResetTimer()
	for got := 0; got < b.N; {
		b.StopTimer()
		fill(1024)
		b.StartTimer()
		for left := 1024; left > 0 && got < b.N; {
			c.Receive(core.Receive{Group: "g", Queue: q, Max: batch, Invisible: time.Minute}, func(r *core.Records, err error) {
				if err != nil {
					b.Error(err)
				}
				answers <- r
			})
			c.Submit()
			r := <-answers
			settlements = settlements[:0]
			for i := range r.Delivered() {
				settlements = append(settlements, core.Settlement{Receipt: r.Delivered()[i].Receipt, Do: core.Ack})
			}
			n := len(settlements)
			r.Release()
			if n == 0 {
				b.Fatal("nothing received")
			}
			c.Settle(settlements, func(done []core.Settled) {
				for i := range done {
					if done[i].Err != nil {
						b.Error(done[i].Err)
					}
				}
				settled <- len(done)
			})
			c.Submit()
			left -= <-settled
			got += n
		}
	}
}
