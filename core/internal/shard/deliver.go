package shard

import (
	"time"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// Receive asks for messages of a topic on behalf of a group, each of them leased
// to the client: nobody else of the group gets it until the lease is over.
type Receive struct {
	Group string
	// Queue is where to look; a number below 0 is any queue of the topic.
	Queue model.Queue
	// Max and MaxBytes bound the answer; it has at least one message if there is
	// any. 0: 32 messages, 4 MiB.
	Max      int
	MaxBytes int
	// Invisible is how long a lease lasts. With Renew the engine goes on extending
	// it for as long as the Client is not closed.
	Invisible time.Duration
	Renew     bool
	// Wait is how long to wait if there is nothing. 0: not at all.
	Wait time.Duration
	// Filter selects messages; nil takes all. What does not match is passed over
	// for the whole group.
	Filter *filter.Filter
	// AttemptID names the call: in an ordered group one that is repeated, because
	// its answer was lost, gets the same messages under the same receipts.
	AttemptID string
	// Alive is asked just before anything is leased, on the loop; it must not
	// block. false ends the call with nothing. nil: alive.
	Alive func() bool
}

// Receipt names one delivery of one message. Every protocol has its own text for
// it. Its topic and group are ids, which are never reused.
type Receipt struct {
	Cursor    model.CursorID
	Offset    model.Offset
	PopTime   int64 // ms since 1970; unique among the deliveries of the message
	Invisible int64 // ms from PopTime on
	Attempt   int32 // 1 is the first delivery
}

// Delivery is one message of the answer to a Receive.
type Delivery struct {
	Receipt Receipt
	// FirstPop is the PopTime of the message's first delivery.
	FirstPop int64

	from, to int // of its wire record, in the answer
}

// Delivered returns the deliveries of an answer to a Receive, in the order of
// the messages in Bytes. The slice belongs to the answer.
func (r *Records) Delivered() []Delivery { return r.deliveries }

// Wire returns the message of a delivery. Its ReconsumeTimes is Attempt-1.
func (r *Records) Wire(d *Delivery) record.Wire { return record.Wire(r.buf[d.from:d.to]) }

// Do says what a Settlement does.
type Do uint8

const (
	// Ack ends the message for the group. To ack again what was acked is no error,
	// as long as the receipt itself has not expired.
	Ack Do = iota
	// Change ends the delivery, or goes on with it: the message stays invisible for
	// After from now on, and comes again if it is not settled by then, by the new
	// receipt. 0 gives it back at once.
	Change
	// Dead moves the message to the group's dead letters, in one step.
	Dead
)

// Settlement settles one delivery.
type Settlement struct {
	Receipt Receipt
	Do      Do
	After   time.Duration // Change
}

// Settled answers a Settlement: Err is InvalidReceipt if the delivery is over.
type Settled struct {
	Receipt Receipt // the new one after a Change, else the one that was given
	Err     error
}

// Recall takes a delayed message back before it is delivered.
type Recall struct {
	Topic     string
	DeliverAt int64 // ms since 1970, as its SendResult said
	UniqueKey string
}

// GroupInfo is a consumer group as listeners see it. It is immutable.
type GroupInfo struct {
	model.GroupConfig
	ID model.GroupID
}

// GroupQuery asks how far a group is in a topic, or, without one, in all topics that
// it has progress in.
type GroupQuery struct {
	Group, Topic string
	// InFlight asks for the messages in flight too, at most so many of each queue.
	InFlight int
}

// Progress is how far a group is in one queue.
type Progress struct {
	Topic    string
	Queue    model.Queue
	Min, Max model.Offset // the queue's
	Floor    model.Offset // everything below is done with
	Read     model.Offset // nothing at it or above was ever delivered
	InFlight int          // messages under a lease
	Waiting  int          // delivered before, to be delivered again
	Locked   int          // message groups that are locked
	Messages []InFlight
}

// InFlight is a message that was delivered and is not done with.
type InFlight struct {
	Offset   model.Offset
	Attempt  int32
	PopTime  int64
	Deadline int64  // ms since 1970
	Owner    string // client id, if it is known and renews the lease
	Locked   bool   // its message group waits for it
}
