package sim

import (
	"math/rand/v2"
)

// what a step of a plan may do.
type what struct {
	name   string
	weight int
	fault  func(*swarm) bool // nil: no fault; else whether the run has it
	do     func(*world)
}

// table lists all that a step may do, and how often it does.
func table() []what {
	crash := func(s *swarm) bool { return s.crash }
	cut := func(s *swarm) bool { return s.cut }
	io := func(s *swarm) bool { return s.io }
	clock := func(s *swarm) bool { return s.clock }
	full := func(s *swarm) bool { return s.full }
	return append([]what{
		{"send", 200, nil, (*world).stepSend},
		{"batch", 60, nil, (*world).stepBatch},
		{"unit", 40, nil, (*world).stepUnit},
		{"send delayed", 60, nil, (*world).stepSendDelayed},
		{"batch delayed", 10, nil, (*world).stepBatchDelayed},
		{"prepare", 50, nil, (*world).stepPrepare},
		{"end transaction", 60, nil, (*world).stepEnd},
		{"recall", 15, nil, (*world).stepRecall},
		{"look", 30, nil, (*world).stepLook},
		{"send bad", 20, nil, (*world).stepBadSend},
		{"send to a new topic", 6, nil, (*world).stepAutoCreate},
		{"pull", 120, nil, (*world).stepPull},
		{"long poll", 100, nil, (*world).stepLongPoll},
		{"cancel", 15, nil, (*world).stepCancel},
		{"client dies", 8, nil, (*world).stepClientDies},
		{"commit", 40, nil, (*world).stepCommit},
		{"commit one way", 30, nil, (*world).stepCommitOneWay},
		{"reset", 15, nil, (*world).stepReset},
		{"committed", 30, nil, (*world).stepCommitted},
		{"ends", 20, nil, (*world).stepEnds},
		{"by time", 10, nil, (*world).stepByTime},
		{"heartbeat", 25, nil, (*world).stepHeartbeat},
		{"leave", 6, nil, (*world).stepLeave},
		{"members", 12, nil, (*world).stepMembers},
		{"change topic", 6, nil, (*world).stepChangeTopic},
		{"delete topic", 5, nil, (*world).stepDeleteTopic},
		{"make topic", 10, nil, (*world).stepMakeTopic},
		{"stop", 2, nil, (*world).stepRestart},
		{"replay aside", 2, nil, (*world).stepReplay},
		{"reseal aside", 1, nil, (*world).stepReseal},
		{"rot aside", 6, nil, (*world).stepRot},

		{"crash", 2, crash, (*world).stepCrash},
		{"crash within", 6, crash, (*world).stepCrashWithin},
		{"crash in recovery", 2, crash, (*world).stepCrashInRecovery},
		{"cut", 2, cut, (*world).stepCut},
		{"cut within", 6, cut, (*world).stepCutWithin},
		{"cut in recovery", 2, cut, (*world).stepCutInRecovery},
		{"call fails", 8, io, (*world).stepCallFails},
		{"wall clock", 10, clock, (*world).stepWallClock},
		{"disk fills", 6, full, (*world).stepDiskFills},
		{"disk has room", 4, full, (*world).stepDiskHasRoom},
	}, popTable()...)
}

// isDelivery tells of steps whose judge still raises a false alarm in about one of 80
// runs: they are played by make simulate-deliveries, and in the fixed scenarios.
func isDelivery(name string) bool {
	switch name {
	case "send delayed", "batch delayed", "recall", "look", "prepare", "end transaction":
		return true
	}
	return isPopStep(name)
}

// drawWeights leaves out a third of the steps, and makes others more frequent.
func drawWeights(r *rand.Rand, s *swarm) []int {
	var weights []int
	for _, what := range table() {
		weight := what.weight
		switch {
		case what.fault != nil && !what.fault(s):
			weight = 0
		case isPopStep(what.name) && s.popGroups == 0, isDelivery(what.name) && !*flagMore:
			weight = 0
		case what.name == "send":
		case r.IntN(6) == 0:
			weight = 0
		case r.IntN(6) == 0:
			weight *= 4
		}
		weights = append(weights, weight)
	}
	return weights
}

// choose draws what the step does.
func (w *world) choose() what {
	all := w.table
	total := 0
	for i := range all {
		total += w.weightOf(i)
	}
	n := w.rng.IntN(total)
	for i := range all {
		if n -= w.weightOf(i); n < 0 {
			return all[i]
		}
	}
	panic("not reached")
}

func (w *world) weightOf(i int) int {
	if w.quiet && w.table[i].fault != nil {
		return 0
	}
	return w.weights[i]
}
