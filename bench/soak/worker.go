package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/remoting/client"
	"github.com/gantrymq/gantry/remoting/wire"
)

// worker owns a tenth of the topics, and a connection.
type worker struct {
	soak   *soak
	topics []*topic
	conn   *client.Conn
}

func newWorker(s *soak, number int) *worker {
	w := &worker{soak: s}
	for i := range s.topics / workers {
		w.topics = append(w.topics, newTopic(w, number*s.topics/workers+i))
	}
	return w
}

const (
	// tick is how often a worker comes round to a topic.
	tick = 250 * time.Millisecond
	// callLimit is how long a call may take; a server that is being restarted
	// closes the connection, and that is no timeout.
	callLimit = 20 * time.Second
)

// run goes round the topics. A call that fails is the server's restart: the worker
// connects again, and asks each topic whether it is as it was.
func (w *worker) run(ctx context.Context) {
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for ctx.Err() == nil {
		if err := w.connect(ctx); err != nil {
			continue
		}
		for err := error(nil); err == nil && ctx.Err() == nil; {
			err = w.round(ctx)
			select {
			case <-clock.C:
			case <-ctx.Done():
			}
		}
		w.conn.Close()
	}
}

func (w *worker) connect(ctx context.Context) error {
	conn, err := client.Dial(ctx, w.soak.server.namesrv)
	if err != nil {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
		return err
	}
	w.conn = conn
	for _, t := range w.topics {
		t.unsure = true
	}
	return nil
}

// drain reads what is left of all topics, once the run is over.
func (w *worker) drain() error {
	if err := w.connect(context.Background()); err != nil {
		return err
	}
	defer w.conn.Close()
	for _, t := range w.topics {
		if err := t.drain(); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) round(ctx context.Context) error {
	for _, t := range w.topics {
		if err := t.turn(ctx); err != nil {
			return err
		}
	}
	return nil
}

// errRefused is an answer that refuses: of a server that is going down, mostly.
var errRefused = errors.New("refused")

// call makes one request. An answer of another code than those wanted is an error
// that wraps errRefused; none at all is one of the connection. When the run ends,
// calls do not: what a topic may hold would not be known.
func (w *worker) call(cmd *wire.Command, want ...wire.ResponseCode) (*wire.Command, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callLimit)
	defer cancel()
	answer, err := w.conn.Call(ctx, cmd)
	if errors.Is(err, context.DeadlineExceeded) {
		w.soak.violate("request %d was not answered within %v", cmd.Code, callLimit)
	}
	if err != nil {
		return nil, err
	}
	for _, code := range append(want, wire.Success) {
		if answer.Code == int32(code) {
			return answer, nil
		}
	}
	err = fmt.Errorf("request %d: %w: %d %s", cmd.Code, errRefused, answer.Code, answer.Remark)
	switch wire.ResponseCode(answer.Code) {
	case wire.ServiceNotAvailable, wire.GoAway: // it is stopping
	default:
		w.soak.violate("%v", err)
	}
	return nil, err
}
