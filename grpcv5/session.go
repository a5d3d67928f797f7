package grpcv5

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/filter"
)

// How long a client is taken to be there.
const (
	// heardFor is how long one call proves that a client lives, on a connection
	// that is open: Rust sends a heartbeat each 30 s, the others each 10 s. Go and
	// C# may have lost their Telemetry stream, so that calls are all there is.
	heardFor = 65 * time.Second
	// graceFor is how long a client may be without any sign of life before it is
	// gone: C++ opens its Telemetry stream anew every hour.
	graceFor = 10 * time.Second
)

// maxFilters bounds what a session remembers of expressions.
const maxFilters = 256

// session is a client, by its id.
type session struct {
	server *Server
	id     string
	client *core.Client
	heard  atomic.Int64             // when its last call came, ms since 1970
	said   atomic.Pointer[declared] // its last Settings; nil before

	// calls is held from a call into core to its Submit: the client's calls are
	// made by one goroutine at a time.
	calls sync.Mutex
	ended bool // guarded by calls

	mu        sync.Mutex // guards what follows
	streams   map[*stream]struct{}
	receives  int       // that are open
	conns     int       // open connections that it was seen on
	quiet     time.Time // when the last stream or receive ended
	cut       time.Time // when the last connection ended
	timer     *time.Timer
	forgotten bool
	checks    []core.Command // questions about transactions, not sent yet
	checking  bool           // a goroutine sends them
	filters   map[filterText]*filter.Filter
	asked     map[string][]string // topics by group, of assignments that were asked for without Settings
}

// filterText is an expression as a client writes it.
type filterText struct{ kind, expression string }

// sessions are the clients that are known, by id.
type sessions struct {
	mu   sync.Mutex // guards what follows
	byID map[string]*session
}

// session returns the session of a client, a new one if it is not known; nil if
// there are too many. c is the connection that it was seen on.
func (s *Server) session(id string, c *conn) *session {
	if known := c.latest.Load(); known != nil && known.id == id {
		known.heard.Store(time.Now().UnixMilli())
		return known
	}
	found := s.find(id, c)
	if found == nil {
		return nil
	}
	open, first := c.uses(found)
	if open && first {
		found.connected()
	}
	c.latest.Store(found)
	return found
}

func (s *Server) find(id string, c *conn) *session {
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	found := s.sessions.byID[id]
	if found == nil {
		if len(s.sessions.byID) >= maxSessions {
			return nil
		}
		found = s.newSession(id, c)
		s.sessions.byID[id] = found
		s.metrics.sessions.Inc()
	}
	found.heard.Store(time.Now().UnixMilli())
	return found
}

func (s *Server) newSession(id string, c *conn) *session {
	_, host := s.advertise.Endpoint(c.local, c.remote, s.port)
	now := time.Now()
	n := &session{
		server: s, id: id, streams: map[*stream]struct{}{}, quiet: now, cut: now,
	}
	n.client = s.engine.Connect(core.ClientInfo{Protocol: Name, Remote: c.remote, StoreHost: host, Push: n.push})
	n.timer = time.AfterFunc(heardFor+graceFor, n.check)
	return n
}

// begin starts a call, which submit ends. It is not ok where the session has
// ended: then the client has a new one, or none.
func (s *session) begin() (c *core.Client, ok bool) {
	s.calls.Lock()
	if s.ended {
		s.calls.Unlock()
		return nil, false
	}
	return s.client, true
}

func (s *session) submit() {
	s.client.Submit()
	s.calls.Unlock()
}

// connected counts a connection that the session was seen on.
func (s *session) connected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns++
}

// disconnected tells that a connection has ended that the session was seen on.
func (s *session) disconnected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns--
	s.cut = time.Now()
	s.rearm()
}

// receiving counts an open receive in, and received out.
func (s *session) receiving() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receives++
}

func (s *session) received() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receives--
	s.quieten()
}

// attach adds a Telemetry stream, detach removes it.
func (s *session) attach(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[st] = struct{}{}
}

func (s *session) detach(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, st)
	s.quieten()
}

// attached returns the streams that are open.
func (s *session) attached() []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*stream, 0, len(s.streams))
	for st := range s.streams {
		all = append(all, st)
	}
	return all
}

// quieten notes when nothing is open any more. Called with mu.
func (s *session) quieten() {
	if !s.open() {
		s.quiet = time.Now()
		s.rearm()
	}
}

func (s *session) open() bool { return len(s.streams) > 0 || s.receives > 0 }

// gone returns when the client is gone unless it is heard of again. Called with
// mu, while nothing is open.
func (s *session) gone() time.Time {
	alive := time.UnixMilli(s.heard.Load()).Add(heardFor)
	if s.conns == 0 && s.cut.Before(alive) {
		alive = s.cut
	}
	if alive.Before(s.quiet) {
		alive = s.quiet
	}
	return alive.Add(graceFor)
}

// rearm sets the timer to the moment when the client may be gone. Called with mu.
func (s *session) rearm() {
	if !s.open() && !s.forgotten {
		s.timer.Reset(time.Until(s.gone()))
	}
}

// check ends the session if the client is gone. The timer calls it.
func (s *session) check() {
	s.mu.Lock()
	alive := s.open() || time.Until(s.gone()) > 0
	if alive {
		s.rearm()
	}
	s.mu.Unlock()
	if !alive {
		s.end()
	}
}

// end forgets the session: what it waits for and the leases that renew themselves
// end with it.
func (s *session) end() {
	s.mu.Lock()
	again := s.forgotten
	s.forgotten = true
	s.timer.Stop()
	s.mu.Unlock()
	if again {
		return
	}
	s.server.sessions.mu.Lock()
	if s.server.sessions.byID[s.id] == s {
		delete(s.server.sessions.byID, s.id)
	}
	s.server.sessions.mu.Unlock()
	s.server.metrics.sessions.Dec()
	s.calls.Lock()
	s.ended = true
	s.calls.Unlock()
	s.client.Close()
}

// maxAsked bounds the topics of a group that a session remembers.
const maxAsked = 64

// assumed notes that the client asked for an assignment. It reports whether it
// did not before.
func (s *session) assumed(group, topic string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.asked[group], topic) || len(s.asked[group]) >= maxAsked {
		return false
	}
	if s.asked == nil || len(s.asked) >= maxAsked {
		s.asked = map[string][]string{}
	}
	s.asked[group] = append(s.asked[group], topic)
	return true
}

// subscriptions are the topics that assignments were asked for.
func (s *session) subscriptions(group string) (all []core.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, topic := range s.asked[group] {
		all = append(all, core.Subscription{Topic: topic, Kind: "TAG", Expression: "*"})
	}
	return all
}

// filter returns the compiled expression of a request; nil takes everything.
func (s *session) filter(text filterText) (*filter.Filter, error) {
	if text == (filterText{"TAG", "*"}) || text == (filterText{"TAG", ""}) {
		return nil, nil
	}
	s.mu.Lock()
	f, ok := s.filters[text]
	s.mu.Unlock()
	if ok {
		return f, nil
	}
	f, err := filter.Parse(text.kind, text.expression)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.filters == nil || len(s.filters) >= maxFilters {
		s.filters = map[filterText]*filter.Filter{}
	}
	s.filters[text] = f
	return f, nil
}
