package shard

import (
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
)

// lagTest has one topic, t, whose messages stay for an hour and until they are consumed.
type lagTest struct {
	*stepper
	client *Client
	queue  model.Queue
}

func newLagTest(t *testing.T) *lagTest {
	d := &lagTest{stepper: newStepper(t, Config{
		SegmentBytes: 64 << 10, SnapshotBytes: 32 << 10, CacheBytes: 1,
		Retention: model.Retention{Age: time.Hour, Consumed: true},
	})}
	d.client = d.Connect(ClientInfo{})
	d.sendOne()
	topic, ok := d.Topic("t")
	if !ok {
		t.Fatal("no topic")
	}
	d.queue = model.Queue{Topic: topic.ID}
	return d
}

// settle lets everything run that is due now.
func (d *lagTest) settle() {
	d.t.Helper()
	for range 100 {
		if d.sync(); len(d.jobs) == 0 && !d.Poked() && !d.chores.armed {
			return
		}
		if d.chores.armed {
			d.wait(1)
		}
		for len(d.jobs) > 0 {
			d.runOne()
		}
	}
	d.t.Fatal("it never rests")
}

func (d *lagTest) sendOne() {
	d.t.Helper()
	outcome := d.send(d.client, "t", 10_000)
	if d.settle(); *outcome != nil {
		d.t.Fatal(*outcome)
	}
}

func (d *lagTest) commit(group string, offset model.Offset) {
	d.t.Helper()
	var failed error
	d.client.Commit([]CursorOffset{{Group: group, Queue: d.queue, Offset: offset}}, func(err error) { failed = err })
	d.client.Submit()
	if d.settle(); failed != nil {
		d.t.Fatal(failed)
	}
}

// minute lets a minute pass, in which groups are looked at.
func (d *lagTest) minute() {
	d.wait(lagEvery)
	d.settle()
	d.wait(1)
	d.settle()
}

// TestGroupsThatLag: the age of what a group has not consumed is known to the ms, in
// memory and in a sealed segment, and follows what it commits.
func TestGroupsThatLag(t *testing.T) {
	d := newLagTest(t)
	stored := []int64{d.time.Wall}
	for range 40 {
		d.wait(1000)
		stored = append(stored, d.time.Wall)
		d.sendOne()
	}
	if d.Stats().Sealed < 3 {
		t.Fatalf("%d sealed segments", d.Stats().Sealed)
	}
	for _, at := range []model.Offset{1, 17, 39, 40} {
		d.commit("slow", at)
		d.commit("fast", 41)
		d.minute()
		want := GroupLag{Group: "slow", Topic: "t", Stored: stored[at]}
		if got := d.Kept().Groups; len(got) != 1 || got[0] != want {
			t.Fatalf("with offset %d: %+v, want %+v", at, got, want)
		}
	}
	d.commit("fast", 30)
	d.commit("slow", 41)
	d.minute()
	if got := d.Kept().Groups; len(got) != 1 || got[0].Group != "fast" || got[0].Stored != stored[30] {
		t.Fatalf("%+v", got)
	}
	d.commit("fast", 41)
	d.minute()
	if got := d.Kept().Groups; len(got) != 0 {
		t.Fatalf("%+v lag, and have consumed everything", got)
	}
}

// TestADeletedGroupFreesTheLog: a group that is gone keeps a segment, which is said
// once with its name, until it is deleted.
func TestADeletedGroupFreesTheLog(t *testing.T) {
	d := newLagTest(t)
	d.commit("gone", 1)
	d.commit("alive", 1)
	for range 40 {
		d.sendOne()
	}
	d.commit("alive", 41)
	d.minute()
	if got := d.Kept().Stays; got != StaysRetained {
		t.Fatalf("within the hour the oldest segment stays because %q", got)
	}
	d.wait(time.Hour.Milliseconds())
	for range 3 {
		d.minute()
	}
	if got := d.Kept(); got.Stays != StaysUnconsumed || len(got.Groups) != 1 || got.Groups[0].Group != "gone" {
		t.Fatalf("%+v", got)
	}
	if n := strings.Count(d.logged.String(), "topic=t queue=0 group=gone"); n != 1 {
		t.Fatalf("the group was named %d times:\n%s", n, d.logged.String())
	}
	before := d.Stats()
	if before.Forgotten != 0 {
		t.Fatalf("%d segments were forgotten that a group has not consumed", before.Forgotten)
	}
	var failed error
	d.client.Admin(DeleteGroup{Name: "gone"}, func(err error) { failed = err })
	d.client.Submit()
	d.settle()
	d.minute()
	if failed != nil {
		t.Fatal(failed)
	}
	if got := d.Kept(); got.Stays == StaysUnconsumed || len(got.Groups) != 0 || d.Stats().Forgotten == 0 {
		t.Fatalf("the group is deleted: %+v, %d segments forgotten", got, d.Stats().Forgotten)
	}
}
