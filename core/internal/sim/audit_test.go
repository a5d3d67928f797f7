package sim

import (
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// openAside recovers a copy of the disk, as another process on the same boot.
func (w *world) openAside(mem *vfs.Mem) (hash uint64, err error) {
	s, err := shard.Open(w.config(), w.files(&disk{mem: mem, fs: mem}), shard.Env{Now: w.clocks})
	if err != nil {
		return 0, err
	}
	hash = s.Hash()
	s.Forget()
	return hash, nil
}

// stepReplay: L5, the log replayed from its start, twice, gives the state that the
// shard has.
func (w *world) stepReplay() {
	if w.proc.failedAt != 0 {
		return
	}
	w.revealFrame()
	want := w.proc.shard.Hash()
	copy := w.disk.mem.ProcessCrash()
	for range 2 {
		got, err := w.openAside(copy)
		w.check(err == nil, "L3", "a replay aside: %v", err)
		w.check(got == want, "L5", "a replay gives another state")
		copy = copy.ProcessCrash()
	}
	sometimes("audit.replayed")
}

// revealFrame: between two steps of the loop nothing is decided and not written.
func (w *world) revealFrame() {
	stats := w.proc.shard.Stats()
	w.check(int64(stats.Written) == w.end(), "L1", "the log ends at %d, the shard has written %d", w.end(), stats.Written)
}

// stepRot damages a copy of the disk. L3: damage is refused, or refused to be read;
// it is never served, and never cut off as if it were a torn tail.
func (w *world) stepRot() {
	if w.proc.failedAt != 0 {
		return
	}
	switch w.rng.IntN(4) {
	case 0:
		w.rotProven()
	case 1:
		w.rotManifest()
	case 2:
		w.rotUnderReader()
	default:
		w.rotIdleTail()
	}
}

// rotIdleTail: L11, once the log has been idle for a while its last frames are
// proven, and damage in them is no torn tail.
func (w *world) rotIdleTail() {
	log := w.proc.log
	if w.disk.book.durable() < log.data.end || w.now-log.appended < 2*idleAfter+w.syncMax {
		return
	}
	// A log that was recovered and left alone is proven by its manifest.
	w.check(log.appended == 0 || w.end() > log.data.end, "L11", "the log has been idle for %d ms, and has no mark behind its last frame", w.now-log.appended)
	w.refusesFlip(w.place(log.data.lsn+w.rng.Int64N(log.data.end-log.data.lsn)), "rot.idle_tail")
}

// idleAfter is how long after its last frame, in ms, the log is synced, and how
// long after that it is marked.
const idleAfter = 250

// rotProven: what an earlier start has recovered was durable.
func (w *world) rotProven() {
	f := w.frames[w.rng.IntN(len(w.frames))]
	if f.end <= int64(w.proc.log.found.End) {
		w.refusesFlip(w.place(f.lsn+w.rng.Int64N(f.end-f.lsn)), "rot.proven")
	}
}

func (w *world) rotManifest() {
	const name = "/data/shard-0000/MANIFEST"
	b, err := w.disk.mem.ReadFile(name)
	if err != nil {
		panic(err)
	}
	w.refusesFlip(place{name, w.rng.Int64N(int64(len(b)))}, "rot.manifest")
}

// place is a byte of a file.
type place struct {
	name string
	pos  int64
}

// flip flips a bit there.
func (w *world) flip(mem *vfs.Mem, at place) {
	bit := byte(1) << w.rng.IntN(8)
	err := mem.Rot(at.name, func(b []byte) []byte {
		b[at.pos] ^= bit
		return b
	})
	if err != nil {
		panic(err)
	}
}

// refusesFlip: recovery refuses the copy, and names the place.
func (w *world) refusesFlip(at place, what string) {
	copy := w.disk.mem.ProcessCrash()
	w.flip(copy, at)
	_, err := w.openAside(copy)
	w.check(err != nil, "L3", "%s: a flipped bit at %d of %s was cut off or served", what, at.pos, at.name)
	w.check(isCorrupt(err), "L3", "%s: a flipped bit at %d of %s: %v", what, at.pos, at.name, err)
	sometimes(what)
}

// rotUnderReader: a record that rots while the server runs is not served. What is
// served is what was sent.
func (w *world) rotUnderReader() {
	t := w.drawTopic()
	q := w.oracle.queue(queueID{t.name, w.drawQueue(t)})
	m := q.at[w.drawOffset(q, false)]
	if m == nil || m.lost {
		return
	}
	copy := w.disk.mem.ProcessCrash()
	s, err := shard.Open(w.config(), w.files(&disk{mem: copy, fs: copy}), shard.Env{Now: w.clocks, Read: func(job func()) { job() }})
	w.check(err == nil, "L3", "a copy of the disk is refused: %v", err)
	defer s.Forget()
	w.flip(copy, w.place(m.lsn+w.rng.Int64N(recordHead+int64(len(m.body)))))
	c := s.Connect(shard.ClientInfo{})
	c.Pull(shard.Pull{Queue: model.Queue{Topic: t.id, Num: q.id.num}, Offset: model.Offset(m.offset), MaxMessages: 1}, func(r *shard.Records, err error) {
		w.check(err != nil, "L3", "message %d at LSN %d is served with a flipped bit", m.id, m.lsn)
		w.check(model.CodeOf(err) == model.Internal, "L3", "message %d at LSN %d has a flipped bit: %v", m.id, m.lsn, err)
		sometimes("rot.under_reader")
	})
	c.Submit()
	for range 3 {
		s.Step()
	}
}

// recordHead is less than what a record has around its body.
const recordHead = 80

// place returns where an LSN lies.
func (w *world) place(lsn int64) (at place) {
	names, err := w.disk.mem.List(logDir)
	if err != nil {
		panic(err)
	}
	for _, n := range names {
		if base := segmentBase(n); base <= lsn {
			at = place{logDir + "/" + n, lsn - base + headerPage}
		}
	}
	return at
}
