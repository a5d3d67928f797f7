package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gantrymq/gantry/remoting/wire"
)

type receiveCommand struct {
	serverFlag
	output
	Topic  string `arg:"" help:"Topic to receive from."`
	Group  string `help:"Consumer group whose offsets to begin at and to store. Without one: nothing is stored."`
	From   string `help:"Where to begin without stored offsets: earliest or latest." enum:"earliest,latest" default:"earliest"`
	Follow bool   `short:"f" help:"Wait for more messages instead of ending at the last one."`
	Max    int    `help:"End after so many messages; 0: no end." placeholder:"N"`
	Tag    string `help:"Only messages with this tag; several: 'a || b'." default:"*"`
}

// Run prints what there is, in the order in which it was stored, and with
// --follow what comes.
func (c *receiveCommand) Run(ctx context.Context, around *surroundings) error {
	b, err := dial(ctx, c.Server)
	if err != nil {
		return err
	}
	defer b.close()
	r := &receiver{broker: b, cmd: c, print: c.printer(around.stdout)}
	err = r.run(ctx)
	if errors.Is(err, errEnough) || ctx.Err() != nil {
		err = nil // as many as were asked for, or until interrupted
	}
	return errors.Join(err, r.store(ctx), r.print.end())
}

// errEnough ends a receiver that has printed --max messages.
var errEnough = errors.New("enough")

// receiver reads all queues of a topic.
type receiver struct {
	*broker
	cmd    *receiveCommand
	queues []*queueReader

	mu      sync.Mutex // taken for each message that is printed
	print   *printer
	printed int
}

// queueReader is the place of a receiver in one queue.
type queueReader struct {
	queue   int
	next    int64      // offset of the next pull
	waiting []incoming // pulled, and not yet printed
	end     bool       // the last pull found nothing more
	done    int64      // behind the last one printed, 0 if none was
	stored  int64      // what the group's offset is known to be
}

func (r *receiver) run(ctx context.Context) error {
	topic, err := r.route(ctx, r.cmd.Topic)
	if err != nil {
		return err
	}
	for num := range topic.Queues[0].Read {
		at, err := r.start(ctx, num)
		if err != nil {
			return err
		}
		r.queues = append(r.queues, &queueReader{queue: num, next: at})
	}
	if err := r.drain(ctx); err != nil || !r.cmd.Follow {
		return err
	}
	return r.follow(ctx)
}

// start returns the offset to begin at.
func (r *receiver) start(ctx context.Context, queue int) (int64, error) {
	if r.cmd.Group != "" {
		if at, ok, err := r.committed(ctx, r.cmd.Group, r.cmd.Topic, queue); ok || err != nil {
			return at, err
		}
	}
	if r.cmd.From == "latest" {
		return r.queueOffset(ctx, wire.GetMaxOffset, r.cmd.Topic, queue)
	}
	return r.queueOffset(ctx, wire.GetMinOffset, r.cmd.Topic, queue)
}

// drain prints what there is, oldest first over all queues.
func (r *receiver) drain(ctx context.Context) error {
	for {
		var oldest *queueReader
		for _, q := range r.queues {
			if err := r.fill(ctx, q); err != nil {
				return err
			}
			if len(q.waiting) > 0 && (oldest == nil || q.waiting[0].before(&oldest.waiting[0])) {
				oldest = q
			}
		}
		if oldest == nil {
			return nil
		}
		if err := r.deliver(ctx, oldest); err != nil {
			return err
		}
	}
}

// fill pulls until q has a message or is at its end.
func (r *receiver) fill(ctx context.Context, q *queueReader) error {
	for len(q.waiting) == 0 && !q.end {
		p, err := r.pullQueue(ctx, q, false)
		if err != nil {
			return err
		}
		q.end = !p
	}
	return nil
}

// pullQueue pulls once, and reports whether there may be more.
func (r *receiver) pullQueue(ctx context.Context, q *queueReader, wait bool) (more bool, err error) {
	group := r.cmd.Group
	if group == "" {
		group = toolsGroup
	}
	p, err := r.pull(ctx, group, r.cmd.Topic, q.queue, q.next, r.cmd.Tag, wait)
	if err != nil {
		return false, err
	}
	q.next = p.next
	q.waiting, err = messages(p.messages)
	return p.more, err
}

// deliver prints a queue's first waiting message, and stores the offset when it
// was the last one of its pull.
func (r *receiver) deliver(ctx context.Context, q *queueReader) error {
	m := q.waiting[0]
	q.waiting = q.waiting[1:]
	enough, err := r.show(&m)
	if err != nil {
		return err
	}
	q.done = m.Offset + 1
	if enough {
		return errEnough
	}
	if len(q.waiting) == 0 {
		return r.storeQueue(ctx, q)
	}
	return nil
}

// storeWait bounds how long an interrupted receive takes to store its offsets.
const storeWait = 5 * time.Second

// store stores the offsets behind what was printed, after an interrupt too.
func (r *receiver) store(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWait)
	defer cancel()
	for _, q := range r.queues {
		if err := r.storeQueue(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func (r *receiver) storeQueue(ctx context.Context, q *queueReader) error {
	if r.cmd.Group == "" || q.done == q.stored {
		return nil
	}
	if err := r.commit(ctx, r.cmd.Group, r.cmd.Topic, q.queue, q.done); err != nil {
		return err
	}
	q.stored = q.done
	return nil
}

func (r *receiver) show(m *incoming) (enough bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd.Max > 0 && r.printed == r.cmd.Max {
		return true, errEnough
	}
	r.printed++
	return r.printed == r.cmd.Max, r.print.row(m, m.text())
}

// follow waits at the end of all queues at once, and prints what comes.
func (r *receiver) follow(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, q := range r.queues {
		group.Go(func() error {
			for {
				if _, err := r.pullQueue(ctx, q, true); err != nil {
					return err
				}
				for len(q.waiting) > 0 {
					if err := r.deliver(ctx, q); err != nil {
						return err
					}
				}
			}
		})
	}
	return group.Wait()
}
