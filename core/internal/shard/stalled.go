package shard

import "github.com/gantrymq/gantry/core/internal/model"

// stallLimit is how long, in ms, a request waits for a disk that does not follow.
const stallLimit = 2000

// stalled are the requests that wait for the unsynced window to shrink, in order.
type stalled struct {
	queue []stalledRequest
	head  int
	armed bool // the alarm is set for the first of them, or for one before it
	late  bool // it has rung
}

type stalledRequest struct {
	run   *run
	req   request
	since int64 // by the monotonic clock
}

func (w *stalled) empty() bool { return w.head == len(w.queue) }

func (w *stalled) add(s *Shard, r *run, req request) {
	w.queue = append(w.queue, stalledRequest{r, req, s.now.Mono})
	w.arm(s)
}

func (w *stalled) arm(s *Shard) {
	if !w.armed && !w.empty() {
		w.armed = true
		s.alarms.set(s, w.queue[w.head].since+stallLimit, w)
	}
}

// ring leaves it to decide to answer: this step may find that there is room again.
func (w *stalled) ring(*Shard) { w.armed, w.late = false, true }

func (w *stalled) next() stalledRequest {
	r := w.queue[w.head]
	w.queue[w.head] = stalledRequest{}
	if w.head++; w.head == len(w.queue) {
		w.queue, w.head = w.queue[:0], 0
	}
	return r
}

// decide goes on with what waited, until the window is full again. What has waited
// too long is refused: nothing of it was stored.
func (w *stalled) decide(s *Shard) {
	for !w.empty() && !s.full() && !s.disk.short(s) && s.Err() == nil {
		if s.mayFit(w.queue[w.head].req) {
			break
		}
		r := w.next()
		if s.disk.empty {
			s.refuse(r.run, r.req, errDiskFull)
			continue
		}
		r.req.decide(s)
	}
	if !w.late {
		return
	}
	w.late = false
	for !w.empty() && s.now.Mono-w.queue[w.head].since >= stallLimit {
		r := w.next()
		s.count.Busy++
		s.refuse(r.run, r.req, errSlowDisk)
	}
	w.arm(s)
}

var errSlowDisk = model.Errorf(model.Busy, "the server's log is too slow for what it is sent: nothing was stored")

func (w *stalled) fail(s *Shard, err error) {
	for !w.empty() {
		r := w.next()
		s.refuse(r.run, r.req, err)
	}
}
