package kill

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/conformance/rawclient"
)

// Load sends to one topic from many connections until its context ends, through whatever happens to the server.
type Load struct {
	Broker      string
	Topic       string
	Queues      int
	Connections int
	InFlight    int // per connection
	Seed        uint64
	Ledger      *Ledger

	inFlight atomic.Int64
	answered atomic.Int64
	errs     atomic.Pointer[error]
}

// NowInFlight returns how many sends wait for their answer at this moment.
func (l *Load) NowInFlight() int64 { return l.inFlight.Load() }

// Acknowledged returns how many sends have been acknowledged so far.
func (l *Load) Acknowledged() int64 { return l.answered.Load() }

// Run ends when ctx does, and returns what went wrong in the load itself.
func (l *Load) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for n := range l.Connections {
		all.Go(func() { l.connection(ctx, n) })
	}
	all.Wait()
	if err := l.errs.Load(); err != nil {
		return *err
	}
	return nil
}

// connection keeps one connection up and its workers busy on it.
func (l *Load) connection(ctx context.Context, n int) {
	next := make([]int, l.InFlight) // each worker's next message
	for ctx.Err() == nil {
		conn, err := redial(ctx, l.Broker)
		if err != nil {
			return // ctx has ended
		}
		var workers sync.WaitGroup
		for w := range l.InFlight {
			workers.Go(func() { next[w] = l.send(ctx, conn, n, w, next[w]) })
		}
		workers.Wait()
		conn.Close()
	}
}

// redial dials until it succeeds or ctx ends.
func redial(ctx context.Context, addr string) (*rawclient.Conn, error) {
	retry := time.NewTicker(2 * time.Millisecond)
	defer retry.Stop()
	for {
		conn, err := rawclient.Dial(ctx, addr)
		if err == nil {
			return conn, nil
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// send is one worker: one message after the other, until the connection or ctx ends. It returns the next number to use.
func (l *Load) send(ctx context.Context, conn *rawclient.Conn, n, w, next int) int {
	random := rand.New(rand.NewPCG(l.Seed, uint64(n)<<32|uint64(w)<<24|uint64(next)))
	for ctx.Err() == nil {
		op := Op{ID: fmt.Sprintf("c%d-w%d-%d", n, w, next), Queue: int32(random.IntN(l.Queues)), Invoke: l.Ledger.Now()}
		next++
		l.inFlight.Add(1)
		// Not ctx: a send that is under way is waited for.
		sent, err := conn.Send(context.Background(), l.Topic, op.Queue, bodyOf(op.ID))
		l.inFlight.Add(-1)
		op.Return = l.Ledger.Now()
		judge(&op, sent, err)
		if op.Outcome == Acknowledged {
			l.answered.Add(1)
		}
		if err := l.Ledger.Add(op); err != nil {
			l.errs.Store(&err)
			return next
		}
		if op.Outcome == Unknown {
			return next
		}
	}
	return next
}

func judge(op *Op, sent rawclient.Sent, err error) {
	var answer *rawclient.Refused
	switch {
	case err == nil:
		op.Outcome, op.Offset = Acknowledged, sent.Offset // in the queue asked for: anywhere else the judge calls it moved
	case errors.As(err, &answer) && definite[answer.Code]:
		op.Outcome, op.Why = Refused, err.Error()
	default:
		op.Outcome, op.Why = Unknown, err.Error()
	}
}

// definite are the answers that say that the message was not and will not be stored.
var definite = map[int]bool{
	2:  true, // SYSTEM_BUSY
	13: true, // MESSAGE_ILLEGAL
	16: true, // NO_PERMISSION
	17: true, // TOPIC_NOT_EXIST
}

// bodyOf makes the body of a message from its id, so that a reader can tell whether it has changed.
func bodyOf(id string) []byte {
	h := fnv.New64a()
	h.Write([]byte(id))
	sum := h.Sum64()
	body := append([]byte(id), '|')
	for range sum % 400 {
		body = append(body, byte('a'+sum%26))
		sum = sum*6364136223846793005 + 1442695040888963407
	}
	return body
}
