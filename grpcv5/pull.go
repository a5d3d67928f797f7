package grpcv5

import (
	"time"

	"google.golang.org/grpc"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// Pulling: messages and offsets by queue. No SDK does it yet, and upstream's
// proxy has none of it.
//
// PullMessage answers with a stream: a status, the messages, and the offset to go
// on at, which comes with MESSAGE_NOT_FOUND and ILLEGAL_OFFSET (it is outside the
// queue) too. UpdateOffset, GetOffset: where a group stands, OFFSET_NOT_FOUND if
// nowhere. QueryOffset: the first offset, the next one, or that of a time.

// queueOf finds the queue that a request names.
func (c *call) queueOf(q *apis.MessageQueue) (core.Queue, error) {
	topic, err := c.topic(q.GetTopic())
	if err != nil {
		return core.Queue{}, err
	}
	if q.GetId() < 0 || q.GetId() >= topic.Queues() {
		return core.Queue{}, core.Errorf(core.InvalidQueue, "topic %s has no queue %d: it has %d", topic.Name, q.GetId(), topic.Queues())
	}
	return core.Queue{Shard: c.server.shard.ID, Topic: topic.ID, Num: q.GetId()}, nil
}

func (s *Server) pullMessage(gs grpc.ServerStream, count counted) error {
	began := time.Now()
	req := new(apis.PullMessageRequest)
	if err := gs.RecvMsg(req); err != nil {
		return err
	}
	c := s.newCall(gs.Context())
	rc := s.receives.get()
	defer s.receives.Put(rc)
	if err := c.pull(rc, req, began); err != nil {
		st := status(err)
		count.done(st.Code)
		c.hold(began.Add(minPoll))
		return gs.SendMsg(&apis.PullMessageResponse{Content: &apis.PullMessageResponse_Status{Status: st}})
	}
	defer rc.records.Release()
	st := pullStatus(rc.records.Status)
	count.done(st.Code)
	rc.encoder.begin(s.digest, req.GetMessageQueue().GetTopic())
	return writePulled(gs, rc, st)
}

// pullStatus says how a pull ended. That nothing matched so far is success: the
// client goes on at the next offset.
func pullStatus(s core.PullStatus) *apis.Status {
	switch s {
	case core.PullNotFound:
		return &apis.Status{Code: apis.Code_MESSAGE_NOT_FOUND, Message: "no new message"}
	case core.PullOffsetMoved:
		return &apis.Status{Code: apis.Code_ILLEGAL_OFFSET, Message: "the offset is not in the queue: go on at the next offset"}
	}
	return status(nil)
}

func writePulled(gs grpc.ServerStream, rc *receiveCall, st *apis.Status) error {
	if err := gs.SendMsg(&apis.PullMessageResponse{Content: &apis.PullMessageResponse_Status{Status: st}}); err != nil {
		return err
	}
	for b := rc.records.Bytes(); len(b) > 0; {
		w, ok := record.Check(b)
		if !ok {
			break
		}
		b = b[len(w):]
		if err := gs.SendMsg(encoded{rc.encoder.message(w, nil)}); err != nil {
			return err
		}
	}
	return gs.SendMsg(&apis.PullMessageResponse{Content: &apis.PullMessageResponse_NextOffset{NextOffset: int64(rc.records.Next)}})
}

// pull has core read, and waits for it.
func (c *call) pull(rc *receiveCall, req *apis.PullMessageRequest, began time.Time) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	p := core.Pull{Offset: core.Offset(req.GetOffset()), MaxMessages: int(req.GetBatchSize())}
	if p.Queue, err = c.queueOf(req.GetMessageQueue()); err != nil {
		return err
	}
	if p.Group, err = c.group(req.GetGroup()); err != nil {
		return err
	}
	if p.Filter, err = s.filter(expression(req.GetFilterExpression())); err != nil {
		return err
	}
	if p.MaxMessages <= 0 {
		return refuse(apis.Code_BAD_REQUEST, "a batch size of %d", req.GetBatchSize())
	}
	p.Wait = min(req.GetLongPollingTimeout().AsDuration(), maxPoll)
	if deadline, limited := c.ctx.Deadline(); limited {
		p.Wait = min(p.Wait, deadline.Sub(began)-deadlineMargin)
	}
	s, client, err := c.begin()
	if err != nil {
		return err
	}
	s.receiving()
	defer s.received()
	cancel := client.Pull(p, rc.callback)
	s.submit()
	return c.await(rc, cancel)
}

func (c *call) updateOffset(req *apis.UpdateOffsetRequest) *apis.UpdateOffsetResponse {
	return &apis.UpdateOffsetResponse{Status: status(c.commit(req))}
}

func (c *call) commit(req *apis.UpdateOffsetRequest) error {
	queue, err := c.queueOf(req.GetMessageQueue())
	if err != nil {
		return err
	}
	group, err := c.group(req.GetGroup())
	if err != nil {
		return err
	}
	if req.GetOffset() < 0 {
		return core.Errorf(core.InvalidOffset, "the offset %d is negative", req.GetOffset())
	}
	s, client, err := c.begin()
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	client.Commit([]core.CursorOffset{{Group: group, Queue: queue, Offset: core.Offset(req.GetOffset())}}, func(err error) { done <- err })
	s.submit()
	return <-done
}

func (c *call) getOffset(req *apis.GetOffsetRequest) *apis.GetOffsetResponse {
	group, err := c.group(req.GetGroup())
	var offset core.Offset
	if err == nil {
		offset, err = c.offset(req.GetMessageQueue(), core.OffsetQuery{Kind: core.OffsetCommitted, Group: group})
	}
	return &apis.GetOffsetResponse{Status: status(err), Offset: int64(offset)}
}

func (c *call) queryOffset(req *apis.QueryOffsetRequest) *apis.QueryOffsetResponse {
	q := core.OffsetQuery{Kind: core.OffsetMin}
	switch req.GetQueryOffsetPolicy() {
	case apis.QueryOffsetPolicy_END:
		q.Kind = core.OffsetMax
	case apis.QueryOffsetPolicy_TIMESTAMP:
		q.Kind, q.Time = core.OffsetByTime, req.GetTimestamp().AsTime().UnixMilli()
	}
	offset, err := c.offset(req.GetMessageQueue(), q)
	return &apis.QueryOffsetResponse{Status: status(err), Offset: int64(offset)}
}

// offset asks core for one offset of a queue.
func (c *call) offset(of *apis.MessageQueue, q core.OffsetQuery) (offset core.Offset, err error) {
	if q.Queue, err = c.queueOf(of); err != nil {
		return 0, err
	}
	s, client, err := c.begin()
	if err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	client.Offsets([]core.OffsetQuery{q}, func(found []core.OffsetInfo, err error) {
		if err == nil {
			offset, err = found[0].Offset, found[0].Err
		}
		done <- err
	})
	s.submit()
	return offset, <-done
}
