//go:build mutant

package sim

import (
	"testing"
	"time"
)

// mutated tells that the engine has a bug on purpose.
const mutated = true

// TestCanary proves that the judge can find a bug: with the tag mutant the shard
// answers a synced send when it is only written. A few seeds must notice.
//
//	go test -tags mutant -run TestCanary ./core/internal/sim
func TestCanary(t *testing.T) {
	began := time.Now()
	for seed := uint64(1); seed <= 40; seed++ {
		if out := runSeed(seed, *flagSteps, nil); out.violation != nil {
			t.Logf("seed %d notices after %v: %s, %s", seed, time.Since(began), out.violation.inv, out.violation.detail)
			return
		}
	}
	t.Fatal("forty seeds do not notice that answers come before their sync")
}

// TestCanaryKafka does the same for the log on Kafka, which believes every
// acknowledgement, wherever it says that the frame is.
func TestCanaryKafka(t *testing.T) {
	began := time.Now()
	for seed := uint64(1); seed <= 40; seed++ {
		if v := runKafkaSeed(t, seed, *flagSteps/5, false); v != nil {
			t.Logf("seed %d notices after %v: %s, %s", seed, time.Since(began), v.inv, v.detail)
			return
		}
	}
	t.Fatal("forty seeds do not notice that an acknowledgement was of something else")
}
