package shard

import (
	"context"

	"github.com/gantrymq/gantry/core/internal/model"
)

// Client is a connected client: see core.Client.
type Client struct {
	shard *Shard
	info  ClientInfo
	run   *run // being filled by the caller

	properties []byte // scratch of the caller

	// The loop's own.
	waits   []waiter
	member  *member     // what its last Update said; nil before
	owner   uint16      // by which its leases renew themselves; 0: it has none
	holds   []*popQueue // where it may have such leases
	locks   map[model.CursorID]struct{}
	touched bool // has callbacks in this step: Flush is due
	closed  bool
}

// request is one call. decide runs on the loop: it reads the state, emits
// records, and answers, at once or when they are durable.
type request interface {
	decide(s *Shard)
	class() class
	// refuse calls back with an error instead of deciding.
	refuse(err error)
}

// class says when a request is decided.
type class uint8

const (
	// control is always decided, also once the shard has failed.
	control class = iota
	// reads is decided while the shard works.
	reads
	// appends may append to the log: it waits while too much is unsynced.
	appends
)

// run is what a client submits: its calls, and the bytes they encoded.
type run struct {
	client *Client
	reqs   []request
	buf    []byte         // encoded messages
	sends  []*sendRequest // of this run and earlier uses of it; the first used ones are in reqs
	used   int
	open   int // sends not yet answered, and one for the run itself while it is decided
}

// maxKept bounds the buffer of a run that is kept for the next use.
const maxKept = 256 << 10

func (s *Shard) newRun(c *Client) *run {
	r := s.runs.Get().(*run)
	r.client = c
	return r
}

// answered tells that a send of the run, or the run itself, is done with.
func (r *run) answered(s *Shard) {
	if r.open--; r.open > 0 {
		return
	}
	s.inbox.free(len(r.buf))
	if cap(r.buf) > maxKept {
		return
	}
	clear(r.reqs)
	r.client, r.reqs, r.buf, r.used = nil, r.reqs[:0], r.buf[:0], 0
	s.runs.Put(r)
}

// add queues a call until Submit.
func (c *Client) add(r request) {
	if c.run == nil {
		c.run = c.shard.newRun(c)
	}
	c.run.reqs = append(c.run.reqs, r)
}

// Submit hands the queued calls to the loop as one run.
func (c *Client) Submit() {
	r := c.run
	if r == nil {
		return
	}
	c.run = nil
	if !c.shard.inbox.put(r) {
		r.refuseAll(errShuttingDown)
	}
}

var errShuttingDown = model.Errorf(model.ShuttingDown, "the server is shutting down")

// refuseAll answers calls that come after the loop has ended.
func (r *run) refuseAll(err error) {
	for _, req := range r.reqs {
		req.refuse(err)
	}
	if r.client != nil && r.client.info.Flush != nil {
		r.client.info.Flush()
	}
}

// Close ends the client.
func (c *Client) Close() {
	c.shard.inbox.putNow(&run{reqs: []request{&closeRequest{c}}})
}

// closeRequest ends a client: its waits, its memberships.
type closeRequest struct{ c *Client }

func (r *closeRequest) class() class { return control }
func (r *closeRequest) refuse(error) {}

func (r *closeRequest) decide(s *Shard) {
	r.c.closed = true
	for len(r.c.waits) > 0 {
		r.c.waits[len(r.c.waits)-1].endWait(s)
	}
	s.locks.leave(s, r.c, 0) // before the others of its groups are told to share its queues
	s.leaveAll(r.c)
	s.dropOwner(r.c)
}

// touch notes that a client has callbacks in this step.
func (s *Shard) touch(c *Client) {
	if c != nil && !c.touched {
		c.touched = true
		s.touched = append(s.touched, c)
	}
}

// flush ends a step: every client that was called back may write now.
func (s *Shard) flush() {
	for i, c := range s.touched {
		c.touched = false
		s.touched[i] = nil
		if c.info.Flush != nil {
			c.info.Flush()
		}
	}
	s.touched = s.touched[:0]
}

// SendWait sends and waits for the answer, or for ctx. The results are the caller's.
func (c *Client) SendWait(ctx context.Context, b *Batch) ([]SendResult, error) {
	type answer struct {
		results []SendResult
		err     error
	}
	answers := make(chan answer, 1)
	c.Send(b, func(results []SendResult, err error) {
		answers <- answer{cloneResults(results), err}
	})
	c.Submit()
	select {
	case a := <-answers:
		return a.results, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
