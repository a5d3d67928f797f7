package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
)

// process is one life of the server.
type process struct {
	w        *world
	life     int
	shard    *shard.Shard
	log      *tap
	nextStep int64 // when the loop is going to look; never while it is busy
	serving  bool
	inline   bool // readers answer at once
	stopping bool
	seen     shard.Stats
	clock    popClock
	failedAt int // step of the plan at which the log failed; 0: it has not
}

const never = 1 << 62

// config is the shard's configuration in this world.
func (w *world) config() shard.Config {
	return shard.Config{
		Flush: w.flush, SegmentBytes: w.segment, CacheBytes: w.cache, MaxMessageBytes: w.maxBody,
		ColdReadBytes:     -1,
		TransactionChecks: w.txnChecks,
		SnapshotBytes:     w.snapshot, Retention: w.retention,
		InboxBytes:   1 << 40, // Submit must not wait: there is nobody else to make room
		NoAutoTopics: w.noAuto,
		SystemTopics: []model.TopicConfig{{Name: "TBW102", ReadQueues: 8, WriteQueues: 8, Perm: 7}},
	}
}

// random is the shard's source of randomness: it depends on the life alone.
func (w *world) random(b []byte) {
	r := rand.New(rand.NewPCG(w.seed, uint64(w.lives)))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// files returns the log of this machine on a disk.
func (w *world) files(d *disk) wal.WAL {
	salt := uint32(w.lives)
	return file.New(file.Options{
		Dir: dataDir, FS: d.fs, Manual: true, SegmentSize: w.segment + headerPage,
		BootID: fmt.Sprint("boot ", w.boots),
		Salt:   func() uint32 { salt += 0x9e3779b9; return salt },
	})
}

// start begins a life of the process. It may end in the middle of its recovery,
// or fail: then there is no process.
func (w *world) start() {
	w.lives++
	p := &process{w: w, life: w.lives, nextStep: never, clock: newPopClock()}
	w.proc = p
	w.disk.failed, w.disk.hurt = false, false
	var err error
	p.shard, err = shard.Open(w.config(), tapWAL{w.files(w.disk), p}, shard.Env{Now: w.clocks, Random: w.random, Apart: p.apart})
	if err != nil {
		p.shard = nil
		w.startFailed(err)
		return
	}
	w.recovered(p)
	p.serve()
	if w.burial() {
		sometimes("recovery.crashed")
		return
	}
	if p.shard.Err() != nil {
		w.kill(false)
		return
	}
	p.serving = true
	w.oracle.inspect()
}

// serve takes steps until what recovery wrote is durable.
func (p *process) serve() {
	w := p.w
	ready := false
	c := p.shard.Connect(shard.ClientInfo{})
	c.Offsets(nil, func([]shard.OffsetInfo, error) { ready = true })
	c.Submit()
	for range 40 {
		if p.step(); ready || w.disk.dead || p.shard.Err() != nil {
			return
		}
		p.sync()
	}
	w.fail("V1", "the shard does not serve after its recovery")
}

func (w *world) startFailed(err error) {
	if w.disk.dead {
		sometimes("recovery.crashed")
		w.burial()
		return
	}
	if w.disk.hurt {
		w.kill(false)
		return
	}
	if w.limited && errors.Is(err, syscall.ENOSPC) {
		sometimes("disk.full_at_start")
		w.stepDiskHasRoom()
		w.kill(false)
		return
	}
	w.fail("L3", "recovery refuses what crashes and power cuts left: %v", err)
}

// recovered judges the log as recovery left it.
func (w *world) recovered(p *process) {
	found := p.log.found
	w.note("recovered", uint64(found.End), uint64(found.Torn), p.shard.Hash())
	if found.Torn > 0 {
		sometimes("recovery.torn_tail")
	}
	if o := w.oracle; o.expectHash != nil {
		w.check(p.shard.Hash() == *o.expectHash || w.disk.dead || w.disk.hurt, "L5", "the state is not that of the clean stop")
		o.expectHash = nil
	}
	durable := w.disk.book.durable()
	w.check(durable >= int64(found.End) || w.disk.dead || w.disk.hurt, "L12",
		"recovery accepted the log up to LSN %d, and only %d is durable", found.End, durable)
	gap := w.end() > int64(found.End) && !found.Clean && !found.SameBoot
	if gap && found.End > 0 {
		sometimes("recovery.gap")
	}
}

// wake has the loop look at its inbox soon.
func (p *process) wake() {
	if p.shard != nil {
		p.stepBy(p.w.now + p.w.delay(p.w.stepMax))
	}
}

func (p *process) stepBy(at int64) {
	if at >= p.nextStep {
		return
	}
	p.nextStep = at
	p.w.after(max(at-p.w.now, 0), func() {
		if p.nextStep == at {
			p.step()
		}
	})
}

// maxUnsynced is the most that a power cut may take: a window of 4 MiB, the send of
// 8 MiB that fills it, and what is around its messages.
const maxUnsynced = 13 << 20

// step is the loop's.
func (p *process) step() {
	w := p.w
	p.nextStep = never
	if p.shard == nil {
		return // it has stopped meanwhile
	}
	stopped := p.shard.Step()
	if w.disk.dead {
		return
	}
	stats := p.shard.Stats()
	if stats.Stalled > 0 {
		sometimes("window.stalled")
	}
	w.check(!p.serving || int64(stats.Written-stats.Durable) <= maxUnsynced, "cap", "%d bytes are written and not synced", stats.Written-stats.Durable)
	p.sightings(&stats)
	if p.shard.Err() != nil && p.failedAt == 0 {
		p.failedAt = w.step + 1
		sometimes("log.failed")
		w.check(w.disk.hurt, "V1", "the shard failed, and no call did: %v", p.shard.Err())
	}
	if stopped {
		p.stopping, p.shard = false, nil
		return
	}
	if p.shard.Poked() {
		p.wake()
	}
	if at, ok := p.shard.NextAlarm(); ok {
		p.stepBy(at)
	}
	w.oracle.overdue()
	if p.shard.Err() == nil {
		w.oracle.checkWaits(stats.Pending + stats.OpenTransactions)
	}
}

// sightings counts what goes on between bursts.
func (p *process) sightings(now *shard.Stats) {
	if now.Snapshots > p.seen.Snapshots {
		sometimes("snapshot.written")
	}
	if now.Sealed > p.seen.Sealed {
		sometimes("segment.sealed")
	}
	if now.Forgotten > p.seen.Forgotten {
		sometimes("segment.forgotten")
	}
	p.seen = *now
}

// sync is the syncer's.
func (p *process) sync() {
	p.log.syncAt = false
	if p.log.file.SyncStep() {
		p.log.work() // there may be more: it does one thing at a time
	}
	p.w.note("sync", uint64(p.w.disk.calls))
}

// apart is a reader's or a writer's of parts: it takes a while.
func (p *process) apart(job func()) {
	w := p.w
	if p.inline {
		job()
		return
	}
	sometimes("job.apart")
	w.after(w.delay(w.readMax), func() {
		job()
		p.wake()
	})
}

// burial ends the process if it died at a call of the file system. It reports
// whether it did.
func (w *world) burial() bool {
	if !w.disk.dead {
		return false
	}
	sometimes(map[bool]string{false: "crash.within", true: "cut.within"}[w.disk.cut])
	w.bury(w.disk.cut, 0)
	return true
}

// kill ends the process between two calls.
func (w *world) kill(cut bool) {
	sometimes(map[bool]string{false: "crash.between", true: "cut.between"}[cut])
	w.bury(cut, w.rng.Uint64())
}

// bury ends a process and the calls that it had.
func (w *world) bury(cut bool, seed uint64) {
	p := w.proc
	if cut && p != nil && !p.serving {
		sometimes("recovery.cut")
		if w.oracle.cuts > 0 {
			sometimes("recovery.cut_twice")
		}
	}
	var durable int64
	w.disk, durable = w.disk.reborn(cut, seed)
	if cut {
		w.boots++
	}
	w.oracle.lost(cut, durable)
	w.endLife()
}

func (w *world) endLife() {
	p := w.proc
	w.proc = nil
	w.lives++
	if p != nil && p.shard != nil {
		p.shard.Forget()
	}
	for _, c := range w.clients {
		c.conn = nil
	}
	calls := w.calls
	w.calls = nil
	for _, c := range calls {
		c.unknown()
	}
}

// revive starts the process if there is none, as often as it takes.
func (w *world) revive() {
	if w.proc != nil && w.proc.failedAt != 0 {
		w.endFailed()
	}
	for range 20 {
		if w.proc != nil {
			return
		}
		w.start()
	}
	w.fail("V1", "twenty starts in a row do not lead to a server")
}

// endFailed ends a process whose log has failed: some time after, by a stop or a kill.
func (w *world) endFailed() {
	switch w.rng.IntN(8) {
	case 0:
		sometimes("stop.after_failure")
		w.stop()
		w.bury(false, 0)
	case 1:
		w.kill(false)
	case 2:
		if w.cut && !w.quiet {
			w.kill(true)
		}
	}
}

// stop has the process end in order. It may die on the way.
func (w *world) stop() {
	p := w.proc
	p.stopping = true
	p.shard.Stop()
	p.wake()
	for range 100 {
		if w.proc != p || p.shard == nil {
			break
		}
		w.advance(w.patience() / 100)
	}
	w.check(w.proc != p || p.shard == nil, "V1", "the shard does not stop")
}

// stopClean stops the process and checks what a clean stop promises.
func (w *world) stopClean() {
	if w.proc == nil {
		return
	}
	if slices.ContainsFunc(w.calls, func(c *call) bool { return c.waits }) {
		sometimes("stop.waiting")
	}
	p, s := w.proc, w.proc.shard
	w.stop()
	if w.proc != p || s.Err() != nil {
		if w.proc == p {
			w.bury(false, 0)
		}
		return
	}
	sometimes("stop.clean")
	w.check(len(w.calls) == 0, "V1", "a clean stop leaves %d calls without an answer", len(w.calls))
	hash, end := s.Hash(), w.end()
	s.Forget()
	w.check(w.disk.book.durable() >= end, "L1", "a clean stop at LSN %d, and only %d is durable", end, w.disk.book.durable())
	w.oracle.stopped()
	w.disk, _ = w.disk.reborn(false, 0)
	w.endLife()
	w.oracle.expectHash = &hash
}

// isCorrupt reports whether recovery refused with the name of a place.
func isCorrupt(err error) bool {
	var corrupt *wal.CorruptError
	return errors.As(err, &corrupt)
}
