package kill

import (
	"context"
	"fmt"

	"github.com/gantrymq/gantry/conformance/rawclient"
)

// Commits stores ever higher offsets of a group in one queue and looks, after every loss of the connection, that the
// server still has the last one it confirmed.
type Commits struct {
	Broker, Topic, Group string
	Queue                int32

	confirmed, tried int64
	found            []Violation
}

// Run ends when ctx does, and returns what was wrong.
func (c *Commits) Run(ctx context.Context) []Violation {
	for ctx.Err() == nil {
		conn, err := redial(ctx, c.Broker)
		if err != nil {
			break
		}
		c.session(ctx, conn)
		conn.Close()
	}
	return c.found
}

// session lasts as long as its connection.
func (c *Commits) session(ctx context.Context, conn *rawclient.Conn) {
	if c.tried > 0 && !c.look(conn) {
		return
	}
	for ctx.Err() == nil {
		c.tried++
		if err := conn.StoreOffset(context.Background(), c.Group, c.Topic, c.Queue, c.tried); err != nil {
			return
		}
		c.confirmed = c.tried
	}
}

// look compares what the server has with what it confirmed, and goes on from there.
func (c *Commits) look(conn *rawclient.Conn) bool {
	stored, _, err := conn.StoredOffset(context.Background(), c.Group, c.Topic, c.Queue)
	if err != nil {
		return false
	}
	if stored < c.confirmed || stored > c.tried {
		c.found = append(c.found, Violation{"commit", fmt.Sprintf(
			"queue %d: the group's offset is %d; %d was confirmed, up to %d was tried", c.Queue, stored, c.confirmed, c.tried)})
		c.confirmed = stored
	}
	return true
}
