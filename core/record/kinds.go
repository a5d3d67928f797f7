package record

import "github.com/gantrymq/gantry/core/internal/model"

// Kind numbers the records of a log. There is room between the numbers; a kind
// that this version does not know stops the fold, it is never skipped.
type Kind uint8

// The kinds. Those without an Entry in this version are reserved.
const (
	KindData     Kind = 0x10 // a message: published with its own record, or delayed
	KindPublish  Kind = 0x18 // a stored message is published, by reference
	KindPop      Kind = 0x20 // messages leased to a consumer
	KindAck      Kind = 0x28 // leases ended or changed
	KindOffset   Kind = 0x30 // a group's offset in a queue
	KindTxn      Kind = 0x38 // a transaction was rolled back, given up, or asked about
	KindTimer    Kind = 0x40 // a delayed message is taken back
	KindSession  Kind = 0x48 // reserved
	KindServer   Kind = 0x50 // META: the names fixed when the log began
	KindTopic    Kind = 0x51 // META: a topic made or changed
	KindGroup    Kind = 0x52 // META: a group made or changed
	KindTopicEnd Kind = 0x53 // META: a topic deleted
	KindGroupEnd Kind = 0x54 // META: a group deleted
	KindSetting  Kind = 0x58 // META: a text kept for tools
	KindEpoch    Kind = 0x60 // reserved
	KindGap      Kind = 0x68 // LSN and offsets jump: what is missing was lost
	KindTrim     Kind = 0x70 // the first offsets of queues move, the log's begin moves
	KindRoll     Kind = 0x78 // a segment begins
	KindLock     Kind = 0x80 // a queue of a group has an owner, or none
	KindState    Kind = 0x88 // reserved
	KindRelocate Kind = 0x90 // a copy of a delayed message, in its place
)

// Entry is a record's content: one of the types below.
type Entry interface {
	kind() Kind
	size() int
	append(dst []byte) []byte
	decode(d *decoder)
}

// Data is a message together with its publication, or one that waits for it.
type Data struct {
	Topic     model.TopicID
	Queue     int32
	TagHash   int32
	GroupHash uint32 // of the message group (FIFO key), 0 if it has none
	// DeliverAt, ms, is when a delayed message is published; model.Prepared: at the end of
	// its transaction. 0: it is published with its record.
	DeliverAt int64
	Wire      Wire // placed: queue, offset, address and store time are in it
}

// Offset moves a group's offset in a queue.
type Offset struct {
	Group  model.GroupID
	Topic  model.TopicID
	Queue  int32
	Offset model.Offset
	Op     OffsetOp
}

// OffsetOp says what an Offset record does.
type OffsetOp uint8

const (
	// OffsetCommit stores what the group has consumed.
	OffsetCommit OffsetOp = iota
	// OffsetReset moves the offset and holds older clients' commits off until a
	// pull has been told.
	OffsetReset
	// OffsetTaken ends that: a pull has been told the reset offset.
	OffsetTaken
)

// Server holds the names that are fixed when the log begins.
type Server struct {
	Cluster string
	Broker  string
}

// Topic makes a topic, or changes its settings.
type Topic struct {
	ID     model.TopicID
	Config model.TopicConfig
}

// Group makes a consumer group, or changes its settings.
type Group struct {
	ID     model.GroupID
	Config model.GroupConfig
}

// TopicEnd deletes a topic. Its queues' next offsets stay with its name.
type TopicEnd struct{ ID model.TopicID }

// GroupEnd deletes a group with all its offsets.
type GroupEnd struct{ ID model.GroupID }

// Trim forgets messages: those of each queue below Min. Before, if not 0, is
// where the log begins from now on.
type Trim struct {
	Before model.LSN
	Queues []TrimQueue
}

// TrimQueue is one queue of a Trim.
type TrimQueue struct {
	Topic model.TopicID
	Queue int32
	Min   model.Offset
}

// Gap tells that the log and every queue's offsets jump: messages of the last
// unsynced window may be missing, and their offsets are not given again.
type Gap struct {
	From    model.LSN    // where the recovered log ended
	Offsets model.Offset // how far every queue's next offset jumps
	// PopTime is what the clock of leases shows from then on, and PopAhead how far, in
	// ms, it is ahead of the wall clock: further than that of any lease that was lost.
	PopTime, PopAhead int64
}

// Roll is the first record of a segment.
type Roll struct{ Reason RollReason }

// RollReason says why a segment began.
type RollReason uint8

const (
	// RollFirst is the log's first segment.
	RollFirst RollReason = iota
	// RollSize follows a segment that was full.
	RollSize
	// RollTime follows a segment that was old.
	RollTime
)

func (*Data) kind() Kind     { return KindData }
func (*Offset) kind() Kind   { return KindOffset }
func (*Server) kind() Kind   { return KindServer }
func (*Topic) kind() Kind    { return KindTopic }
func (*Group) kind() Kind    { return KindGroup }
func (*TopicEnd) kind() Kind { return KindTopicEnd }
func (*GroupEnd) kind() Kind { return KindGroupEnd }
func (*Trim) kind() Kind     { return KindTrim }
func (*Gap) kind() Kind      { return KindGap }
func (*Roll) kind() Kind     { return KindRoll }
