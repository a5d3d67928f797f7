package shard

import "sync"

// inbox is where requests wait for the loop: runs, swapped out whole. Its mutex
// nests in nothing.
type inbox struct {
	wake chan struct{} // holds one token while there is something to look at

	mu     sync.Mutex
	room   sync.Cond
	runs   []*run
	bytes  int // of the runs here and of those not yet answered
	limit  int
	closed bool // takes no more of what clients submit
	ended  bool // takes nothing: nobody will look
}

func (b *inbox) init(limit int) {
	b.wake = make(chan struct{}, 1)
	b.room.L = &b.mu
	b.limit = limit
}

// put adds a run, and waits while there is no room for it. It reports whether
// the inbox still takes any.
func (b *inbox) put(r *run) bool {
	b.mu.Lock()
	for b.bytes > 0 && b.bytes+len(r.buf) > b.limit && !b.closed {
		b.room.Wait()
	}
	if b.closed {
		b.mu.Unlock()
		return false
	}
	return b.add(r)
}

// putNow adds a run that costs no room: a result, a cancellation.
func (b *inbox) putNow(r *run) bool {
	b.mu.Lock()
	return b.add(r)
}

// add ends what put and putNow began: it unlocks.
func (b *inbox) add(r *run) bool {
	if b.ended {
		b.mu.Unlock()
		return false
	}
	first := len(b.runs) == 0
	b.runs = append(b.runs, r)
	b.bytes += len(r.buf)
	b.mu.Unlock()
	if first {
		b.poke()
	}
	return true
}

// poke makes the loop take a step.
func (b *inbox) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take swaps the runs out for an empty slice.
func (b *inbox) take(empty []*run) []*run {
	b.mu.Lock()
	runs := b.runs
	b.runs = empty
	b.mu.Unlock()
	return runs
}

// free gives back the room of a run that was answered.
func (b *inbox) free(bytes int) {
	if bytes == 0 {
		return
	}
	b.mu.Lock()
	b.bytes -= bytes
	b.mu.Unlock()
	b.room.Broadcast()
}

func (b *inbox) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}

// end refuses results too. What it returns nobody will decide.
func (b *inbox) end() []*run {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.ended = true, true
	return b.runs
}

// close refuses what clients submit from now on. What is here is still to be taken.
func (b *inbox) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.room.Broadcast()
	b.poke()
}
