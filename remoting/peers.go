package remoting

import (
	"slices"
	"sync"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// peers are the connections of clients that sent a heartbeat, by client id: for what
// the server asks of a client on another's behalf.
type peers struct {
	mu   sync.Mutex // guards byID
	byID map[string]peer
}

// peer is a connection, and what its last heartbeat said.
type peer struct {
	conn  *conn
	state core.ClientState
	old   bool // reads what every client reads, and nothing newer
}

func (p *peers) put(c *conn, state core.ClientState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID == nil {
		p.byID = map[string]peer{}
	}
	p.byID[state.ClientID] = peer{c, state, readsOldFormat(c.cmd.Language)}
}

// leave notes that a client has left a producer group and a consumer group.
func (p *peers) leave(id, producer, consumer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.byID[id]
	if !ok {
		return
	}
	s := &found.state // its slices are shared with what core was told
	s.Producers = slices.DeleteFunc(slices.Clone(s.Producers), func(g string) bool { return g == producer })
	s.Consumers = slices.DeleteFunc(slices.Clone(s.Consumers), func(c core.Consumer) bool { return c.Group == consumer })
	p.byID[id] = found
}

// remove forgets a connection, unless the client has a newer one.
func (p *peers) remove(c *conn, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID[id].conn == c {
		delete(p.byID, id)
	}
}

func (p *peers) find(id string) (peer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.byID[id]
	return found, ok
}

// consumes reports whether the client is a consumer of a group.
func (p *peer) consumes(group string) bool {
	for i := range p.state.Consumers {
		if p.state.Consumers[i].Group == group {
			return true
		}
	}
	return false
}

// askTimeout is what a client has to answer a request of the server.
const askTimeout = 10 * time.Second

// questions are the requests to a client that it has not answered. A question is
// answered once: by the client, by its end (nil), or after askTimeout (nil).
type questions struct {
	mu     sync.Mutex // guards what follows
	last   int32      // opaque; those of requests that want no answer may be the same
	open   map[int32]*question
	closed bool
}

type question struct {
	answered func(*wire.Command)
	timer    *time.Timer
}

// take takes a question that is still open out of the list.
func (q *questions) take(opaque int32) *question {
	q.mu.Lock()
	defer q.mu.Unlock()
	found := q.open[opaque]
	delete(q.open, opaque)
	return found
}

// ask sends a request to the client. answered gets its answer, whose parts alias the
// frame, or nil. It runs on any goroutine, once.
func (c *conn) ask(code wire.RequestCode, fill func(*wire.Writer), body []byte, answered func(*wire.Command)) {
	opaque, ok := c.questions.add(c, answered)
	if !ok {
		answered(nil)
		return
	}
	open := c.request(func() wire.Head { return wire.Head{Code: int32(code), Opaque: opaque} }, func(w *wire.Writer) {
		fill(w)
		w.Body(body)
	})
	if !open {
		c.answer(opaque, nil)
		return
	}
	c.out.flush()
}

// add opens a question, unless the connection has ended.
func (q *questions) add(c *conn, answered func(*wire.Command)) (opaque int32, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0, false
	}
	if q.open == nil {
		q.open = map[int32]*question{}
	}
	q.last++
	opaque = q.last
	q.open[opaque] = &question{answered, time.AfterFunc(askTimeout, func() { c.answer(opaque, nil) })}
	return opaque, true
}

// answer ends a question, if it is open.
func (c *conn) answer(opaque int32, answer *wire.Command) {
	if q := c.questions.take(opaque); q != nil {
		q.timer.Stop()
		q.answered(answer)
	}
}

// close ends all questions: there will be no answers.
func (q *questions) close() {
	q.mu.Lock()
	open := q.open
	q.open, q.closed = nil, true
	q.mu.Unlock()
	for _, question := range open {
		question.timer.Stop()
		question.answered(nil)
	}
}
