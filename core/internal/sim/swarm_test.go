package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
)

// swarm is what a seed makes of a run. Each run has few of the things that can
// happen, and those often: rare states need it.
type swarm struct {
	seed  uint64
	steps int

	faults bool // a quarter of the seeds has none: then everything must succeed
	crash  bool // the process dies, between and within file-system calls
	cut    bool // the power goes
	io     bool // calls fail
	clock  bool // the wall clock steps
	full   bool // the disk fills up

	flush     model.Durability // the server's
	mixed     bool             // some topics have a durability of their own
	segment   int64
	cache     int64
	snapshot  int64           // bytes of log until one is due
	retention model.Retention // the server's
	topics    int
	queues    int32
	groups    int
	clients   int
	txnChecks int   // how often producers are asked
	bodies    []int // sizes to draw from
	maxBody   int
	syncMax   int64 // ms that a sync takes at most
	readMax   int64 // ms that a cold read takes at most
	stepMax   int64 // ms until the loop looks at its inbox
	pauseMax  int64 // ms between two steps of the plan
	noAuto    bool
	weights   []int // of the table of steps
	popSwarm
	snoozeOdds int // one step in so many waits for seconds or days
}

func newSwarm(seed uint64, steps int) swarm {
	r := rand.New(rand.NewPCG(seed, 0x737761726d))
	s := swarm{
		seed: seed, steps: steps,
		flush: model.Written, mixed: r.IntN(3) == 0,
		segment:   64 << 10 << r.IntN(5),
		cache:     pick[int64](r, 1, 4<<20, 8<<20),
		snapshot:  4 << 10 << r.IntN(8),
		retention: drawRetention(r),
		topics:    1 + r.IntN(4), queues: 1 + int32(r.IntN(4)), groups: 1 + r.IntN(3), clients: 1 + r.IntN(6),
		maxBody: 4 << 20,
		readMax: int64(r.IntN(4)), stepMax: int64(r.IntN(3)), pauseMax: int64(1 + r.IntN(10)),
		syncMax:    pick[int64](r, 0, 2, 2, 20, 300, 30_000),
		noAuto:     r.IntN(4) == 0,
		snoozeOdds: pick(r, 50, 200, 1000),
		popSwarm:   drawPop(seed), txnChecks: 1 + int(seed%4),
	}
	if r.IntN(2) == 0 {
		s.flush = model.Synced
	}
	if s.faults = r.IntN(4) > 0; s.faults {
		s.crash, s.cut, s.io, s.clock = r.IntN(3) > 0, r.IntN(2) == 0, r.IntN(3) == 0, r.IntN(3) == 0
	}
	s.drawBodies(r)
	if s.full = s.faults && r.IntN(8) == 0; s.full {
		s.fillDisk()
	}
	s.weights = drawWeights(r, &s)
	return s
}

// fillDisk makes the run one in which a full disk is reached soon. A segment has
// room for what one step of the loop may append while the disk is full.
func (s *swarm) fillDisk() {
	s.io = false
	s.segment, s.maxBody = 2<<20, 4<<20
	s.bodies = []int{100, 3000, 10_000, 20_000}
	s.syncMax = min(s.syncMax, 20)
}

func drawRetention(r *rand.Rand) model.Retention {
	return model.Retention{
		Age:      pick(r, 72*time.Hour, 72*time.Hour, time.Second, time.Minute, time.Hour),
		Bytes:    pick[int64](r, 0, 0, 0, 100<<10),
		Consumed: r.IntN(4) == 0,
	}
}

// drawBodies picks how large messages are. Large ones with a slow disk fill the
// unsynced window.
func (s *swarm) drawBodies(r *rand.Rand) {
	switch r.IntN(8) {
	case 0:
		s.bodies = []int{0, 10, 300 << 10, 900 << 10, 2 << 20, 4 << 20}
		s.steps /= 15
		s.syncMax = pick[int64](r, 20, 300, 5000)
	case 1:
		s.bodies = []int{0, 0, 1, 100, 1000, 4 << 10, 20 << 10, 64 << 10}
		s.steps /= 2
	case 2:
		s.bodies, s.maxBody = []int{0, 1, 100, 1000, 1001, 1025}, 1024
	default:
		s.bodies = []int{0, 1, 10, 100, 100, 300, 1000, 3000}
	}
}

// plain: every topic has the same durability, so an answer means that it is visible.
func (s *swarm) plain() bool { return !s.mixed && s.flush == model.Written }

func (s *swarm) topicName(i int) string { return fmt.Sprintf("topic-%d", i) }
func (s *swarm) groupName(i int) string { return fmt.Sprintf("group-%d", i) }

// levelOf is the durability that a topic is made with; fixed by its number.
func (s *swarm) levelOf(topic int) model.Durability {
	if !s.mixed {
		return model.DurabilityDefault
	}
	return model.Durability(topic % 3)
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }
