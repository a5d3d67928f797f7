package kafka_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/kafka"
)

// TestProduceFaults has a broker answer a produce with an error, once or several
// times: whatever was done of it, each frame is in the log once, and acknowledged.
func TestProduceFaults(t *testing.T) {
	for _, tt := range []struct {
		err    *kerr.Error
		count  int
		reigns bool // the log has to be taken over from itself
	}{
		{kerr.RequestTimedOut, 1, false},
		{kerr.RequestTimedOut, 3, false},
		{kerr.NotEnoughReplicasAfterAppend, 1, false},
		{kerr.NotEnoughReplicasAfterAppend, 3, false},
		{kerr.NotEnoughReplicas, 5, false},
		{kerr.NotLeaderForPartition, 3, false},
		{kerr.UnknownTopicOrPartition, 6, false},
		{kerr.LeaderNotAvailable, 2, false},
		{kerr.DuplicateSequenceNumber, 1, true},
		{kerr.OutOfOrderSequenceNumber, 1, true},
		{kerr.UnknownProducerID, 1, true},
		{kerr.InvalidProducerEpoch, 1, true},
		{kerr.CorruptMessage, 1, true},
	} {
		t.Run(fmt.Sprint(tt.err.Message, " ", tt.count), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3)
			o := own(t, c.machine())
			o.append("a", "b")
			fault := c.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "wal", Err: tt.err, Count: tt.count})
			for i := range 20 {
				o.hand(fmt.Sprint("c", i))
			}
			o.written()
			if fault.Hits() == 0 {
				t.Error("the fault was not met")
			}
			o.append("d")
			stats := o.log.Stats()
			if tt.reigns != (stats.Reigns > 0) {
				t.Errorf("%d take-overs from itself; %+v", stats.Reigns, stats)
			}
			if err := o.log.Close(true); err != nil {
				t.Error(err)
			}
			c.sees(o.frames)
		})
	}
}

// TestFinalProduceFaults: what no repetition mends ends the log, with the reason.
func TestFinalProduceFaults(t *testing.T) {
	for _, tt := range []struct {
		err  *kerr.Error
		says string
	}{
		{kerr.MessageTooLarge, "max.message.bytes"},
		{kerr.InvalidTimestamp, "clock is wrong"},
		{kerr.TopicAuthorizationFailed, "does not have the right"},
		{kerr.InvalidRecord, "a frame is refused"},
	} {
		t.Run(tt.err.Message, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3)
			o := own(t, c.machine())
			o.append("a")
			c.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "wal", Err: tt.err, Count: -1})
			written, _, _ := o.log.Progress()
			o.hand("b")
			if err := o.failed(); !strings.Contains(err.Error(), tt.says) {
				t.Errorf("the log failed with %q, want %q in it", err, tt.says)
			}
			if now, _, _ := o.log.Progress(); now != written {
				t.Errorf("written moved from %d to %d", written, now)
			}
		})
	}
}

// TestForeignRecords: a record that is no frame costs a read-back, and nothing else.
func TestForeignRecords(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	o := own(t, c.machine())
	o.append("a")
	for i, value := range []string{"", "x", strings.Repeat("not a frame ", 100)} {
		c.write(0, []byte(value))
		o.append(fmt.Sprint("b", i))
	}
	if s := o.log.Stats(); s.Foreign != 3 || s.Freezes == 0 || s.Reigns != 0 {
		t.Errorf("%+v, want 3 foreign records, and no take-over", s)
	}
	if err := o.log.Close(true); err != nil {
		t.Error(err)
	}
	c.sees(o.frames)
}

// write writes a record as a stranger does.
func (c *cluster) write(partition int32, value []byte) {
	c.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.kafka.ListenAddrs()...), kgo.Dialer(c.net.DialContext), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		c.t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(c.t.Context(), &kgo.Record{Topic: "wal", Partition: partition, Value: value}).FirstErr(); err != nil {
		c.t.Fatal(err)
	}
}

// TestLeadersMove appends while leaders move all the time.
func TestLeadersMove(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	o := own(t, c.machine())
	o.append("first")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		move := time.NewTicker(50 * time.Millisecond)
		defer move.Stop()
		for {
			select {
			case <-move.C:
				c.kafka.ShufflePartitionLeaders()
			case <-stop:
				return
			}
		}
	}()
	for i := 0; i < 10_000 || o.log.Stats().Freezes < 5; i++ {
		o.hand(fmt.Sprint("frame ", i))
		if i%10 == 0 {
			o.written()
		}
	}
	o.written()
	close(stop)
	<-stopped
	stats := o.log.Stats()
	t.Logf("%+v", stats)
	if err := o.log.Close(true); err != nil {
		t.Error(err)
	}
	c.sees(o.frames)
}

// TestBrokersAway: while no broker can be reached nothing is acknowledged; then all is.
func TestBrokersAway(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	o := own(t, c.machine())
	o.append("a")
	fault := c.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce, kmsg.Fetch}, Topic: "wal", Err: kerr.NotLeaderForPartition, Count: -1})
	before, _, _ := o.log.Progress()
	for i := range 4 {
		o.hand(fmt.Sprint("b", i))
	}
	o.wait("the oldest frame is old", func() bool {
		o.changed <- struct{}{}
		return o.log.Stats().Oldest > 200*time.Millisecond
	})
	if written, _, err := o.log.Progress(); written != before || err != nil {
		t.Errorf("Progress: %d, %v; want %d", written, err, before)
	}
	fault.Remove()
	o.written()
	if err := o.log.Close(true); err != nil {
		t.Error(err)
	}
	c.sees(o.frames)
}

// TestTopicMadeAnew: a topic that is replaced under a running owner ends it.
func TestTopicMadeAnew(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	o := own(t, c.machine())
	o.append("a")
	if err := c.kafka.DeleteTopic("wal"); err != nil {
		t.Fatal(err)
	}
	if err := c.kafka.CreateTopic("wal", 8, nil); err != nil {
		t.Fatal(err)
	}
	o.hand("b")
	err := o.failed()
	if fatal, ok := errors.AsType[*kafka.FatalError](err); !ok {
		t.Errorf("the log failed with %v", fatal)
	}
}

// TestRecordsDeletedByOthers: what nobody trimmed must be there.
func TestRecordsDeletedByOthers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	m := c.machine()
	o := own(t, m)
	o.append("a", "b", "c")
	if err := o.log.Close(true); err != nil {
		t.Fatal(err)
	}
	if err := c.kafka.DeleteRecords("wal", 0, 2); err != nil {
		t.Fatal(err)
	}
	_, err := tryOwn(t, m)
	if _, ok := errors.AsType[*wal.CorruptError](err); !ok {
		t.Errorf("a log whose beginning was deleted: %v", err)
	}
}

// TestWitness: a Kafka that holds less than this machine saw acknowledged is refused.
func TestWitness(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	m := c.machine()
	o := own(t, m)
	o.append("a", "b", "c")
	if err := o.log.Close(true); err != nil {
		t.Fatal(err)
	}
	if err := c.kafka.DeleteRecords("wal", 0, c.kafka.PartitionInfo("wal", 0).HighWatermark); err != nil {
		t.Fatal(err)
	}
	_, err := tryOwn(t, m)
	if err == nil || !strings.Contains(err.Error(), "lost what it had acknowledged") {
		t.Errorf("a log that has lost all: %v", err)
	}
}

// TestHeldProduce: a frame that the network holds until another owner has begun is
// in nobody's log, and the new owner goes on.
func TestHeldProduce(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	a := own(t, c.machine())
	a.append("a")
	kept := a.frames
	release, held := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	c.kafka.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.kafka.KeepControl()
		if first.CompareAndSwap(false, true) {
			close(held)
			c.kafka.SleepControl(func() { <-release })
		}
		return nil, nil, false
	})
	a.hand("held")
	<-held
	b := own(t, c.machine())
	if fmt.Sprint(b.found) != fmt.Sprint(kept) {
		t.Fatalf("the new owner finds %q", b.found)
	}
	b.append("b")
	close(release)
	if err := a.failed(); !strings.Contains(err.Error(), "was taken over") {
		t.Errorf("the old owner failed with %v", err)
	}
	b.append("c")
	if err := b.log.Close(true); err != nil {
		t.Error(err)
	}
	c.sees(b.frames)
}
