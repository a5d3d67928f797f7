package sim

import (
	"bufio"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	flagSeed  = flag.Uint64("seed", 0, "run this seed alone, and tell what happens with -v")
	flagSeeds = flag.Int("seeds", 0, "run so many seeds; 0: as many as fit into -budget")
	flagFirst = flag.Uint64("first", 0, "the first seed of a range; 0: SIM_SEED, or the hash of the commit")
	flagMore  = flag.Bool("deliveries", false, "receives, settlements, delayed messages, and owners of a log on Kafka too")
	flagSteps = flag.Int("steps", 1500, "steps of each run")
	flagTime  = flag.Duration("budget", 0, "how long to run new seeds; 0: SIM_BUDGET, or 8s")
)

// savedSeeds are those that found something once. They run first.
const savedSeeds = "testdata/seeds.txt"

// outcomeOf is what a run came to.
type outcomeOf struct {
	violation *violation
	hash      uint64 // of the trace
	steps     int
}

// runSeed plays one seed.
func runSeed(seed uint64, steps int, log func(string, ...any)) (out outcomeOf) {
	w := newWorld(newSwarm(seed, steps))
	w.verbose = log
	defer func() {
		out.hash, out.steps = w.trace.Sum64(), w.step
		if p := w.proc; p != nil && p.shard != nil {
			p.shard.Forget()
		}
		switch r := recover().(type) {
		case nil:
		case violation:
			out.violation = &r
		default:
			out.violation = &violation{"panic", w.step, fmt.Sprintf("%v\n%s", r, debug.Stack())}
		}
	}()
	w.run()
	return out
}

func report(seed uint64, steps int, v *violation) string {
	return fmt.Sprintf("SIM FAIL inv=%s seed=%d steps=%d step=%d: go test ./core/internal/sim -run TestSeeds -seed=%d -steps=%d -v\n%s",
		v.inv, seed, steps, v.step, seed, steps, v.detail)
}

// TestSeeds plays the saved seeds, and then new ones until the time is over.
func TestSeeds(t *testing.T) {
	if mutated {
		t.Skip("the engine is a mutant")
	}
	if *flagSeed != 0 {
		out := runSeed(*flagSeed, *flagSteps, t.Logf)
		if out.violation != nil {
			t.Fatal(report(*flagSeed, *flagSteps, out.violation))
		}
		return
	}
	for _, seed := range readSeeds(t) {
		if out := runSeed(seed, *flagSteps, nil); out.violation != nil {
			t.Fatal(report(seed, *flagSteps, out.violation))
		}
	}
	playNew(t)
}

// playNew plays seeds on all cores until the time is over, or one of them fails.
func playNew(t *testing.T) {
	first := firstSeed(t)
	end := time.Now().Add(budget(t))
	var next, steps atomic.Int64
	var stop atomic.Bool
	var workers sync.WaitGroup
	failures := make(chan string, runtime.GOMAXPROCS(0))
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				n := next.Add(1) - 1
				over := *flagSeeds > 0 && n >= int64(*flagSeeds) || *flagSeeds == 0 && time.Now().After(end)
				if over || stop.Load() {
					return
				}
				played, failure := playOne(first+uint64(n), n%50 == 0)
				steps.Add(int64(played))
				if failure != "" {
					failures <- failure
					stop.Store(true)
					return
				}
			}
		})
	}
	workers.Wait()
	close(failures)
	for failure := range failures {
		t.Error(failure)
	}
	t.Logf("%d seeds from %d, %d steps\n%s", next.Load(), first, steps.Load(), sightingsText())
	if missing := unseen(); len(missing) > 0 && steps.Load() >= enoughSteps {
		t.Errorf("never reached in %d steps: %s", steps.Load(), strings.Join(missing, ", "))
	}
}

// playOne plays a seed, perhaps twice: G1, the same seed gives the same run.
func playOne(seed uint64, twice bool) (steps int, failure string) {
	out := runSeed(seed, *flagSteps, nil)
	if out.violation != nil {
		return out.steps, report(seed, *flagSteps, out.violation)
	}
	if twice {
		if again := runSeed(seed, *flagSteps, nil); again.hash != out.hash {
			return out.steps, fmt.Sprintf("SIM FAIL inv=G1 seed=%d steps=%d: two runs differ", seed, *flagSteps)
		}
	}
	return out.steps, ""
}

// enoughSteps is how many must have reached every rare state.
const enoughSteps = 300_000

// firstSeed is that of the commit, so that each one plays new seeds, and the same
// ones each time.
func firstSeed(t *testing.T) uint64 {
	if *flagFirst != 0 {
		return *flagFirst
	}
	if s := os.Getenv("SIM_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("SIM_SEED: %v", err)
		}
		return n
	}
	commit, err := exec.Command("git", "rev-parse", "HEAD").Output()
	if err != nil {
		return 1
	}
	h := fnv.New64a()
	h.Write(commit)
	return h.Sum64()>>32 + 1
}

func budget(t *testing.T) time.Duration {
	if *flagTime != 0 {
		return *flagTime
	}
	if s := os.Getenv("SIM_BUDGET"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			t.Fatalf("SIM_BUDGET: %v", err)
		}
		return d
	}
	if testing.Short() {
		return 2 * time.Second
	}
	return 8 * time.Second
}

// readSeeds returns the saved seeds: the first word of each line, # begins a remark.
func readSeeds(t *testing.T) (seeds []uint64) {
	f, err := os.Open(savedSeeds)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if words := strings.Fields(text); len(words) > 0 {
			seed, err := strconv.ParseUint(words[0], 10, 64)
			if err != nil {
				t.Fatalf("%s: %v", savedSeeds, err)
			}
			seeds = append(seeds, seed)
		}
	}
	return seeds
}
