package txn

import "github.com/gantrymq/gantry/core/internal/model"

// End is how a transaction ended.
type End struct {
	ID       model.LSN
	Producer uint32 // hash of its producer group
	Key      uint32 // hash of its message's unique key
	How      model.Resolution
}

// MaxEnded is how many ends are remembered.
const MaxEnded = 32768

// Ended remembers how the last transactions ended, so that who tells it once more is
// told what is true. Its zero value is empty.
type Ended struct {
	ring []End
	next int // in the ring, once it is full: the oldest

	// Forgotten is the highest of those that it no longer knows.
	Forgotten model.LSN
}

// Len returns how many are remembered.
func (e *Ended) Len() int { return len(e.ring) }

// Add remembers an end, and forgets the oldest if there are too many.
func (e *Ended) Add(end End) {
	if len(e.ring) < MaxEnded {
		e.ring = append(e.ring, end)
		return
	}
	e.Forgotten = max(e.Forgotten, e.ring[e.next].ID)
	e.ring[e.next] = end
	e.next = (e.next + 1) % MaxEnded
}

// Get finds an end, the newest first.
func (e *Ended) Get(id model.LSN) (end End, ok bool) {
	for i := range e.ring {
		at := e.next - 1 - i
		if at < 0 {
			at += len(e.ring)
		}
		if e.ring[at].ID == id {
			return e.ring[at], true
		}
	}
	return end, false
}

// Each passes the ends to fn, the oldest first.
func (e *Ended) Each(fn func(*End)) {
	for i := range e.ring {
		fn(&e.ring[(e.next+i)%len(e.ring)])
	}
}
