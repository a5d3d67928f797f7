package sim

import (
	"path"
	"strings"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// aside is a shard on a copy of the disk, as another process on the same boot.
type aside struct {
	*shard.Shard
	from int64 // where it began to read the log
	log  wal.Log
}

func (w *world) openAside(mem *vfs.Mem) (aside, error) {
	mem.Limit(vfs.Limits{}) // the copy is for looking at
	a := aside{}
	log := asideWAL{w.files(&disk{mem: mem, fs: mem}), &a}
	s, err := shard.Open(w.config(), log, shard.Env{Now: w.clocks, Apart: func(job func()) { job() }})
	a.Shard = s
	return a, err
}

// asideWAL notes from where on the log is read.
type asideWAL struct {
	wal.WAL
	aside *aside
}

func (a asideWAL) Open(shard wal.ShardID, notify func()) (wal.Log, error) {
	log, err := a.WAL.Open(shard, notify)
	a.aside.log = log
	return asideLog{log, a.aside}, err
}

type asideLog struct {
	wal.Log
	aside *aside
}

func (l asideLog) Recover(from wal.LSN, fn func(wal.Frame) error) (wal.Recovery, error) {
	l.aside.from = int64(from)
	return l.Log.Recover(from, fn)
}

// stepReplay: L5, the log replayed, twice, gives the state that the shard has; from
// whatever snapshots (L13) and index parts (L8) are left. Only a log that no longer
// begins at its beginning needs a snapshot.
func (w *world) stepReplay() {
	if w.proc.failedAt != 0 {
		return
	}
	w.revealFrame()
	want := w.proc.shard.Hash()
	copy := w.disk.mem.ProcessCrash()
	bare := w.takeParts(copy)
	for range 2 {
		a, err := w.openAside(copy)
		if err != nil {
			w.check(bare && w.proc.log.Start() > 0, "L3", "a replay aside: %v", err)
			sometimes("audit.needs_snapshot")
			return
		}
		w.check(a.Hash() == want, "L5", "a replay gives another state")
		a.Forget()
		copy = copy.ProcessCrash()
	}
	sometimes("audit.replayed")
}

// takeParts removes some parts of a copy. bare tells that no snapshot is left.
func (w *world) takeParts(mem *vfs.Mem) (bare bool) {
	names, err := mem.List(partsDir)
	if err != nil {
		panic(err)
	}
	snapshots, indexes := w.rng.IntN(3), w.rng.IntN(3)
	bare = true
	for i, name := range names {
		snapshot := strings.HasPrefix(name, "snap-")
		newest := i == len(names)-1
		switch {
		case snapshot && (snapshots == 0 || snapshots == 1 && !newest):
			bare = false
		case !snapshot && (indexes == 0 || indexes == 1 && w.rng.IntN(2) == 0):
		default:
			sometimes("audit.part_gone")
			if err := mem.Remove(partsDir + "/" + name); err != nil {
				panic(err)
			}
		}
	}
	return bare
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
	switch w.rng.IntN(5) {
	case 4:
		w.rotPart()
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
	if w.place(f.lsn).name == "" {
		return // its segment has gone
	}
	if f.end <= int64(w.proc.log.found.End) && f.lsn >= int64(w.proc.log.Start()) {
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

// flip flips a bit there. It reports whether there is such a file.
func (w *world) flip(mem *vfs.Mem, at place) bool {
	bit := byte(1) << w.rng.IntN(8)
	return mem.Rot(at.name, func(b []byte) []byte {
		b[at.pos] ^= bit
		return b
	}) == nil
}

// refusesFlip: recovery refuses the copy, and names the place.
func (w *world) refusesFlip(at place, what string) {
	copy := w.disk.mem.ProcessCrash()
	w.flip(copy, at)
	a, err := w.openAside(copy)
	if err == nil {
		a.Forget()
		if path.Dir(at.name) == logDir && segmentBase(at.name)+at.pos-headerPage < a.from {
			return // not read: a snapshot and index parts stand for it
		}
	}
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
	if m == nil || m.lost || m.expired || m.moved {
		return
	}
	if w.place(m.lsn).name == "" {
		return // its segment has gone
	}
	copy := w.disk.mem.ProcessCrash()
	s, err := w.openAside(copy)
	w.check(err == nil, "L3", "a copy of the disk is refused: %v", err)
	defer s.Forget()
	if !w.flip(copy, w.place(m.lsn+w.rng.Int64N(recordHead+int64(len(m.body))))) {
		return // the copy has forgotten its segment
	}
	c := s.Connect(shard.ClientInfo{})
	c.Pull(shard.Pull{Queue: model.Queue{Topic: t.id, Num: q.id.num}, Offset: model.Offset(m.offset), MaxMessages: 1}, func(r *shard.Records, err error) {
		if err == nil && r.Status != shard.PullFound {
			return // it has been forgotten meanwhile
		}
		w.check(err != nil, "L3", "message %d at LSN %d is served with a flipped bit", m.id, m.lsn)
		w.check(model.CodeOf(err) == model.Internal, "L3", "message %d at LSN %d has a flipped bit: %v", m.id, m.lsn, err)
		sometimes("rot.under_reader")
	})
	c.Submit()
	for range 8 {
		s.Step()
	}
}

// recordHead is less than what a record has around its body.
const recordHead = 80

// place returns where an LSN lies; no name if its segment has gone.
func (w *world) place(lsn int64) (at place) {
	names, err := w.disk.mem.List(logDir)
	if err != nil {
		panic(err)
	}
	for _, n := range names {
		if n == spareName {
			continue
		}
		if base := segmentBase(n); base <= lsn {
			at = place{logDir + "/" + n, lsn - base + headerPage}
		}
	}
	return at
}
