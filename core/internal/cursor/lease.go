package cursor

import (
	"math"

	"github.com/gantrymq/gantry/core/internal/model"
)

// Lease is one delivery that a Plan has decided on.
type Lease struct {
	Offset   model.Offset
	Key      uint32 // hash of the message group; 0: none, or no ordered group
	Attempt  int32  // 1 is the first delivery
	FirstPop int64  // when the first delivery was made; 0: it is this one
}

// Slot is a message that was delivered and is not done with.
type Slot struct {
	PopTime  int64 // names the delivery
	Deadline int64 // ms; 0: due at once
	FirstPop int64
	Attempt  int32
	Key      uint32
	Owner    uint16 // renews the lease for as long as it is alive; 0: nobody does
	Acked    bool   // ordered groups: acknowledged, but an earlier message is not
}

// Verdict says what a receipt is worth.
type Verdict uint8

const (
	// Stale: the delivery is over, the receipt settles nothing.
	Stale Verdict = iota
	// Current: it is the one valid receipt of the message.
	Current
	// Done: the message is done with; in an ordered group also if it was
	// acknowledged behind one that is not. Whether the receipt itself has expired is
	// the caller's to say.
	Done
)

// Look says where a Plan needs the messages of.
type Look struct {
	From, To model.Offset // To is the end, or Everything
	Key      uint32       // of this message group only, with OneKey
	OneKey   bool
}

// Everything is the To of a Look that ends where the visible messages do.
const Everything = model.Offset(math.MaxInt64)

// Rules are what a decision follows.
type Rules struct {
	Now         int64        // ms
	Max         int          // leases
	FIFO        bool         // one after the other within a message group
	MaxAttempts int32        // deliveries of a message
	Min         model.Offset // what is below was trimmed: it is not delivered again
	InFlight    int          // messages in flight at most; 0: DefaultInFlight
	// Hold bounds the bytes that the cursor holds for message groups; 0: DefaultHold.
	Hold int
	// Alive tells whether an owner renews its leases. nil: none does.
	Alive func(owner uint16) bool
}

// DefaultInFlight is how many messages of a cursor are in flight at most.
const DefaultInFlight = 100_000

// DefaultHold is how many bytes a cursor holds at most for message groups that
// are locked, and what lies behind them.
const DefaultHold = 16 << 20
