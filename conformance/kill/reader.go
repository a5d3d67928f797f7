package kill

import (
	"bytes"
	"context"
	"fmt"

	"github.com/gantrymq/gantry/conformance/rawclient"
)

// Read reads every queue of a topic from 0 to the end it has when its reading begins.
func Read(ctx context.Context, broker, topic string, queues int) (Reading, error) {
	conn, err := rawclient.Dial(ctx, broker)
	if err != nil {
		return Reading{}, err
	}
	defer conn.Close()
	r := Reading{Max: map[int32]int64{}}
	for q := range int32(queues) {
		if err := readQueue(ctx, conn, topic, q, &r); err != nil {
			return r, fmt.Errorf("read queue %d: %w", q, err)
		}
	}
	return r, nil
}

func readQueue(ctx context.Context, conn *rawclient.Conn, topic string, queue int32, r *Reading) error {
	end, err := conn.MaxOffset(ctx, topic, queue)
	if err != nil {
		return err
	}
	r.Max[queue] = end
	for offset := int64(0); offset < end; {
		p, err := conn.Pull(ctx, "GID_reader", topic, queue, offset, 1024)
		if err != nil {
			return err
		}
		if p.Next <= offset {
			return fmt.Errorf("at %d of %d a pull answered %d with next offset %d", offset, end, p.Code, p.Next)
		}
		for _, m := range p.Messages {
			if m.Offset < end {
				r.Messages = append(r.Messages, stored(m))
			}
		}
		offset = p.Next
	}
	return nil
}

func stored(m rawclient.Message) Stored {
	id, _, _ := bytes.Cut(m.Body, []byte{'|'})
	return Stored{
		ID: string(id), Queue: m.Queue, Offset: m.Offset, Physical: m.Physical,
		Damaged: !bytes.Equal(m.Body, bodyOf(string(id))),
	}
}
