package shard

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal/mem"
)

// delayed queues messages of a topic that are due at a time, each as a send of its own.
func (d *stepper) delayed(c *Client, topic string, n int, deliverAt int64) {
	for i := range n {
		c.Send(&Batch{Messages: []Message{{
			Topic: topic, AutoCreate: 1, Body: fmt.Append(nil, i), Properties: fmt.Appendf(nil, "TIMER_DELIVER_MS\x01%d\x02", deliverAt),
		}}}, func(r []SendResult, err error) {
			if err != nil || r[0].Err != nil {
				d.t.Error(err, r)
			}
		})
	}
	c.Submit()
}

// TestOverdueMessagesLeaveTheLoopToOthers: a step publishes a bounded number, and
// few while somebody asks for something.
func TestOverdueMessagesLeaveTheLoopToOthers(t *testing.T) {
	d := newStepper(t, Config{})
	c := d.Connect(ClientInfo{})
	d.delayed(c, "t", 3*publishSlice, d.time.Wall+10)
	d.sync()
	d.time.Wall += 10 // nobody looks yet
	d.send(c, "other", 10)
	d.Step() // nobody asked before it
	if n := d.Stats().Published; n != publishSlice {
		t.Fatalf("an idle step publishes %d", n)
	}
	for i := range 5 {
		d.send(c, "other", 10)
		d.Step()
		if n := d.Stats().Published; n != int64(publishSlice+(i+1)*publishBusy) {
			t.Fatalf("%d busy steps publish %d", i+1, n-publishSlice)
		}
	}
	d.Step()
	d.Step()
	d.Step()
	if s := d.Stats(); s.Published != 3*publishSlice || s.Pending != 0 {
		t.Fatalf("%d published, %d wait", s.Published, s.Pending)
	}
}

// TestDueMessagesGetTheirPartOfASlowDisk: who waits for the disk takes all of what
// becomes free, and yet what is due is published.
func TestDueMessagesGetTheirPartOfASlowDisk(t *testing.T) {
	d := newStepper(t, Config{})
	c := d.Connect(ClientInfo{})
	d.send(c, "t", 100)
	d.delayed(c, "t", 5, d.time.Wall+10)
	d.sync()
	for range 6 {
		d.send(c, "t", 4<<20-1000)
	}
	d.Step()
	d.wait(10)
	if s := d.Stats(); s.Stalled == 0 || s.Published != 0 {
		t.Fatalf("%d wait for the disk, %d are published", s.Stalled, s.Published)
	}
	for d.log.(*mem.Log).SyncStep() {
	}
	d.Step()
	if s := d.Stats(); s.Stalled == 0 || s.Published != 5 {
		t.Fatalf("after a sync %d wait for the disk, %d are published", s.Stalled, s.Published)
	}
}

// TestDelayProperties: which of the properties counts, and what is left of them.
func TestDelayProperties(t *testing.T) {
	const past = "TIMER_DELIVER_MS\x0199\x02"
	tests := []struct {
		properties string
		want       deliverTime
		code       model.Code
		kept       string
	}{
		{"KEYS\x01k\x02", deliverTime{}, 0, ""},
		{"DELAY\x011\x02", deliverTime{set: true, relative: true, level: true, ms: 1000}, 0, ""},
		{"KEYS\x01k\x02DELAY\x0118\x02" + past, deliverTime{set: true, relative: true, level: true, ms: 7_200_000}, 0, "KEYS\x01k\x02"},
		{"DELAY\x0199", deliverTime{set: true, relative: true, level: true, ms: 7_200_000}, 0, ""},
		{"DELAY\x01-1\x02", deliverTime{}, 0, ""},
		{"DELAY\x010\x02TIMER_DELAY_MS\x015\x02", deliverTime{set: true, relative: true, ms: 5}, 0, "DELAY\x010\x02TIMER_DELAY_MS\x015\x02TIMER_OUT_MS\x010000000000000\x02"},
		{"TIMER_DELAY_SEC\x012\x02TIMER_DELAY_MS\x015\x02" + past, deliverTime{set: true, relative: true, ms: 2000}, 0, "TIMER_DELAY_SEC\x012\x02TIMER_DELAY_MS\x015\x02" + past + "TIMER_OUT_MS\x010000000000000\x02"},
		{past + "__STARTDELIVERTIME\x015\x02", deliverTime{set: true, ms: 99}, 0, past + "__STARTDELIVERTIME\x015\x02TIMER_OUT_MS\x010000000000000\x02"},
		{past + "TIMER_OUT_MS\x0199\x02", deliverTime{}, 0, ""},
		{"DELAY\x01x\x02", deliverTime{}, model.InvalidMessage, ""},
		{"TIMER_DELIVER_MS\x01\x02", deliverTime{}, model.InvalidMessage, ""},
		{"TIMER_DEL_UNIQKEY\x01k\x02" + past, deliverTime{}, model.InvalidMessage, ""},
	}
	for _, tt := range tests {
		k, err := inspect([]byte(tt.properties))
		if err != nil {
			if err.Code != tt.code {
				t.Errorf("%q: %v", tt.properties, err)
			}
			continue
		}
		if k.deliver != tt.want || tt.code != 0 {
			t.Errorf("%q: %+v, want %+v", tt.properties, k.deliver, tt.want)
		}
		if kept := string(delayedProperties(nil, []byte(tt.properties), k.deliver)); k.deliver.set && kept != tt.kept {
			t.Errorf("%q: what is delivered has %q, want %q", tt.properties, kept, tt.kept)
		}
	}
}

// TestOrderOfDelayedMessages: in a queue they stand in the order of their times,
// whatever the order in which they were sent.
func TestOrderOfDelayedMessages(t *testing.T) {
	d := newStepper(t, Config{})
	c := d.Connect(ClientInfo{})
	start := d.time.Wall
	for _, ms := range []int64{50, 10, 40, 10, 30, 20} {
		d.delayed(c, "t", 1, start+ms)
	}
	d.sync()
	var stored []int64
	for range 60 {
		d.wait(1)
	}
	info, _ := d.Topic("t")
	c.Pull(Pull{Queue: model.Queue{Topic: info.ID}}, func(r *Records, err error) {
		for b := r.Bytes(); len(b) > 0; {
			w := wireOf(t, b)
			stored = append(stored, w.StoreTime()-start)
			b = b[len(w):]
		}
		r.Release()
	})
	c.Submit()
	d.Step()
	if want := []int64{10, 10, 20, 30, 40, 50}; !slices.Equal(stored, want) {
		t.Fatalf("stored at %v, want %v", stored, want)
	}
}

func wireOf(t testing.TB, b []byte) record.Wire {
	t.Helper()
	w, ok := record.Check(b)
	if !ok {
		t.Fatal("no message")
	}
	return w
}
