package sim

import (
	"flag"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
)

var flagAll = flag.Bool("exhaustive", false, "crash at every call of the file system, in a longer scenario")

// TestEachCall plays one scenario again and again: each time another call of the
// file system is the one where the process dies, the power goes, or that fails.
// After the recovery everything is checked as in any run.
func TestEachCall(t *testing.T) {
	if mutated {
		t.Skip("the engine is a mutant")
	}
	for _, flush := range []model.Durability{model.Written, model.Synced} {
		s := scenario(flush)
		total := playTo(t, s, 0, fault{})
		stride := 1
		if !*flagAll {
			stride = max(1, total/60)
		}
		runs := 0
		for n := 1; n <= total; n += stride {
			cut := uint64(n) * 7919
			playTo(t, s, n, fault{torn: n % 9})
			playTo(t, s, n, fault{cut: true, seed: cut, torn: n % 9})
			playTo(t, s, n, fault{err: syscall.EIO, torn: n % 9})
			runs += 3
		}
		t.Logf("flush=%d: %d calls in the scenario, %d runs", flush, total, runs)
	}
}

// scenario is what is played: everything that a run may do but faults.
func scenario(flush model.Durability) swarm {
	s := newSwarm(3, 300)
	if *flagAll {
		s.steps = 1000
	}
	s.faults, s.crash, s.cut, s.io, s.clock = true, false, false, false, false
	s.flush, s.mixed, s.noAuto = flush, true, false
	s.segment, s.cache, s.maxBody = 64<<10, 1, 4<<20
	s.bodies = []int{0, 10, 500, 3000, 20_000}
	s.syncMax, s.pauseMax, s.snoozeOdds = 5, 20, 20
	s.snapshot, s.retention = 16<<10, model.Retention{Age: 2 * time.Second}
	s.topics, s.queues, s.groups, s.clients = 3, 2, 2, 4
	for i, what := range table() {
		if s.weights[i] = what.weight; what.fault != nil {
			s.weights[i] = 0
		}
		switch what.name {
		case "stop":
			s.weights[i] = 20
		case "rot aside", "replay aside":
			s.weights[i] = 0
		}
	}
	return s
}

// playTo plays the scenario with a fault at the n-th call, and a little more. It
// returns how many calls there were.
func playTo(t *testing.T, s swarm, n int, f fault) (calls int) {
	w := newWorld(s)
	defer func() {
		if p := w.proc; p != nil && p.shard != nil {
			p.shard.Forget()
		}
		switch r := recover().(type) {
		case nil:
		case violation:
			t.Fatalf("SIM FAIL inv=%s flush=%d call=%d fault=%+v step=%d: %s", r.inv, s.flush, n, f, r.step, r.detail)
		default:
			t.Fatalf("flush=%d call=%d fault=%+v: %v\n%s", s.flush, n, f, r, debug.Stack())
		}
	}()
	if n > 0 {
		w.disk.arm(n, f)
	}
	w.setup()
	left := s.steps
	for w.step = 0; w.step < s.steps && left > 0; w.step++ {
		w.rng = stepRand(s.seed, w.step)
		w.play()
		if n > 0 && w.disk.armed == nil && left == s.steps {
			left = 20
		}
		if left < s.steps {
			left--
		}
	}
	calls = w.disk.calls
	w.disk.disarm()
	w.finish()
	return calls
}
