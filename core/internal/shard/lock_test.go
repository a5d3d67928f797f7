package shard

import (
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
)

// lock asks for queue 0 of topic t, and reports whether the owner has it.
func (d *stepper) lock(c *Client, owner string) bool {
	d.t.Helper()
	has := -1
	queue := model.Queue{Topic: d.state.Topic("t").ID}
	c.Lock(Locks{Group: "g", Owner: owner, Queues: []model.Queue{queue}}, func(got []model.Queue, err error) {
		if has = len(got); err != nil {
			d.t.Fatal(err)
		}
	})
	c.Submit()
	d.sync()
	if has < 0 {
		d.t.Fatal("no answer")
	}
	return has == 1
}

func TestALockLastsAsLongAsItIsRenewed(t *testing.T) {
	d := newStepper(t, Config{})
	a, b := d.Connect(ClientInfo{}), d.Connect(ClientInfo{})
	d.send(a, "t", 1)
	d.sync()
	if !d.lock(a, "a") {
		t.Fatal("a free queue is refused")
	}
	d.wait(lockLease - 1)
	if d.lock(b, "b") {
		t.Error("b has the queue before a's lease is over")
	}
	frames := d.Stats().Frames
	d.lock(a, "a")
	if n := d.Stats().Frames; n != frames {
		t.Error("a renewal is written to the log")
	}
	d.wait(lockLease - 1)
	if d.lock(b, "b") {
		t.Error("b has the queue although a renewed")
	}
	d.wait(1)
	if !d.lock(b, "b") {
		t.Error("b has not the queue although a's lease is over")
	}
	if d.lock(a, "a") {
		t.Error("both have the queue")
	}
	a.Close() // has lost it: takes nothing away
	d.sync()
	if d.lock(d.Connect(ClientInfo{}), "c") {
		t.Error("the end of who had the queue before gave it away")
	}
}
