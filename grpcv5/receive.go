package grpcv5

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// ReceiveMessage
//
// The answer is a stream: a status, the messages, the time of the delivery; where
// there is nothing, the status MESSAGE_NOT_FOUND alone. A receive is held until
// there is a message, for its whole poll time, but it ends a moment before the
// client's deadline: what comes later is lost to the client until its lease ends.
// Errors are held for a second, because Rust asks again after a millisecond.
//
// auto_renew (push consumers): the lease goes on for as long as the client lives.
// Otherwise it lasts as long as the client says. Whatever queue is asked for, all
// are looked in: simple consumers name one of the route, and would wait at an
// empty one while others have messages.
//
// Messages that the client did not take, because it is gone, are given back.

const (
	// renewedLease is how long a lease lasts that renews itself: so long after a
	// crash its messages come again.
	renewedLease = 60 * time.Second
	minInvisible = 10 * time.Second

	// minPoll is the shortest poll: no client may ask in a loop.
	minPoll = time.Second
	maxPoll = 10 * time.Minute
	// deadlineMargin is how long before the client's deadline a poll ends.
	deadlineMargin = 300 * time.Millisecond
)

// receiveCall is a Receive that waits for core. It is recycled.
type receiveCall struct {
	records  *core.Records
	err      error
	callback func(*core.Records, error) // done, bound once
	returned chan struct{}
	encoder  encoder
}

// receivePool keeps calls for the next use.
type receivePool struct{ sync.Pool }

func (p *receivePool) get() *receiveCall {
	if r, ok := p.Get().(*receiveCall); ok {
		return r
	}
	r := &receiveCall{returned: make(chan struct{}, 1)}
	r.callback = r.done
	return r
}

// done takes the answer. It runs on the shard's loop.
func (r *receiveCall) done(records *core.Records, err error) {
	r.records, r.err = records, err
	r.returned <- struct{}{}
}

func (s *Server) receive(gs grpc.ServerStream, count counted) error {
	began := time.Now()
	req := new(apis.ReceiveMessageRequest)
	if err := gs.RecvMsg(req); err != nil {
		return err
	}
	topic := req.GetMessageQueue().GetTopic() // all that is kept of the request while it waits
	c := s.newCall(gs.Context())
	rc := s.receives.get()
	defer s.receives.Put(rc)
	if err := c.receive(rc, req, began); err != nil {
		st := status(err)
		count.done(st.Code)
		c.hold(began.Add(minPoll))
		return gs.SendMsg(&apis.ReceiveMessageResponse{Content: &apis.ReceiveMessageResponse_Status{Status: st}})
	}
	defer rc.records.Release()
	if len(rc.records.Delivered()) == 0 {
		count.done(apis.Code_MESSAGE_NOT_FOUND)
		return gs.SendMsg(&apis.ReceiveMessageResponse{Content: &apis.ReceiveMessageResponse_Status{
			Status: &apis.Status{Code: apis.Code_MESSAGE_NOT_FOUND, Message: "no new message"},
		}})
	}
	count.done(apis.Code_OK)
	return c.deliver(gs, rc, topic)
}

// receive has core look for messages, and waits for them.
func (c *call) receive(rc *receiveCall, req *apis.ReceiveMessageRequest, began time.Time) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	r, err := c.receiveRequest(s, req, began)
	if err != nil {
		return err
	}
	s, client, err := c.begin()
	if err != nil {
		return err
	}
	s.receiving()
	defer s.received()
	cancel := client.Receive(r, rc.callback)
	s.submit()
	return c.await(rc, cancel)
}

// await waits for core, or ends its wait if client or server go before.
func (c *call) await(rc *receiveCall, cancel func()) error {
	c.server.metrics.parked.Inc()
	defer c.server.metrics.parked.Dec()
	select {
	case <-rc.returned:
	case <-c.ctx.Done():
		cancel()
		<-rc.returned
	case <-c.server.stopping.Done():
		cancel()
		<-rc.returned
	}
	return rc.err
}

// receiveRequest makes a request core's.
func (c *call) receiveRequest(s *session, req *apis.ReceiveMessageRequest, began time.Time) (r core.Receive, err error) {
	topic, err := c.topic(req.GetMessageQueue().GetTopic())
	if err != nil {
		return r, err
	}
	if r.Group, err = c.group(req.GetGroup()); err != nil {
		return r, err
	}
	if r.Filter, err = s.filter(expression(req.GetFilterExpression())); err != nil {
		return r, err
	}
	if r.Invisible, err = invisible(req); err != nil {
		return r, err
	}
	if req.GetBatchSize() <= 0 {
		return r, refuse(apis.Code_BAD_REQUEST, "a batch size of %d", req.GetBatchSize())
	}
	r.Queue = core.Queue{Shard: c.server.shard.ID, Topic: topic.ID, Num: anyQueue}
	r.Max = int(min(req.GetBatchSize(), receiveBatch))
	r.Renew = req.GetAutoRenew()
	r.AttemptID = req.GetAttemptId()
	r.Wait = c.pollTime(req, s.said.Load(), began)
	ctx := c.ctx
	r.Alive = func() bool { return ctx.Err() == nil }
	return r, nil
}

// invisible returns how long messages are leased. The texts are upstream's, which
// its users look for.
func invisible(req *apis.ReceiveMessageRequest) (time.Duration, error) {
	if req.GetAutoRenew() {
		return renewedLease, nil
	}
	d := req.GetInvisibleDuration().AsDuration()
	switch {
	case d < minInvisible:
		return 0, refuse(apis.Code_ILLEGAL_INVISIBLE_TIME, "the invisibleTime is too small: it is %v, and at least %v", d, minInvisible)
	case d > maxInvisible:
		return 0, refuse(apis.Code_ILLEGAL_INVISIBLE_TIME, "the invisibleTime is too large: it is %v, and at most %v", d, maxInvisible)
	}
	return d, nil
}

// pollTime returns how long a receive waits: as long as the client says; if it
// does not (Go's simple consumers), half a request's time less than its deadline.
func (c *call) pollTime(req *apis.ReceiveMessageRequest, said *declared, began time.Time) time.Duration {
	deadline, limited := c.ctx.Deadline()
	var poll time.Duration
	switch {
	case req.LongPollingTimeout != nil:
		poll = req.GetLongPollingTimeout().AsDuration()
	case limited:
		poll = deadline.Sub(began) - said.deadline()/2
	default:
		poll = longPolling
	}
	poll = min(max(poll, minPoll), maxPoll)
	if limited {
		poll = min(poll, deadline.Sub(began)-deadlineMargin)
	}
	return max(poll, 0)
}

// hold waits until a moment, if the client and the server live so long.
func (c *call) hold(until time.Time) {
	if deadline, ok := c.ctx.Deadline(); ok && deadline.Add(-deadlineMargin).Before(until) {
		until = deadline.Add(-deadlineMargin)
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	case <-c.server.stopping.Done():
	}
}

// deliver writes an answer that has messages. If the client turns out to be gone,
// all are given back: what it has taken of them, nobody knows.
func (c *call) deliver(gs grpc.ServerStream, rc *receiveCall, topic *apis.Resource) error {
	err := gs.SendMsg(&apis.ReceiveMessageResponse{Content: &apis.ReceiveMessageResponse_Status{Status: status(nil)}})
	delivered := rc.records.Delivered()
	rc.encoder.begin(c.server.digest, topic)
	for i := 0; i < len(delivered) && err == nil; i++ {
		err = gs.SendMsg(encoded{rc.encoder.message(rc.records.Wire(&delivered[i]), &delivered[i])})
	}
	if err == nil {
		err = gs.SendMsg(encoded{timeOfDelivery(time.Now())})
	}
	if err == nil {
		err = context.Cause(c.ctx)
	}
	if err != nil {
		c.giveBack(delivered)
		return fmt.Errorf("deliver: %w", err)
	}
	return nil
}

// giveBack makes messages visible that nobody has got.
func (c *call) giveBack(delivered []core.Delivery) {
	settlements := make([]core.Settlement, len(delivered))
	for i := range delivered {
		settlements[i] = core.Settlement{Receipt: delivered[i].Receipt, Do: core.Change}
	}
	c.server.metrics.released.Add(float64(len(delivered)))
	s, client, err := c.begin()
	if err != nil {
		return
	}
	client.Settle(settlements, func([]core.Settled) {})
	s.submit()
}

// timeOfDelivery is the end of a stream that had messages.
func timeOfDelivery(now time.Time) mem.Buffer {
	b := make([]byte, 0, 24)
	return mem.SliceBuffer(appendMillis(b, fieldDeliveryTimestamp, now.UnixMilli()))
}
