package sim

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"math/rand/v2"

	"github.com/gantrymq/gantry/core/internal/shard"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// epoch is what the wall clock says at the start.
const epoch = 1_700_000_000_000

// world is one run: everything that the engine can notice.
type world struct {
	swarm
	table   []what
	step    int
	nextID  int
	rng     *rand.Rand // of this step
	now     int64      // ms; never stops, never jumps back
	wall    int64      // what the wall clock shows at 0
	wallMax int64      // the latest that it has shown
	events  events
	ticket  uint64

	disk      *disk
	frames    []frame // of the log, as far as it was written or recovered
	boots     int
	lives     int
	proc      *process // nil while there is none
	clients   []*client
	calls     []*call // not yet answered
	answering *call   // the one that is being answered
	oracle    *oracle
	limited   bool // the disk has little room
	roomSince int64
	quiet     bool // no more faults, since:
	quietFrom int64
	trace     hash.Hash64
	line      []byte
	verbose   func(format string, args ...any)
}

func newWorld(s swarm) *world {
	w := &world{swarm: s, table: table(), wall: epoch, disk: newDisk(vfs.NewMem()), trace: fnv.New64a(), rng: stepRand(s.seed, -1)}
	w.disk.clock = func() int64 { return w.now }
	w.oracle = newOracle(w)
	for i := range s.clients {
		w.clients = append(w.clients, &client{w: w, num: i})
	}
	return w
}

// stepRand returns the randomness of one step of a plan: deleting a step leaves
// that of the others as it is.
func stepRand(seed uint64, step int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(step+1))) }

// violation is what a run ends with when an invariant is broken.
type violation struct {
	inv    string
	step   int
	detail string
}

func (w *world) fail(inv, format string, args ...any) {
	panic(violation{inv, w.step, fmt.Sprintf(format, args...)})
}

func (w *world) check(ok bool, inv, format string, args ...any) {
	if !ok {
		w.fail(inv, format, args...)
	}
}

// note adds to the trace, by which two runs of one seed are compared.
func (w *world) note(what string, values ...uint64) {
	w.line = append(w.line[:0], what...)
	for _, v := range values {
		w.line = binary.AppendUvarint(w.line, v)
	}
	w.trace.Write(w.line)
	if w.verbose != nil {
		w.verbose("%6d ms  step %d: %s %v", w.now, w.step, what, values)
	}
}

// clocks is what the shard reads.
func (w *world) clocks() shard.Instant {
	return shard.Instant{Wall: w.wall + w.now, Mono: w.now}
}

// event is something that is going to happen in one life of the process.
type event struct {
	at, tie uint64
	life    int
	do      func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if e[i].at != e[j].at {
		return e[i].at < e[j].at
	}
	return e[i].tie < e[j].tie
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}

// after has something happen in so many ms, if this process still lives then.
// What is due at the same ms happens in random order.
func (w *world) after(ms int64, do func()) {
	w.ticket++
	tie := w.rng.Uint64()<<24 | w.ticket&0xffffff
	heap.Push(&w.events, event{uint64(w.now + ms), tie, w.lives, do})
}

// delay draws how long something takes.
func (w *world) delay(limit int64) int64 {
	if limit == 0 {
		return 0
	}
	return w.rng.Int64N(limit + 1)
}

// advance lets time pass, and what is due in it happen.
func (w *world) advance(ms int64) {
	until := w.now + ms
	for len(w.events) > 0 && w.events[0].at <= uint64(until) {
		e := heap.Pop(&w.events).(event)
		w.now = max(w.now, int64(e.at))
		if w.proc == nil || e.life != w.lives {
			continue
		}
		e.do()
		w.burial()
	}
	w.now = until
}

// run plays the plan: the steps, a last quarter without faults, and the end.
func (w *world) run() {
	w.setup()
	for w.step = range w.steps {
		w.rng = stepRand(w.seed, w.step)
		if w.step == w.steps*3/4 {
			w.calm()
		}
		w.play()
	}
	w.calm()
	w.finish()
}

// calm ends the faults.
func (w *world) calm() {
	if !w.quiet {
		w.quiet, w.quietFrom = true, w.now
	}
	w.disk.disarm()
	w.stepDiskHasRoom()
}

// play plays one step.
func (w *world) play() {
	w.advance(w.pause())
	w.revive()
	what := w.choose()
	w.nextID = (w.step + 1) * 100
	w.note(what.name)
	what.do(w)
	w.burial()
}

// pause draws the time until the next step.
func (w *world) pause() int64 {
	switch w.rng.IntN(w.snoozeOdds) {
	case 0:
		return w.rng.Int64N(5000)
	case 1:
		if w.rng.IntN(4) == 0 {
			return w.rng.Int64N(3 * 24 * 3600 * 1000)
		}
	}
	return w.delay(w.pauseMax)
}

// finish: without faults everything drains, a last stop is clean, and what is
// there then is there again.
func (w *world) finish() {
	w.revive()
	w.drain()
	w.drainPops()
	w.revive()
	w.drain()
	w.stopClean()
	w.revive()
	w.stopClean()
}

// drain waits until every call is answered.
func (w *world) drain() {
	for range 200 {
		if len(w.calls) == 0 {
			return
		}
		w.advance((w.patience() + 30_000) / 50)
		w.revive()
	}
	w.fail("V1", "%d calls are never answered, the first is %v", len(w.calls), w.calls[0])
}

// patience is how long any call may take when nothing fails, its own wait apart.
func (w *world) patience() int64 { return 2000 + 40*w.syncMax }
