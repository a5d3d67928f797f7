package kill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	v2 "github.com/apache/rocketmq-clients/golang/v5/protocol/v2"
	"github.com/gantrymq/gantry/conformance/sdk5/double"
)

// lease is how long a message is a receiver's: the least that the protocol has.
const lease = 10 * time.Second

// Load sends to one topic and receives from it over many connections until its context ends, through whatever happens to
// the server.
type Load struct {
	Endpoint  string
	Topic     string
	Group     string
	FIFO      bool // each sender has a message group of its own
	Senders   int
	Receivers int
	Seed      uint64
	Ledger    *Ledger

	draining atomic.Bool
	inFlight atomic.Int64
	answered atomic.Int64
}

// NowInFlight returns how many sends and acks wait for their answer at this moment; receives that wait do not count.
func (l *Load) NowInFlight() int64 { return l.inFlight.Load() }

// Answered returns how many sends and acks have been answered so far.
func (l *Load) Answered() int64 { return l.answered.Load() }

// Drain ends the sends, and has the receivers ack all they get at once.
func (l *Load) Drain() { l.draining.Store(true) }

// Run ends when ctx does.
func (l *Load) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for n := range l.Senders + l.Receivers {
		c, err := double.Dial(l.Endpoint, false)
		if err != nil {
			return err
		}
		random := rand.New(rand.NewPCG(l.Seed, uint64(n)))
		all.Go(func() {
			defer c.Close()
			if n < l.Senders {
				l.send(ctx, c, n)
			} else {
				l.receive(ctx, c, random)
			}
		})
	}
	all.Wait()
	return nil
}

// call counts a call that is answered with a status, and says what is known of it. While the server is down calls fail at
// once, so that this waits a moment then.
func (l *Load) call(ctx context.Context, do func() (*v2.Status, error)) (Outcome, string) {
	l.inFlight.Add(1)
	status, err := do()
	l.inFlight.Add(-1)
	switch {
	case err != nil:
		rest(ctx)
		return Unknown, err.Error()
	case status.GetCode() == v2.Code_OK:
		l.answered.Add(1)
		return OK, ""
	}
	return Refused, status.GetCode().String() + " " + status.GetMessage()
}

func rest(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(2 * time.Millisecond):
	}
}

// send is one sender: one message after the other.
func (l *Load) send(ctx context.Context, c *double.Client, n int) {
	for i := 0; ctx.Err() == nil && !l.draining.Load(); i++ {
		s := Send{ID: fmt.Sprintf("s%d-%d", n, i), Number: i}
		m := double.Message(l.Topic, []byte(s.ID+"|"+strings.Repeat("x", 200)))
		if l.FIFO {
			s.Group = fmt.Sprintf("g%d", n)
			double.FIFO(m, s.Group)
		}
		s.Outcome, _ = l.call(ctx, func() (*v2.Status, error) {
			answer, err := c.Send(ctx, m)
			return answer.GetStatus(), err
		})
		l.Ledger.Sent(s)
	}
}

// held is a delivery that its receiver acks later.
type held struct {
	Delivery
	entry *v2.AckMessageEntry
	due   time.Time
}

// receive is one receiver. Most messages it acks at once, some after a while, which a kill may lie in, some twice, and some
// it forgets, so that they come again.
func (l *Load) receive(ctx context.Context, c *double.Client, random *rand.Rand) {
	var later []held
	for ctx.Err() == nil {
		for _, h := range l.take(ctx, c) {
			switch dice := random.IntN(100); {
			case l.draining.Load() || dice < 75:
				l.ack(ctx, c, h)
			case dice < 80:
				l.ack(ctx, c, h)
				l.ack(ctx, c, h)
			case dice < 97 || l.FIFO && dice < 99:
				h.due = time.Now().Add(time.Duration(random.IntN(3000)) * time.Millisecond)
				later = append(later, h)
			}
		}
		rest := later[:0]
		for _, h := range later {
			if l.draining.Load() || time.Now().After(h.due) {
				l.ack(ctx, c, h)
			} else {
				rest = append(rest, h)
			}
		}
		later = rest
	}
}

// take is one receive. An answer that did not come whole is none.
func (l *Load) take(ctx context.Context, c *double.Client) []held {
	invoke := l.Ledger.Now()
	got, err := c.Receive(ctx, &v2.Broker{}, double.Receive{Topic: l.Topic, Group: l.Group, Most: 8, Lease: lease, Wait: time.Second})
	if err != nil {
		rest(ctx)
		return nil
	}
	returned := l.Ledger.Now()
	deliveries, all := make([]Delivery, len(got.Messages)), make([]held, len(got.Messages))
	for i, m := range got.Messages {
		id, _, _ := strings.Cut(string(m.Body), "|")
		deliveries[i] = Delivery{
			ID: id, Attempt: m.SystemProperties.GetDeliveryAttempt(), Invoke: invoke, Return: returned, LeaseEnd: invoke + int64(lease),
		}
		all[i] = held{Delivery: deliveries[i], entry: double.Entry(m)}
	}
	if len(all) > 0 {
		l.Ledger.Received(deliveries)
	}
	return all
}

// ack is one ack; if no answer comes it is made again, with the same handle, until one does.
func (l *Load) ack(ctx context.Context, c *double.Client, h held) {
	for ctx.Err() == nil {
		a := Ack{ID: h.ID, LeaseEnd: h.LeaseEnd, Invoke: l.Ledger.Now()}
		a.Outcome, a.Why = l.call(ctx, func() (*v2.Status, error) {
			answer, err := c.Ack(ctx, l.Group, l.Topic, h.entry)
			return answer.GetStatus(), err
		})
		a.Return = l.Ledger.Now()
		l.Ledger.Acked(a)
		if a.Outcome != Unknown {
			return
		}
	}
}
