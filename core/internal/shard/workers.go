package shard

import "sync"

// workers run jobs that must not run on the loop: they block on files. What
// they find comes back through the inbox.
type workers struct {
	mu     sync.Mutex
	ready  sync.Cond
	jobs   []func()
	closed bool
	wg     sync.WaitGroup
}

func (w *workers) start(n int) {
	w.ready.L = &w.mu
	for range n {
		w.wg.Go(w.work)
	}
}

// add queues a job. What bounds the queue is the number of who may ask: open
// pulls, segments, one snapshot.
func (w *workers) add(job func()) {
	w.mu.Lock()
	w.jobs = append(w.jobs, job)
	w.mu.Unlock()
	w.ready.Signal()
}

func (w *workers) work() {
	for {
		w.mu.Lock()
		for len(w.jobs) == 0 && !w.closed {
			w.ready.Wait()
		}
		if len(w.jobs) == 0 {
			w.mu.Unlock()
			return
		}
		job := w.jobs[0]
		w.jobs[0] = nil
		w.jobs = w.jobs[1:]
		w.mu.Unlock()
		job()
	}
}

// stop ends the workers once the queue is empty.
func (w *workers) stop() {
	if w.ready.L == nil {
		return
	}
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.ready.Broadcast()
	w.wg.Wait()
}
