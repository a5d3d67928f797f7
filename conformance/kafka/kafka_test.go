package kafka

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
	"github.com/gantrymq/gantry/conformance/kill"
	"github.com/gantrymq/gantry/conformance/rawclient"
)

// nodes says how many nodes the Kafka of these tests has: GANTRY_KAFKA_NODES, or none, and then they are skipped.
func nodes(t *testing.T, least int) int {
	t.Helper()
	n, _ := strconv.Atoi(os.Getenv("GANTRY_KAFKA_NODES"))
	if n < least {
		t.Skipf("needs a Kafka of %d nodes: GANTRY_KAFKA_NODES=%d", least, least)
	}
	return n
}

// rig is a Kafka, and the servers that use one topic of it.
type rig struct {
	t     *testing.T
	kafka *harness.Kafka
	topic string
}

func newRig(t *testing.T, least int) *rig {
	t.Helper()
	n := nodes(t, least)
	k, err := harness.StartKafka(t.Context(), t.TempDir(), n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Stop)
	return &rig{t: t, kafka: k, topic: "wal"}
}

// server starts a server with a data folder of its own.
func (r *rig) server() *harness.Server {
	r.t.Helper()
	s, err := harness.NewServer(r.t.TempDir(), r.kafka.Env(r.topic)...)
	if err == nil {
		err = s.Start(r.t.Context())
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(s.Kill)
	return s
}

const queues = 4

// load is a load on one topic of one server, and its ledger.
type load struct {
	kill.Load
	t    *testing.T
	stop context.CancelFunc
	done sync.WaitGroup
	err  error
}

func (r *rig) load(s *harness.Server, topic string) *load {
	r.t.Helper()
	conn, err := rawclient.Dial(r.t.Context(), s.Broker)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.CreateTopic(r.t.Context(), topic, queues); err != nil {
		r.t.Fatal(err)
	}
	ledger, err := kill.NewLedger(filepath.Join(r.t.TempDir(), "ledger.jsonl"))
	if err != nil {
		r.t.Fatal(err)
	}
	l := &load{t: r.t, Load: kill.Load{Broker: s.Broker, Topic: topic, Queues: queues, Connections: 4, InFlight: 16, Seed: 1, Ledger: ledger}}
	ctx, stop := context.WithCancel(r.t.Context())
	l.stop = stop
	l.done.Go(func() { l.err = l.Run(ctx) })
	return l
}

// more waits until n more sends are acknowledged.
func (l *load) more(n int64) {
	l.t.Helper()
	want := l.Acknowledged() + n
	wait(l.t, fmt.Sprintf("%d more sends are acknowledged", n), func() bool { return l.Acknowledged() >= want })
}

func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline, tick := time.After(60*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not after a minute: %s", what)
		}
	}
}

// end stops the load and returns what it did.
func (l *load) end() []kill.Op {
	l.t.Helper()
	l.stop()
	l.done.Wait()
	if l.err != nil {
		l.t.Fatal(l.err)
	}
	return l.Ledger.Ops()
}

// judge reads a topic from a server and compares.
func (r *rig) judge(s *harness.Server, topic string, history []kill.Op, early ...kill.Reading) {
	r.t.Helper()
	reading := r.read(s, topic)
	count := map[kill.Outcome]int{}
	for _, op := range history {
		count[op.Outcome]++
	}
	r.t.Logf("%s: %d sends: %d acknowledged, %d refused, %d unknown; %d messages read", topic, len(history),
		count[kill.Acknowledged], count[kill.Refused], count[kill.Unknown], len(reading.Messages))
	for i, v := range kill.Check(history, append(early, reading)...) {
		if i == 10 {
			break
		}
		r.t.Error(v)
	}
}

func (r *rig) read(s *harness.Server, topic string) kill.Reading {
	r.t.Helper()
	reading, err := kill.Read(r.t.Context(), s.Broker, topic, queues)
	if err != nil {
		r.t.Fatalf("%v\n%s", err, s.Log())
	}
	return reading
}

// TestSleeper stops a server where it stands, has another one take over, and wakes the first: it acknowledges nothing
// any more.
func TestSleeper(t *testing.T) {
	r := newRig(t, 1)
	a := r.server()
	first := r.load(a, "first")
	first.more(3000)
	if err := a.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	b := r.server()
	t.Logf("the second server serves after %v", time.Since(began).Round(time.Millisecond))
	second := r.load(b, "second")
	second.more(3000)
	asleep := first.Acknowledged()
	if err := a.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	second.more(3000)
	wait(t, "the first server says that it is no longer the owner", func() bool { return !a.Ready(t.Context()) })
	second.more(1000)
	// What was acknowledged before it slept may have been read only now.
	if late := first.Acknowledged() - asleep; late > 4*16 {
		t.Errorf("the first server acknowledged %d sends after it was replaced", late)
	}
	r.judge(b, "first", first.end())
	r.judge(b, "second", second.end())
}

// TestDiskLost deletes the data folder of a killed server, again and again.
func TestDiskLost(t *testing.T) {
	r := newRig(t, 1)
	s := r.server()
	l := r.load(s, "lost")
	var early []kill.Reading
	for range 5 {
		l.more(4000)
		s.Kill()
		if err := os.RemoveAll(s.Data()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("ready after %v", time.Since(began).Round(time.Millisecond))
		early = append(early, r.read(s, "lost"))
	}
	l.more(1000)
	r.judge(s, "lost", l.end(), early...)
}

// TestBrokerLost kills one broker of three after the other, and starts it again.
func TestBrokerLost(t *testing.T) {
	r := newRig(t, 3)
	s := r.server()
	l := r.load(s, "brokers")
	l.more(2000)
	for _, n := range r.kafka.Nodes {
		n.Kill()
		began := time.Now()
		l.more(500)
		t.Logf("goes on after %v", time.Since(began).Round(time.Millisecond))
		if err := n.Start(); err != nil {
			t.Fatal(err)
		}
		if err := n.Await(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.more(3000)
		// A broker that is back must have caught up before the next one goes.
		r.settle(l)
	}
	r.judge(s, "brokers", l.end())
}

// settle lets the cluster run whole for a while: sends for ten seconds are what tells that it does.
func (r *rig) settle(l *load) {
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); {
		l.more(200)
	}
}
