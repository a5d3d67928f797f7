package kill

import (
	"sync"
	"time"
)

// Outcome says what is known of a call.
type Outcome string

const (
	// OK: the success was read.
	OK Outcome = "ok"
	// Refused: the answer was another status, which says that the call did nothing.
	Refused Outcome = "refused"
	// Unknown: no answer came.
	Unknown Outcome = "unknown"
)

// Send is one message that was sent. Times are nanoseconds of one monotonic clock.
type Send struct {
	ID      string
	Group   string // message group, "" for none
	Number  int    // its place among the sends of its group, which are made one after the other
	Outcome Outcome
}

// Delivery is one message of one answer.
type Delivery struct {
	ID       string
	Answer   int // numbers the answers; those of one answer stand in the history in their order
	Attempt  int32
	Invoke   int64 // when the receive was begun
	Return   int64 // when its answer had been read
	LeaseEnd int64 // by the receiver's clock: counted from Invoke, so never later than the server's
}

// Ack is one ack of one delivery.
type Ack struct {
	ID       string
	LeaseEnd int64 // of the delivery whose handle it had
	Invoke   int64
	Return   int64
	Outcome  Outcome
	Why      string
}

// History is all of one topic's.
type History struct {
	Sends      []Send
	Deliveries []Delivery
	Acks       []Ack
}

// Ledger is a history that is written down as it happens.
type Ledger struct {
	begin time.Time

	mu      sync.Mutex
	history History // guarded by mu, like all below
	answers int
	settled map[string]bool // acked, by an answer or perhaps
}

// NewLedger returns an empty one.
func NewLedger() *Ledger { return &Ledger{begin: time.Now(), settled: map[string]bool{}} }

// Now reads the ledger's clock.
func (l *Ledger) Now() int64 { return int64(time.Since(l.begin)) }

// Sent writes down a send.
func (l *Ledger) Sent(s Send) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.history.Sends = append(l.history.Sends, s)
}

// Received writes down the messages of one answer.
func (l *Ledger) Received(all []Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers++
	for _, d := range all {
		d.Answer = l.answers
		l.history.Deliveries = append(l.history.Deliveries, d)
	}
}

// Acked writes down an ack.
func (l *Ledger) Acked(a Ack) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.history.Acks = append(l.history.Acks, a)
	if a.Outcome != Refused {
		l.settled[a.ID] = true
	}
}

// Acknowledged counts the sends that were answered, and Open those of them that nobody has acked yet.
func (l *Ledger) Acknowledged() (sent, open int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.history.Sends {
		if s.Outcome != OK {
			continue
		}
		sent++
		if !l.settled[s.ID] {
			open++
		}
	}
	return sent, open
}

// History returns what was written so far.
func (l *Ledger) History() History {
	l.mu.Lock()
	defer l.mu.Unlock()
	return History{
		Sends: append([]Send(nil), l.history.Sends...), Deliveries: append([]Delivery(nil), l.history.Deliveries...),
		Acks: append([]Ack(nil), l.history.Acks...),
	}
}
