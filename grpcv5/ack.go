package grpcv5

import (
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// Settling
//
// AckMessage: messages are done with; each entry has its own result. To ack again
// is no error while the handle has not expired.
//
// ChangeInvisibleDuration: a delivery goes on, or ends, and its message comes again
// after the duration; the answer has the new handle, on every path. A push
// consumer's SDK sends it for a failed message, with a backoff of its own: some
// send 0, so that the group's backoff is the least that is taken. A simple
// consumer gets what it asks for.
//
// ForwardMessageToDeadLetterQueue: Java asks again for ever if it is told
// anything but success, so that every handle that can be read is answered with it.
//
// A handle that cannot be read, is of another topic or group, or of a delivery
// that is over is INVALID_RECEIPT_HANDLE: clients try anything else again.

// maxInvisible is how long a message may be kept invisible.
const maxInvisible = 12 * time.Hour

func (c *call) ack(req *apis.AckMessageRequest) *apis.AckMessageResponse {
	if len(req.GetEntries()) == 0 {
		return &apis.AckMessageResponse{Status: status(refuse(apis.Code_BAD_REQUEST, "the request has no entries"))}
	}
	errs, err := c.ackAll(req)
	if err != nil {
		return &apis.AckMessageResponse{Status: status(err)}
	}
	a := &apis.AckMessageResponse{Entries: make([]*apis.AckMessageResultEntry, len(errs))}
	for i, e := range req.GetEntries() {
		a.Entries[i] = &apis.AckMessageResultEntry{
			MessageId: e.GetMessageId(), ReceiptHandle: e.GetReceiptHandle(), Status: status(errs[i]),
		}
	}
	a.Status = a.Entries[0].Status
	for _, e := range a.Entries {
		if e.Status.Code != a.Status.Code {
			a.Status = multipleResults()
			break
		}
	}
	return a
}

// ackAll returns the result of each entry.
func (c *call) ackAll(req *apis.AckMessageRequest) ([]error, error) {
	errs := make([]error, len(req.GetEntries()))
	settlements := make([]core.Settlement, 0, len(errs))
	for i, e := range req.GetEntries() {
		var receipt core.Receipt
		if receipt, errs[i] = c.receipt(e.GetReceiptHandle(), req.GetTopic(), req.GetGroup()); errs[i] == nil {
			settlements = append(settlements, core.Settlement{Receipt: receipt, Do: core.Ack})
		}
	}
	settled, err := c.settle(settlements)
	if err != nil {
		return nil, err
	}
	next := 0
	for i := range errs {
		if errs[i] == nil {
			errs[i] = settled[next].Err
			next++
		}
		c.countStale(errs[i])
	}
	return errs, nil
}

func (c *call) countStale(err error) {
	if code, _ := statusOf(err); code == apis.Code_INVALID_RECEIPT_HANDLE {
		c.server.metrics.staleAcks.Inc()
	}
}

// settle has core settle deliveries, and waits for it.
func (c *call) settle(settlements []core.Settlement) ([]core.Settled, error) {
	if len(settlements) == 0 {
		return nil, nil
	}
	s, client, err := c.begin()
	if err != nil {
		return nil, err
	}
	done := make(chan []core.Settled, 1)
	client.Settle(settlements, func(settled []core.Settled) { done <- append([]core.Settled(nil), settled...) })
	s.submit()
	return <-done, nil
}

func (c *call) change(req *apis.ChangeInvisibleDurationRequest) *apis.ChangeInvisibleDurationResponse {
	handle := req.GetReceiptHandle()
	receipt, err := c.changeDelivery(req)
	if err == nil {
		handle = handleText(&receipt)
	}
	c.countStale(err)
	return &apis.ChangeInvisibleDurationResponse{Status: status(err), ReceiptHandle: handle}
}

func (c *call) changeDelivery(req *apis.ChangeInvisibleDurationRequest) (core.Receipt, error) {
	after := req.GetInvisibleDuration().AsDuration()
	if after < 0 || after > maxInvisible {
		return core.Receipt{}, refuse(apis.Code_ILLEGAL_INVISIBLE_TIME, "the invisibleTime is too %s: it is 0 to %v", smallOrLarge(after), maxInvisible)
	}
	receipt, err := c.receipt(req.GetReceiptHandle(), req.GetTopic(), req.GetGroup())
	if err != nil {
		return receipt, err
	}
	s, err := c.session()
	if err != nil {
		return receipt, err
	}
	if s.said.Load().push() {
		group := c.server.groupConfig(c.name(req.GetGroup()))
		after = max(after, group.Backoff.After(receipt.Attempt))
	}
	settled, err := c.settle([]core.Settlement{{Receipt: receipt, Do: core.Change, After: after}})
	if err != nil {
		return receipt, err
	}
	return settled[0].Receipt, settled[0].Err
}

func smallOrLarge(d time.Duration) string {
	if d > maxInvisible {
		return "large"
	}
	return "small"
}

func (c *call) deadLetter(req *apis.ForwardMessageToDeadLetterQueueRequest) *apis.ForwardMessageToDeadLetterQueueResponse {
	return &apis.ForwardMessageToDeadLetterQueueResponse{Status: status(c.forward(req))}
}

func (c *call) forward(req *apis.ForwardMessageToDeadLetterQueueRequest) error {
	if _, ok := parseHandle(req.GetReceiptHandle()); !ok {
		return errHandle
	}
	receipt, err := c.receipt(req.GetReceiptHandle(), req.GetTopic(), req.GetGroup())
	if err == nil {
		var settled []core.Settled
		if settled, err = c.settle([]core.Settlement{{Receipt: receipt, Do: core.Dead}}); err == nil {
			err = settled[0].Err
		}
	}
	if code, _ := statusOf(err); code == apis.Code_INVALID_RECEIPT_HANDLE {
		c.server.metrics.staleDead.Inc()
		return nil
	}
	return err
}
