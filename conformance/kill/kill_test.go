package kill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
	"github.com/gantrymq/gantry/conformance/rawclient"
)

const (
	topic       = "KillTest"
	queues      = 4
	connections = 4
	inFlight    = 16 // per connection
)

// TestKill kills the server under load, GANTRY_KILLS times (10) in each flush mode; GANTRY_KILL_SEED repeats a run's
// choices. The ledger of a failed run is kept.
func TestKill(t *testing.T) {
	if os.Getenv("GANTRY_CONFORMANCE_NAMESRV") != "" {
		t.Skip("the server under test was not started here")
	}
	kills, seed := setting(t, "GANTRY_KILLS", 10), setting(t, "GANTRY_KILL_SEED", int(rand.Uint32()))
	for _, flush := range []string{"async", "sync"} {
		t.Run(flush, func(t *testing.T) {
			t.Logf("seed %d, %d kills (GANTRY_KILL_SEED, GANTRY_KILLS)", seed, kills)
			server, err := harness.NewServer(t.TempDir(), "GANTRY_WAL_FLUSH="+flush)
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(server.Kill)
			run := begin(t, server.Broker, uint64(seed))
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			nemesis := &nemesis{t: t, server: server, load: run.load, random: random}
			var readings []Reading
			for n := range kills {
				nemesis.kill()
				if n%40 == 39 {
					readings = append(readings, run.read())
				}
			}
			run.end(readings)
			nemesis.checkCounts()
		})
	}
}

// TestLoad runs the same load and judge without a kill, and against any server: what they find is not made by them.
func TestLoad(t *testing.T) {
	broker := ""
	if namesrv := os.Getenv("GANTRY_CONFORMANCE_NAMESRV"); namesrv != "" {
		conn, err := rawclient.Dial(t.Context(), namesrv)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		route, err := conn.Route(t.Context(), "TBW102")
		if err != nil {
			t.Fatal(err)
		}
		broker = route.Brokers[0].Addrs["0"]
	} else {
		server, err := harness.NewServer(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Kill)
		broker = server.Broker
	}
	run := begin(t, broker, 1)
	<-time.After(time.Second)
	early := run.read()
	<-time.After(time.Second)
	run.end([]Reading{early})
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// run is a load under way and its ledger.
type run struct {
	t       *testing.T
	load    *Load
	topic   string
	ledger  string
	stop    context.CancelFunc
	workers sync.WaitGroup
	loadErr error
	commits [][]Violation // one a queue
}

func begin(t *testing.T, broker string, seed uint64) *run {
	t.Helper()
	dir, err := os.MkdirTemp("", "gantry-kill-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the ledger is kept in %s", dir)
			return
		}
		os.RemoveAll(dir)
	})
	r := &run{t: t, ledger: filepath.Join(dir, "ledger.jsonl"), topic: fmt.Sprintf("%s-%d", topic, time.Now().UnixNano())}
	ledger, err := NewLedger(r.ledger)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := rawclient.Dial(t.Context(), broker)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.CreateTopic(t.Context(), r.topic, queues); err != nil {
		t.Fatal(err)
	}
	// Some servers refuse offsets of a group that has never pulled.
	if _, err := conn.Pull(t.Context(), "GID_commits", r.topic, 0, 0, 1); err != nil {
		t.Fatal(err)
	}
	r.load = &Load{Broker: broker, Topic: r.topic, Queues: queues, Connections: connections, InFlight: inFlight, Seed: seed, Ledger: ledger}
	ctx, stop := context.WithCancel(t.Context())
	r.stop = stop
	r.workers.Go(func() { r.loadErr = r.load.Run(ctx) })
	r.commits = make([][]Violation, queues)
	for q := range int32(queues) {
		c := &Commits{Broker: broker, Topic: r.topic, Group: "GID_commits", Queue: q}
		r.workers.Go(func() { r.commits[q] = c.Run(ctx) })
	}
	return r
}

func (r *run) read() Reading {
	r.t.Helper()
	reading, err := Read(r.t.Context(), r.load.Broker, r.topic, queues)
	if err != nil {
		r.t.Fatal(err)
	}
	return reading
}

// end stops the load and judges.
func (r *run) end(readings []Reading) {
	r.t.Helper()
	r.stop()
	r.workers.Wait()
	if err := r.loadErr; err != nil {
		r.t.Fatal(err)
	}
	if err := r.load.Ledger.Close(); err != nil {
		r.t.Fatal(err)
	}
	history := r.load.Ledger.Ops()
	count := map[Outcome]int{}
	for _, op := range history {
		count[op.Outcome]++
	}
	last := r.read()
	r.t.Logf("%d sends: %d acknowledged, %d refused, %d of unknown outcome; %d messages read, %d readings",
		len(history), count[Acknowledged], count[Refused], count[Unknown], len(last.Messages), len(readings)+1)
	if 5*count[Unknown] > len(history) {
		r.t.Errorf("more than a fifth of the sends have an unknown outcome: the run proves little")
	}
	found := Check(history, append(readings, last)...)
	for _, v := range r.commits {
		found = append(found, v...)
	}
	for i, v := range found {
		if i == 20 {
			r.t.Errorf("and %d more", len(found)-i)
			break
		}
		r.t.Error(v)
	}
}

// nemesis kills a server and starts it again.
type nemesis struct {
	t      *testing.T
	server *harness.Server
	load   *Load
	random *rand.Rand

	kills, busy, starts int           // busy: with at least ten requests in flight; starts: killed while starting
	slowest             time.Duration // from exec to ready
}

// busyEnough is how many requests a kill must hit to count.
const busyEnough = 10

func (n *nemesis) kill() {
	n.t.Helper()
	<-time.After(time.Duration(20+n.random.IntN(200)) * time.Millisecond) // a random moment, not a state
	n.waitLoad()
	if n.load.NowInFlight() >= busyEnough {
		n.busy++
	}
	n.server.Kill()
	n.kills++
	if n.random.IntN(4) == 0 {
		if err := n.server.Launch(); err != nil {
			n.t.Fatal(err)
		}
		<-time.After(time.Duration(n.random.IntN(40)) * time.Millisecond)
		n.server.Kill()
		n.starts++
	}
	begin := time.Now()
	if err := n.server.Start(n.t.Context()); err != nil {
		n.t.Fatalf("after kill %d: %v", n.kills, err)
	}
	n.slowest = max(n.slowest, time.Since(begin))
}

// waitLoad waits until the load has been answered since the last start: a kill of an idle server proves nothing.
func (n *nemesis) waitLoad() {
	n.t.Helper()
	want := n.load.Acknowledged() + connections*inFlight
	deadline := time.Now().Add(20 * time.Second)
	for n.load.Acknowledged() < want {
		if time.Now().After(deadline) {
			n.t.Fatalf("after kill %d the load was answered nothing for 20 s\n%s", n.kills, n.server.Log())
		}
		<-time.After(time.Millisecond)
	}
}

func (n *nemesis) checkCounts() {
	n.t.Helper()
	n.t.Logf("%d kills under load, %d with at least %d requests in flight; %d more while starting; slowest start %v",
		n.kills, n.busy, busyEnough, n.starts, n.slowest.Round(time.Millisecond))
	if 2*n.busy <= n.kills+n.starts {
		n.t.Errorf("only %d of %d kills hit at least %d requests in flight: the run does not count", n.busy, n.kills+n.starts, busyEnough)
	}
}
