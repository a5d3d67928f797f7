package sim

import (
	"flag"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
)

var (
	flagAll      = flag.Bool("exhaustive", false, "crash at every call of the file system, in a longer scenario")
	flagScenario = flag.Uint64("scenario", 3, "the seed of the scenario whose calls are struck")
)

// TestEachCall plays one scenario again and again: each time another call of the
// file system is the one where the process dies, the power goes, or that fails.
// After the recovery everything is checked as in any run.
func TestEachCall(t *testing.T) {
	bothModes(t, func(t *testing.T, s swarm) {
		total := playTo(t, s)
		runs := 0
		for n := 1; n <= total; n += strideOf(total, 60, 1) {
			for _, f := range faultsAt(n) {
				playTo(t, s, strike{n, f})
				runs++
			}
		}
		t.Logf("%d calls in the scenario, %d runs", total, runs)
	})
}

// TestEachCallOfRecovery strikes again at each of the calls after the first fault:
// while the process starts, mostly.
func TestEachCallOfRecovery(t *testing.T) {
	bothModes(t, func(t *testing.T, s swarm) {
		total := playTo(t, s)
		runs := 0
		for n := 1; n <= total; n += strideOf(total, 30, 25) {
			for again := 1; again <= recoveryCalls; again += strideOf(recoveryCalls, 2, 1) {
				at := again
				if !*flagAll {
					at = (again+n)%recoveryCalls + 1 // not always the same ones
				}
				for _, f := range faultsAt(n) {
					playTo(t, s, strike{n, f}, strike{at, fault{cut: true, seed: uint64(n*at) * 104_729, torn: at % 9}})
					runs++
				}
			}
		}
		t.Logf("%d calls in the scenario, %d runs", total, runs)
	})
}

// recoveryCalls is more than a start makes.
const recoveryCalls = 24

// bothModes runs test for the scenario in each flush mode.
func bothModes(t *testing.T, test func(t *testing.T, s swarm)) {
	if mutated {
		t.Skip("the engine is a mutant")
	}
	t.Run("async", func(t *testing.T) { test(t, scenario(model.Written)) })
	t.Run("sync", func(t *testing.T) { test(t, scenario(model.Synced)) })
}

// strideOf returns the step of a loop: all, or what makes it so few rounds.
func strideOf(total, rounds, all int) int {
	if *flagAll {
		return all
	}
	return max(1, total/rounds)
}

// faultsAt returns what may happen at the n-th call.
func faultsAt(n int) []fault {
	torn := n % 9
	return []fault{
		{torn: torn},
		{cut: true, seed: uint64(n) * 7919, torn: torn},
		{err: syscall.EIO, torn: torn},
		{err: syscall.ENOSPC, torn: torn},
	}
}

// scenario is what is played: everything that a run may do but faults.
func scenario(flush model.Durability) swarm { return scenarioOf(*flagScenario, flush) }

func scenarioOf(seed uint64, flush model.Durability) swarm {
	s := newSwarm(seed, 300)
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
		case "rot aside", "replay aside", "reseal aside":
			s.weights[i] = 0
		}
	}
	return s
}

// strike is a fault at the n-th call after the one before it.
type strike struct {
	n int
	fault
}

// playTo plays the scenario until the faults have happened, and a little more. It
// returns how many calls there were.
func playTo(t *testing.T, s swarm, strikes ...strike) (calls int) {
	w := newWorld(s)
	defer func() { w.judged(t, recover(), strikes) }()
	next := 0
	struck := func() bool { // all of them
		if w.disk.armed == nil && next < len(strikes) {
			w.disk.arm(strikes[next].n, strikes[next].fault)
			next++
		}
		return w.disk.armed == nil
	}
	struck()
	w.setup()
	left := 20
	for w.step = 0; w.step < s.steps && left > 0; w.step++ {
		w.rng = stepRand(s.seed, w.step)
		w.play()
		if len(strikes) > 0 && struck() {
			left--
		}
	}
	calls = w.disk.calls
	w.disk.disarm()
	w.finish()
	return calls
}

// judged ends a run, and fails the test with what it recovered: what was violated.
func (w *world) judged(t *testing.T, recovered, how any) {
	t.Helper()
	if p := w.proc; p != nil && p.shard != nil {
		p.shard.Forget()
	}
	switch r := recovered.(type) {
	case nil:
	case violation:
		t.Fatalf("SIM FAIL inv=%s flush=%d %+v step=%d: %s", r.inv, w.flush, how, r.step, r.detail)
	default:
		t.Fatalf("flush=%d %+v step=%d: %v\n%s", w.flush, how, w.step, r, debug.Stack())
	}
}
