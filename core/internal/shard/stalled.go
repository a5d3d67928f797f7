package shard

// stalled are the requests that wait for the unsynced window to shrink, in order.
type stalled struct {
	queue []stalledRequest
	head  int
}

type stalledRequest struct {
	run *run
	req request
}

func (w *stalled) empty() bool { return w.head == len(w.queue) }

func (w *stalled) add(r *run, req request) {
	w.queue = append(w.queue, stalledRequest{r, req})
}

func (w *stalled) next() stalledRequest {
	r := w.queue[w.head]
	w.queue[w.head] = stalledRequest{}
	if w.head++; w.head == len(w.queue) {
		w.queue, w.head = w.queue[:0], 0
	}
	return r
}

// decide goes on with what waited, until the window is full again.
func (w *stalled) decide(s *Shard) {
	for !w.empty() && !s.full() && s.Err() == nil {
		w.next().req.decide(s)
	}
}

func (w *stalled) fail(s *Shard, err error) {
	for !w.empty() {
		r := w.next()
		s.refuse(r.run, r.req, err)
	}
}
