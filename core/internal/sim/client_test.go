package sim

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// client is one client application; it connects anew in each life of the server.
type client struct {
	w         *world
	num       int
	conn      *shard.Client
	producers []string // groups that it is a producer of
	told      int      // times that it was told to rebalance
	// updating counts heartbeats and leaves without an answer.
	updating int
}

func (c *client) connect() *shard.Client {
	if c.conn == nil {
		c.conn = c.w.proc.shard.Connect(shard.ClientInfo{
			Protocol: "sim",
			Push: func(cmd shard.Command) {
				if cmd.Kind == shard.CheckTransaction {
					c.asked(cmd)
					return
				}
				c.told++
				sometimes("member.told")
			},
		})
	}
	return c.conn
}

// submit hands in what was called.
func (c *client) submit() {
	c.conn.Submit()
	c.w.proc.wake()
}

// die closes the connection, with all that waits on it.
func (c *client) die() {
	if c.conn == nil {
		return
	}
	if slices.ContainsFunc(c.w.calls, func(call *call) bool { return call.client == c && call.waits }) {
		sometimes("pull.client_died")
	}
	for _, call := range c.w.calls {
		if call.client == c {
			call.ended = true
		}
	}
	c.w.oracle.members.closed(c)
	c.w.oracle.pops.closed(c.conn)
	c.conn.Close()
	c.w.proc.wake()
	c.conn, c.updating, c.producers = nil, 0, nil
}

// anyClient draws a client that is connected.
func (w *world) anyClient() *client {
	c := w.clients[w.rng.IntN(len(w.clients))]
	c.connect()
	return c
}

// call is a call of a client that has no answer yet.
type call struct {
	what    string
	client  *client
	at      int64
	by      int64 // when it is overdue, if nothing fails
	mustBy  int64 // a waiting pull: something came that it waits for; 0: nothing did
	waits   bool  // a pull that may wait
	ended   bool  // its wait was ended from outside
	pull    *pullCall
	receive *receiveCall
	settles []*share // whose messages it settles
	share   *share   // that it moves

	unknown func() // the server died
}

func (c *call) String() string {
	if r := c.receive; r != nil {
		return fmt.Sprintf("receive of client %d at %d ms (%s of %s/%d, at most %d of %q)", c.client.num, c.at, r.share.group.name, r.share.topic.name, r.num, r.max, r.tags)
	}
	return fmt.Sprintf("%s of client %d at %d ms", c.what, c.client.num, c.at)
}

// begin notes a call. The returned function is to be called with the answer: it
// reports whether the answer counts; it does not once the process is dead.
func (w *world) begin(c *call) (answered func() bool) {
	p := w.proc
	c.at = w.now
	c.by = max(c.by, w.now) + w.patience()
	if c.unknown == nil {
		c.unknown = func() {}
	}
	w.calls = append(w.calls, c)
	done := false
	return func() bool {
		w.check(!done, "once", "%v is answered twice", c)
		done = true
		if w.proc != p || w.disk.dead {
			return false
		}
		i := slices.Index(w.calls, c)
		w.check(i >= 0, "once", "%v is answered, and nobody waits", c)
		w.answering = c
		w.calls = slices.Delete(w.calls, i, i+1)
		w.check(!w.punctual(c) || w.now <= c.by, "V1", "%v is answered at %d ms, %d ms late", c, w.now, w.now-c.by)
		return true
	}
}

// punctual tells whether a call must be answered in its time: where nothing fails,
// or nothing does any more since before the call.
func (w *world) punctual(c *call) bool {
	return !w.faults || w.quiet && c.at > w.quietFrom && w.proc.failedAt == 0
}

// overdue judges, after each step of the loop, the calls without an answer.
func (o *oracle) overdue() {
	w := o.w
	for _, c := range w.calls {
		w.check(c.mustBy == 0 || w.now <= c.mustBy, "V1", "%v still waits, though a message for it was visible at %d ms", c, c.mustBy)
		w.check(!w.punctual(c) || w.now <= c.by, "V1", "%v has no answer %d ms after its time", c, w.now-c.by)
	}
	o.popOverdue()
}

// refusal takes an error apart. Every error that the engine makes is a *model.Error.
func (w *world) refusal(err error) (code model.Code, definite bool) {
	var e *model.Error
	w.check(errors.As(err, &e), "error", "an error that is no core error: %v", err)
	return e.Code, e.Definite
}

// stallLimit is how long, in ms, a call waits for a disk that does not follow.
const stallLimit = 2000

// excused tells whether an error is one that any call may get: the log has
// failed, or the server stops. Both happen only when the world made them.
func (w *world) excused(code model.Code) bool {
	switch code {
	case model.Unavailable:
		w.check(w.disk.hurt, "V1", "unavailable, and no call of the file system failed: %v", w.proc.shard.Err())
		return true
	case model.ShuttingDown:
		return w.proc.stopping
	case model.DiskFull:
		w.check(w.isFull(), "L10", "disk full, and it has room since %d ms", w.roomSince)
		sometimes("disk.full")
		return true
	case model.Busy:
		waited := w.now - w.answering.at
		w.check(waited >= stallLimit, "V1", "busy after %d ms", waited)
		sometimes("window.busy")
		return true
	}
	return false
}
