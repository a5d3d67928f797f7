package kill

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
	"github.com/gantrymq/gantry/conformance/rawclient"
)

// TestKill kills the server under load, GANTRY_KILLS times (10) in each flush mode; GANTRY_KILL_SEED repeats a run's
// choices.
func TestKill(t *testing.T) {
	kills, seed := setting(t, "GANTRY_KILLS", 10), setting(t, "GANTRY_KILL_SEED", int(rand.Uint32()))
	for _, flush := range []string{"async", "sync"} {
		t.Run(flush, func(t *testing.T) {
			t.Parallel() // mostly waiting for leases to end
			t.Logf("seed %d, %d kills (GANTRY_KILL_SEED, GANTRY_KILLS)", seed, kills)
			server, err := harness.NewServer(t.TempDir(), "GANTRY_WAL_FLUSH="+flush)
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(server.Kill)
			r := begin(t, server, uint64(seed))
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			for n := range kills {
				r.kill(n, random)
			}
			r.end()
			if 2*r.busy <= kills {
				t.Errorf("only %d of %d kills hit calls in flight: the run does not count", r.busy, kills)
			}
		})
	}
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

// run is a load under way on one server: of a plain topic and of an ordered one.
type run struct {
	t      *testing.T
	server *harness.Server
	loads  []*Load
	stop   context.CancelFunc
	ended  sync.WaitGroup
	busy   int // kills with calls in flight
}

func begin(t *testing.T, server *harness.Server, seed uint64) *run {
	t.Helper()
	c, err := rawclient.Dial(t.Context(), server.Broker)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, stop := context.WithCancel(t.Context())
	r := &run{t: t, server: server, stop: stop}
	for kind, fifo := range map[string]bool{"NORMAL": false, "FIFO": true} {
		topic, group := "Kill"+kind, "GID_Kill"+kind
		if err := c.CreateTypedTopic(t.Context(), topic, 4, kind); err != nil {
			t.Fatal(err)
		}
		if err := c.PutGroup(t.Context(), rawclient.Group{Name: group, Retries: 1000, Orderly: fifo}); err != nil {
			t.Fatal(err)
		}
		for q := range int32(4) {
			if err := c.StoreOffset(t.Context(), group, topic, q, 0); err != nil {
				t.Fatal(err)
			}
		}
		l := &Load{
			Endpoint: server.GRPC, Topic: topic, Group: group, FIFO: fifo, Senders: 6, Receivers: 6, Seed: seed, Ledger: NewLedger(),
		}
		r.loads = append(r.loads, l)
		r.ended.Go(func() {
			if err := l.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	return r
}

// kill ends the server at a random moment of a load that is answered, and starts it again.
func (r *run) kill(n int, random *rand.Rand) {
	r.t.Helper()
	<-time.After(time.Duration(50+random.IntN(300)) * time.Millisecond) // a random moment, not a state
	r.waitAnswers(n)
	if r.loads[0].NowInFlight()+r.loads[1].NowInFlight() > 0 {
		r.busy++
	}
	r.server.Kill()
	if err := r.server.Start(r.t.Context()); err != nil {
		r.t.Fatalf("after kill %d: %v", n+1, err)
	}
}

// waitAnswers waits until both loads have been answered since the last start: a kill of an idle server proves nothing.
func (r *run) waitAnswers(n int) {
	r.t.Helper()
	for _, l := range r.loads {
		want := l.Answered() + 50
		for deadline := time.Now().Add(2 * lease); l.Answered() < want; <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				r.t.Fatalf("after kill %d the load of %s was answered %d times in %v\n%s", n, l.Topic, l.Answered()+50-want, 2*lease, r.server.Log())
			}
		}
	}
}

// end has the receivers take what is left, goes on for as long as a lease so that what should not come again could, and
// judges.
func (r *run) end() {
	r.t.Helper()
	for _, l := range r.loads {
		l.Drain()
	}
	deadline := time.Now().Add(6 * lease)
	for _, l := range r.loads {
		for {
			if _, open := l.Ledger.Acknowledged(); open == 0 || time.Now().After(deadline) {
				break // what is still open is the judge's to report
			}
			<-time.After(50 * time.Millisecond)
		}
	}
	<-time.After(lease + time.Second) // time for what must not happen
	r.stop()
	r.ended.Wait()
	for _, l := range r.loads {
		h := l.Ledger.History()
		sent, _ := l.Ledger.Acknowledged()
		r.t.Logf("%s: %d sends, %d acknowledged, %d deliveries, %d acks", l.Topic, len(h.Sends), sent, len(h.Deliveries), len(h.Acks))
		found := Judge(h, true)
		for i, v := range found {
			if i == 20 {
				r.t.Errorf("%s: and %d more", l.Topic, len(found)-i)
				break
			}
			r.t.Errorf("%s: %v", l.Topic, v)
		}
	}
}
