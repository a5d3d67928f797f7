package protocols

import (
	"errors"
	"log/slog"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// script is a listener that answers Accept with what it is told to.
type script struct {
	net.Listener
	steps []error // nil: a connection
}

func (s *script) Accept() (net.Conn, error) {
	if len(s.steps) == 0 {
		return nil, &net.OpError{Op: "accept", Err: net.ErrClosed}
	}
	err := s.steps[0]
	s.steps = s.steps[1:]
	if err != nil {
		return nil, &net.OpError{Op: "accept", Err: err}
	}
	return nil, nil
}

func TestAcceptGoesOnAfterErrorsThatPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, accepted := time.Now(), 0
		ln := &script{steps: []error{nil, syscall.EMFILE, syscall.EMFILE, syscall.ECONNABORTED, nil}}
		if err := Accept(ln, slog.New(slog.DiscardHandler), func(net.Conn) { accepted++ }); err != nil {
			t.Error(err)
		}
		if accepted != 2 {
			t.Errorf("%d connections", accepted)
		}
		if took := time.Since(began); took != (5+10+20)*time.Millisecond {
			t.Errorf("waited %v", took)
		}
	})
}

func TestAcceptEndsWithAnErrorThatStays(t *testing.T) {
	want := errors.New("no socket any more")
	if err := Accept(&script{steps: []error{want}}, slog.New(slog.DiscardHandler), nil); !errors.Is(err, want) {
		t.Errorf("%v", err)
	}
}
