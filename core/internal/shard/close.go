package shard

import "context"

// Stop begins the end: nothing more is taken in. The steps that follow answer
// what is here, make the log durable, and mark it clean.
func (s *Shard) Stop() {
	s.inbox.close()
	s.inbox.putNow(&run{reqs: []request{stopRequest{}}})
}

// Close stops the shard and waits for its loop, at most until ctx ends.
func (s *Shard) Close(ctx context.Context) error {
	s.Stop()
	select {
	case <-s.stopped:
		return s.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

type stopRequest struct{}

func (stopRequest) class() class    { return control }
func (stopRequest) refuse(error)    {}
func (stopRequest) decide(s *Shard) { s.stopping = true }

// stop takes the last steps. It reports whether they are done: not while a
// reader works, or while requests wait for a sync.
func (s *Shard) stop() bool {
	s.endReceives()
	for _, page := range s.queues {
		for i := range page {
			for len(page[i].waiters) > 0 {
				page[i].waiters[0].endWait(s)
			}
		}
	}
	if !s.cold.finish(s) || s.away > 0 || !s.stalled.empty() {
		return false
	}
	s.commits.write(s)
	s.settle()
	if !s.snapshots.last(s) {
		return false
	}
	s.closeLog()
	for _, r := range s.inbox.end() {
		r.refuseAll(errShuttingDown)
	}
	s.readers.stop()
	s.files.stop()
	return true
}

// closeLog makes everything durable, answers what waited for it, and leaves the
// clean mark.
func (s *Shard) closeLog() {
	clean := s.Err() == nil
	if err := s.log.Close(clean); err != nil && clean {
		s.fail(err)
		return
	}
	if clean {
		s.written, s.durable = s.end, s.end
		s.pending[atWritten].run(s, s.end)
		s.pending[atDurable].run(s, s.end)
	}
}

// Forget gives back the memory of a shard that takes no more steps, without
// another word to its log or its clients: a driver calls it when the process that
// it plays has died. Readers must be done.
func (s *Shard) Forget() { s.tail.drop() }
