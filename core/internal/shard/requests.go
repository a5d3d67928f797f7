package shard

import (
	"net/netip"
	"sync"
	"time"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/model"
)

// Message is a message as a listener hands it in. Core encodes it once, inside
// the call: the slices are the caller's again when the call returns.
type Message struct {
	Topic string
	// Queue is the queue's number; below 0 core chooses one.
	Queue int32
	// AutoCreate is the number of queues of the topic that this send may create.
	// 0: an unknown topic is an error. Configuration may forbid it all the same.
	AutoCreate int32

	SysFlag        int32 // RocketMQ's message sysFlag: compression and host bits
	Flag           int32 // the user's
	Born           int64 // ms since 1970, by the producer's clock
	BornHost       netip.AddrPort
	ReconsumeTimes int32
	Body           []byte
	// Properties is RocketMQ's text form: key \x01 value \x02 ... Core adds
	// UNIQ_KEY where it is absent, and derives what it needs (tag hash, kind).
	Properties []byte
	// Kind is what the sender says the message is: a topic that does not take it
	// refuses it with KindConflict. KindAny does not ask.
	Kind model.Kind
	// Durability of the answer. Written makes no claim beyond the process, on a
	// topic that syncs too (RocketMQ's WAIT=false); default: the topic's.
	Durability model.Durability
}

// Batch is what one Send takes.
type Batch struct {
	Messages []Message
	// Unit asks for all or nothing: one frame, and for messages of one queue
	// consecutive offsets. Otherwise each message has its own fate.
	Unit bool
}

// SendResult tells where a message is. UniqueKey is valid during done only.
type SendResult struct {
	Queue     model.Queue
	Offset    model.Offset // of a Prepared one: what its TxnEnd gives back
	Address   model.Address
	StoreTime int64  // ms since 1970
	Prepared  bool   // the message waits for the end of its transaction: it has no place in its queue yet
	DeliverAt int64  // ms since 1970, of a delayed message: it has no Offset yet; else 0
	UniqueKey []byte // the message's UNIQ_KEY property
	Err       error  // of this message; nil where it is stored
}

// queued tells whether the message is in its queue.
func (r *SendResult) queued() bool { return r.Err == nil && r.DeliverAt == 0 && !r.Prepared }

// Pull asks for messages of one queue from an offset on.
type Pull struct {
	Queue  model.Queue
	Group  string // whose cursor it is: a pending reset is answered first; may be empty
	Offset model.Offset
	// MaxMessages and MaxBytes bound the answer; it has at least one message if
	// there is any. 0: the server's limits (32 messages, 256 KiB).
	MaxMessages int
	MaxBytes    int
	// Wait is how long to wait when the offset is at the queue's end. 0: not at all.
	Wait time.Duration
	// Filter selects messages; nil: the subscription that the group's last Update
	// gave for the topic, or everything if there is none.
	Filter *filter.Filter
}

// PullStatus says how a pull ended. Next, Min and Max are set in each case.
type PullStatus uint8

const (
	// PullFound: there are messages.
	PullFound PullStatus = iota
	// PullNotFound: the offset is at the end, and Wait has passed.
	PullNotFound
	// PullNoMatch: there are messages, but none that was looked at matches the
	// filter, or the offset lies in a recorded gap: go on at Next, at once.
	PullNoMatch
	// PullOffsetMoved: the offset is below Min, above Max, or the group's offset
	// was reset: go on at Next.
	PullOffsetMoved
)

// Records is the answer to a Pull or a Receive. It belongs to the receiver until Release.
type Records struct {
	Status         PullStatus
	Next, Min, Max model.Offset
	Count          int // messages in Bytes

	buf        []byte
	deliveries []Delivery // of a Receive
	pool       *sync.Pool
}

// Bytes returns the messages in RocketMQ's wire layout, back to back, patched for
// the client that asked (store host).
func (r *Records) Bytes() []byte { return r.buf }

// CursorOffset is a group's committed offset in one queue.
type CursorOffset struct {
	Group  string
	Queue  model.Queue
	Offset model.Offset
	// Reset makes this the offset that the group's next pull is told, whatever it
	// asks for, and makes older clients' commits without effect until then.
	Reset bool
}

// OffsetKind says which offset is asked for.
type OffsetKind uint8

const (
	// OffsetMin is the first offset there is.
	OffsetMin OffsetKind = iota
	// OffsetMax is the offset the next visible message will have.
	OffsetMax
	// OffsetCommitted is what the group has committed: OffsetNotFound if nothing.
	OffsetCommitted
	// OffsetByTime is the first message stored at Time or later, the queue's end if
	// there is none. Upper: the last one stored at Time or earlier, else the first.
	OffsetByTime
	// OffsetEarliestTime asks for the store time of the first message, -1 if none.
	OffsetEarliestTime
	// OffsetTimeAt asks for the store time of the first message at At or above, of
	// the last message if At is below 0; -1 if there is none. Offset is that message's.
	OffsetTimeAt
)

// OffsetQuery asks for one offset.
type OffsetQuery struct {
	Queue model.Queue
	Kind  OffsetKind
	Group string       // OffsetCommitted
	Time  int64        // OffsetByTime, ms since 1970
	At    model.Offset // OffsetTimeAt
	Upper bool         // OffsetByTime
}

// OffsetInfo answers an OffsetQuery.
type OffsetInfo struct {
	Offset model.Offset
	Min    model.Offset // of the queue, by which "nothing committed" is judged
	Time   int64        // OffsetEarliestTime, OffsetTimeAt
	Err    error
}

// ClientInfo says who a client is when it connects.
type ClientInfo struct {
	Protocol string // the listener's name
	Remote   netip.AddrPort
	// StoreHost is the address this client was told: messages it reads carry it.
	StoreHost netip.AddrPort
	// Push delivers what the server wants of the client. Called on the loop; it
	// must not block. nil: nothing can be pushed.
	Push func(Command)
	// Flush comes once after a run of callbacks of this client: a done queues
	// bytes, Flush writes them. Called on the loop; it must not block.
	Flush func()
}

// CommandKind says what a Command asks.
type CommandKind uint8

const (
	// MembersChanged: members or subscriptions of Group changed; rebalance now.
	MembersChanged CommandKind = iota
	// CheckTransaction: say how the transaction of a prepared message ends.
	CheckTransaction
)

// Command is a request of the server to a client.
type Command struct {
	Kind  CommandKind
	Group string
	Check *Check // CheckTransaction; it may be kept
}

// Check is what a producer is asked about: a transaction of its group.
type Check struct {
	Topic     string
	UniqueKey string
	Address   model.Address
	Offset    model.Offset // as the SendResult of the message had it
	Message   []byte       // in RocketMQ's wire layout
}

// ClientState is what a client says of itself in its heartbeats.
type ClientState struct {
	ClientID  string
	Language  string
	Version   int32
	Producers []string
	Consumers []Consumer
}

// Consumer is a client's part in a consumer group.
type Consumer struct {
	Group         string
	Broadcast     bool
	Passive       bool   // push (CONSUME_PASSIVELY), as opposed to pull
	Pop           bool   // receives messages one by one: where the group begins in its topics is settled now
	From          string // where to begin without an offset; kept and returned
	Subscriptions []Subscription
}

// Subscription is what a consumer wants of one topic.
type Subscription struct {
	Topic      string
	Kind       string // TAG or SQL92
	Expression string
	Version    int64
	Filter     *filter.Filter // compiled by the listener; nil takes everything
}

// UpdateResult tells what an Update changed.
type UpdateResult struct {
	// Changed: the server did not know these consumers in this form.
	Changed bool
}

// Member is one live client of a group.
type Member struct {
	ClientID string
	Remote   netip.AddrPort
	Language string
	Version  int32
	Consumer Consumer // zero for a producer
}

// AdminOp is one administrative act: PutTopic, DeleteTopic, PutGroup, DeleteGroup.
type AdminOp interface{ admin() }

// PutTopic makes a topic, or changes its settings. Queues that exist stay.
type PutTopic struct{ Config model.TopicConfig }

// PutGroup makes a consumer group.
type PutGroup struct{ Config model.GroupConfig }

// DeleteTopic deletes a topic with its messages and every group's offsets in it.
// One made anew under the name goes on with the offsets of its queues.
type DeleteTopic struct{ Name string }

// DeleteGroup deletes a consumer group with all its offsets.
type DeleteGroup struct{ Name string }

func (PutTopic) admin()    {}
func (PutGroup) admin()    {}
func (DeleteTopic) admin() {}
func (DeleteGroup) admin() {}
