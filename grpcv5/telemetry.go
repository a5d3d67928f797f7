package grpcv5

import (
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/gantrymq/gantry/grpcv5/apis"
)

// Telemetry
//
// A client says who it is (Settings), and is told how to behave: settings.go.
// The stream lasts as long as the client. It is never ended from here: C# would
// not open it again, Python after 5 minutes, Go at its next look.
//
// Headers are sent at once: Rust waits for them before it says anything. The
// settings are sent again after 150 ms and 1 s: Node 1.0.8 loses the first
// answer of a fast server when it has three topics or more, and hangs. The others
// take them as news.
//
// Traces and results of verifications that clients send are not asked for, and
// are ignored.

// repushes are the times after an answer at which settings are sent again.
var repushes = [...]time.Duration{150 * time.Millisecond, time.Second}

// stream is an open Telemetry stream.
type stream struct {
	server  *Server
	grpc    grpc.ServerStream
	session atomic.Pointer[session] // nil: the client does not say who it is

	sending sync.Mutex // held while a command is sent
	// Guarded by sending.
	told  *apis.Settings           // the last that were sent; nil before
	early []*apis.TelemetryCommand // what is sent once the settings are: clients want them first
	ended bool

	timers []*time.Timer // the handler's own
}

func (s *Server) telemetry(gs grpc.ServerStream, count counted) error {
	if err := gs.SendHeader(metadata.MD{}); err != nil {
		return err
	}
	c := s.newCall(gs.Context())
	st := &stream{server: s, grpc: gs}
	session, err := c.session()
	if err == nil {
		st.attach(session)
	}
	s.metrics.streams.Inc()
	defer s.metrics.streams.Dec()
	defer st.end()
	for {
		cmd := new(apis.TelemetryCommand)
		if err := gs.RecvMsg(cmd); err != nil {
			return nil // the client's end, whatever the reason
		}
		code := st.command(&c, cmd)
		count.done(code)
	}
}

// command handles what a client says. What is wrong with it is told in a command
// that has a status only.
func (st *stream) command(c *call, cmd *apis.TelemetryCommand) apis.Code {
	said := cmd.GetSettings()
	if said == nil {
		return apis.Code_OK
	}
	session, err := c.session()
	if err == nil {
		err = c.declare(session, said)
	}
	if err != nil {
		refused := status(err)
		st.refuse(refused)
		return refused.Code
	}
	st.attach(session)
	st.push()
	st.stopTimers()
	for _, after := range repushes {
		st.timers = append(st.timers, time.AfterFunc(after, st.repush))
	}
	return apis.Code_OK
}

// attach makes the stream one of a session: another one than before, if that has
// ended since.
func (st *stream) attach(to *session) {
	if before := st.session.Swap(to); before != nil && before != to {
		before.detach(st)
	}
	to.attach(st)
}

// push sends the settings that apply now.
func (st *stream) push() {
	if said := st.session.Load().said.Load(); said != nil {
		st.tell(st.server.settings(said))
	}
}

// repush sends the settings once more. Timers call it.
func (st *stream) repush() {
	st.server.metrics.repushes.Inc()
	st.push()
}

// pushIfOther sends settings, if they are not the last that were sent.
func (st *stream) pushIfOther(now *apis.Settings) {
	st.sending.Lock()
	same := st.told == nil || proto.Equal(st.told, now)
	st.sending.Unlock()
	if !same {
		st.server.metrics.repushes.Inc()
		st.tell(now)
	}
}

func (st *stream) tell(settings *apis.Settings) {
	st.sending.Lock()
	defer st.sending.Unlock()
	st.told = settings
	st.send(&apis.TelemetryCommand{
		Status:  status(nil),
		Command: &apis.TelemetryCommand_Settings{Settings: settings},
	})
	for _, cmd := range st.early {
		st.send(cmd)
	}
	st.early = nil
}

// order sends a command.
func (st *stream) order(cmd *apis.TelemetryCommand) {
	st.sending.Lock()
	defer st.sending.Unlock()
	if st.told != nil {
		st.send(cmd)
	} else if len(st.early) < maxChecks {
		st.early = append(st.early, cmd)
	}
}

// refuse tells what is wrong.
func (st *stream) refuse(why *apis.Status) {
	st.sending.Lock()
	defer st.sending.Unlock()
	st.send(&apis.TelemetryCommand{Status: why})
}

// send sends a command, with sending held. That a client is gone, its stream's
// end tells.
func (st *stream) send(cmd *apis.TelemetryCommand) {
	if !st.ended {
		_ = st.grpc.SendMsg(cmd)
	}
}

// end ends what the stream has begun. Nothing is sent on it any more.
func (st *stream) end() {
	st.stopTimers()
	if s := st.session.Load(); s != nil {
		s.detach(st)
	}
	st.sending.Lock()
	defer st.sending.Unlock()
	st.ended = true
}

func (st *stream) stopTimers() {
	for _, t := range st.timers {
		t.Stop()
	}
	st.timers = st.timers[:0]
}
