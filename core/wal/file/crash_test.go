package file_test

import (
	"flag"
	"maps"
	"slices"
	"testing"

	"github.com/gantrymq/gantry/core/wal/vfs"
)

var seeds = flag.Int("seeds", 400, "how many random lives TestLives leads")

// scenario is one session: some work, an orderly stop in its middle, more work.
func (l *life) scenario() error {
	if err := l.start(); err != nil {
		return err
	}
	if err := l.work(40); err != nil {
		return err
	}
	if err := l.close(); err != nil {
		return err
	}
	if err := l.start(); err != nil {
		return err
	}
	return l.work(40)
}

// aftermath: the next starts may crash as well, twice; the one that does not
// must find what it owes, and a log it can go on with.
func (l *life) aftermath() {
	for range 2 {
		l.crashAt(1 + l.rng.IntN(12))
		_ = l.start()
		l.crash(l.rng.IntN(2) == 0)
	}
	for _, power := range []bool{true, false} {
		l.must(l.start())
		l.must(l.work(10))
		l.crash(power)
	}
	l.must(l.start())
	l.must(l.close())
	l.must(l.start())
}

func (l *life) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatalf("without a fault: %v", err)
	}
}

// TestCrashAtEveryChange ends one scenario at each of its changes to the file
// system, by the death of the process and by a power cut.
func TestCrashAtEveryChange(t *testing.T) {
	for _, power := range []bool{false, true} {
		seen := map[string]int{}
		total := changes(t)
		for n := 1; n <= total; n++ {
			l := newLife(t, 7)
			l.crashAt(n)
			if err := l.scenario(); err == nil && n < total {
				t.Fatalf("change %d of %d did not stop the scenario", n, total)
			}
			l.crash(power)
			l.aftermath()
			add(seen, l.seen)
		}
		t.Logf("power=%v: %d crashes, %v", power, total, seen)
	}
}

// TestFailAtEveryChange makes each change of the scenario fail, once.
func TestFailAtEveryChange(t *testing.T) {
	for _, power := range []bool{false, true} {
		total := changes(t)
		for n := 1; n <= total; n++ {
			l := newLife(t, 7)
			l.failAt(n)
			if err := l.scenario(); err == nil && !l.survives(l.failed, l.failure) {
				t.Fatalf("change %d of %d failed, and nobody said so: %s", n, total, l.failed)
			}
			l.crash(power)
			l.aftermath()
		}
	}
}

// changes counts the changes of the scenario.
func changes(t *testing.T) int {
	l := newLife(t, 7)
	n := 0
	l.hook = vfs.Record(func(string) { n++ })
	l.must(l.scenario())
	return n
}

// TestLives leads random lives, in which sessions end in every way.
func TestLives(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(*seeds) {
		l := newLife(t, seed)
		for range 12 {
			l.session()
		}
		l.must(l.start())
		add(seen, l.seen)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d lives: %v", *seeds, seen)
	for _, state := range []string{
		"torn", "lost frames", "more than was durable", "clean", "gap", "fault",
		"trimmed", "trim undone", "spare taken", "part kept", "part gone", "part put in vain",
	} {
		if seen[state] == 0 {
			t.Errorf("no life saw: %s", state)
		}
	}
}

func (l *life) session() {
	how := l.rng.IntN(4)
	switch how {
	case 0:
		l.crashAt(1 + l.rng.IntN(60))
	case 1:
		l.failAt(1 + l.rng.IntN(60))
	}
	err := l.start()
	if err == nil {
		err = l.work(l.rng.IntN(60))
	}
	l.count("fault", err != nil && how == 1)
	if err == nil && how == 2 {
		err = l.close()
	}
	if err == nil && how == 2 && l.rng.IntN(2) == 0 {
		return
	}
	l.crash(l.rng.IntN(2) == 0)
}

func add(to, from map[string]int) {
	for _, state := range slices.Sorted(maps.Keys(from)) {
		to[state] += from[state]
	}
}
