package sim

import "github.com/gantrymq/gantry/core/wal/vfs"

// stepDiskFills leaves little room on the disk. L10: sends are refused with a
// definite answer, nothing is forgotten for it, the log does not fail, and sends
// are taken again by themselves.
func (w *world) stepDiskFills() {
	w.disk.mem.Limit(vfs.Limits{Bytes: w.disk.mem.Used().Bytes + w.rng.Int64N(64<<10)})
	w.limited = true
}

func (w *world) stepDiskHasRoom() {
	if !w.limited {
		return
	}
	w.disk.mem.Limit(vfs.Limits{})
	w.limited, w.roomSince = false, w.now
}

// isFull tells whether the disk may be full, as far as the engine can know.
func (w *world) isFull() bool {
	asked := w.now - 5000 - 10*w.syncMax // it has asked for room since then
	return w.limited || w.full && w.roomSince >= asked || w.disk.noRoom > 0 && w.disk.noRoom >= asked
}
