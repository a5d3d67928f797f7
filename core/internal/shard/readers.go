package shard

import "sync"

// readerCount is how many goroutines read for a shard: cold reads block.
const readerCount = 2

// readers run jobs that must not run on the loop. The queue is bounded by the
// pulls that clients have open.
type readers struct {
	mu     sync.Mutex
	ready  sync.Cond
	jobs   []*readJob
	closed bool
	wg     sync.WaitGroup
}

func (r *readers) start() {
	r.ready.L = &r.mu
	for range readerCount {
		r.wg.Go(r.work)
	}
}

func (r *readers) add(j *readJob) {
	r.mu.Lock()
	r.jobs = append(r.jobs, j)
	r.mu.Unlock()
	r.ready.Signal()
}

func (r *readers) work() {
	for {
		r.mu.Lock()
		for len(r.jobs) == 0 && !r.closed {
			r.ready.Wait()
		}
		if len(r.jobs) == 0 {
			r.mu.Unlock()
			return
		}
		j := r.jobs[0]
		r.jobs = r.jobs[1:]
		r.mu.Unlock()
		j.runApart()
	}
}

// stop ends the readers once the queue is empty.
func (r *readers) stop() {
	if r.ready.L == nil {
		return
	}
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.ready.Broadcast()
	r.wg.Wait()
}
