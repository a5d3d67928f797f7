package sim

import (
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

// stepRot: L11, once the log has been idle for a while its last frames are proven,
// and damage in them is no torn tail. L3: it is refused, never served or cut.
func (w *world) stepRot() {
	log := w.proc.log
	if w.proc.failedAt != 0 || w.disk.book.durable() < log.data.end || w.now-log.appended < 2*idleAfter+w.syncMax {
		return
	}
	// A log that was recovered and left alone is proven by its manifest.
	w.check(log.appended == 0 || w.end() > log.data.end, "L11", "the log has been idle for %d ms, and has no mark behind its last frame", w.now-log.appended)
	copy := w.disk.mem.ProcessCrash()
	name, pos := w.place(log.data.lsn + w.rng.Int64N(log.data.end-log.data.lsn))
	bit := byte(1) << w.rng.IntN(8)
	err := copy.Rot(name, func(b []byte) []byte {
		b[pos] ^= bit
		return b
	})
	if err != nil {
		panic(err)
	}
	_, err = w.openAside(copy)
	w.check(err != nil, "L11", "a flipped bit at %d of %s, in the last frame before the idle mark, was cut off or served", pos, name)
	w.check(isCorrupt(err), "L3", "a flipped bit at %d of %s: %v", pos, name, err)
	sometimes("rot.refused")
}

// idleAfter is how long after its last frame, in ms, the log is synced, and how
// long after that it is marked.
const idleAfter = 250

// place returns where an LSN lies.
func (w *world) place(lsn int64) (name string, pos int64) {
	names, err := w.disk.mem.List(logDir)
	if err != nil {
		panic(err)
	}
	for _, n := range names {
		if base := segmentBase(n); base <= lsn {
			name, pos = logDir+"/"+n, lsn-base+headerPage
		}
	}
	return name, pos
}
