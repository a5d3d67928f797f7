package sim

import (
	"errors"
	"io"
	"syscall"
)

// stepRestart stops the server and starts it.
func (w *world) stepRestart() {
	if w.proc.failedAt == 0 {
		w.stopClean()
	}
}

func (w *world) stepCrash() { w.kill(false) }
func (w *world) stepCut()   { w.kill(true) }

// stepCrashWithin has the process die at a call of the file system soon.
func (w *world) stepCrashWithin() {
	w.disk.arm(1+w.rng.IntN(12), fault{torn: w.rng.IntN(9)})
}

func (w *world) stepCutWithin() {
	w.disk.arm(1+w.rng.IntN(12), fault{cut: true, seed: w.rng.Uint64(), torn: w.rng.IntN(9), syncs: w.rng.IntN(3) == 0})
}

// stepCrashInRecovery has the process die, and the next one while it recovers.
func (w *world) stepCrashInRecovery() {
	w.kill(w.cut && w.rng.IntN(2) == 0)
	w.disk.arm(1+w.rng.IntN(20), fault{torn: w.rng.IntN(9)})
	w.start()
}

// stepCutInRecovery does so with the power, several times in a row.
func (w *world) stepCutInRecovery() {
	w.kill(w.rng.IntN(2) == 0 || !w.crash)
	for range 1 + w.rng.IntN(3) {
		w.disk.arm(1+w.rng.IntN(20), fault{cut: true, seed: w.rng.Uint64(), torn: w.rng.IntN(9)})
		if w.start(); w.proc != nil {
			return
		}
	}
}

// stepCallFails has a call of the file system fail soon.
func (w *world) stepCallFails() {
	err := pick[error](w.rng, syscall.EIO, syscall.ENOSPC, io.ErrShortWrite, errors.New("out of luck"))
	w.disk.arm(1+w.rng.IntN(12), fault{err: err, torn: w.rng.IntN(9), syncs: w.rng.IntN(2) == 0})
}

// stepWallClock steps the wall clock.
func (w *world) stepWallClock() {
	by := pick[int64](w.rng, 1, 10, 1000, 60_000, 3600_000, 24*3600_000)
	if w.rng.IntN(2) == 0 {
		by = -by
		sometimes("clock.stepped_back")
	}
	w.latestWall()
	w.wall += by
	w.waits.late = w.now
}
