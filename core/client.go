package core

import (
	"context"

	"github.com/gantrymq/gantry/core/internal/shard"
)

// Client is one connected client. Its calls are made by one goroutine at a time
// (the connection's reader), but for Close, which may come from anywhere.
type Client struct {
	c *shard.Client
}

// Submit hands the calls made since the last Submit to the shard as one run. It
// blocks while the shard's inbox is full: so a client that sends faster than the
// log takes is no longer read. Never call it from a done.
func (c *Client) Submit() { c.c.Submit() }

// Close releases what the client holds: its waits end, its memberships go and
// the others of its groups are told. Calls made before are still answered.
func (c *Client) Close() { c.c.Close() }

// Send stores messages. The results are in the order of the messages and valid
// during done only; an error of the whole Batch comes as err.
func (c *Client) Send(b *Batch, done func([]SendResult, error)) { c.c.Send(b, done) }

// Pull reads a queue by offset. Not finding anything is a status of Records; err
// is for what cannot be answered (an unknown queue, a failed read). cancel ends the
// wait: done still runs, once, with PullNotFound if nothing came before.
func (c *Client) Pull(p Pull, done func(*Records, error)) (cancel func()) { return c.c.Pull(p, done) }

// Receive leases messages of a group to the client. Not finding any is an answer
// without messages, after Wait; err is for what cannot be answered. cancel ends the
// wait: done still runs, once. A lease taken in that race comes with it: give it
// back with Change and no time.
// Leases that renew themselves, and what has not been written, end with Close.
func (c *Client) Receive(r Receive, done func(*Records, error)) (cancel func()) {
	return c.c.Receive(r, done)
}

// Settle ends deliveries, or moves them to another time. The answers are in the
// order of the settlements and valid during done only; each has its own fate.
func (c *Client) Settle(s []Settlement, done func([]Settled)) { c.c.Settle(s, done) }

// SendBack stores a message anew for a group that could not process it. done runs
// when the copy has the durability of a send: MessageNotFound if there is none at
// the address.
func (c *Client) SendBack(b SendBack, done func(error)) { c.c.SendBack(b, done) }

// Lock gives queues to a client of a group for itself, for 60 s: a client that goes
// on asking keeps them, and nobody else has them meanwhile. got is what it has now of
// what it asked for, and valid during done only. They are free again once the client
// closes or leaves the group.
func (c *Client) Lock(l Locks, done func(got []Queue, err error)) { c.c.Lock(l, done) }

// Unlock gives queues back that the owner has. The others are no error.
func (c *Client) Unlock(l Locks, done func(error)) { c.c.Unlock(l, done) }

// Recall takes a delayed message back: MessageNotFound if there is none that
// still waits. After its success the message is never delivered.
func (c *Client) Recall(r Recall, done func(error)) { c.c.Recall(r, done) }

// EndTransaction ends the transaction of a prepared message, or says that its producer
// does not know yet: InvalidTransaction if there is none such, it is another group's, or it
// was decided otherwise. What was decided already, and is said once more, is a success.
func (c *Client) EndTransaction(t TxnEnd, done func(error)) { c.c.EndTransaction(t, done) }

// Progress tells how far a group is in each queue of a topic.
func (c *Client) Progress(q GroupQuery, done func([]Progress, error)) { c.c.Progress(q, done) }

// Commit stores consumer offsets. With a nil done it is one-way: coalesced, the
// last one of a second wins.
func (c *Client) Commit(offsets []CursorOffset, done func(error)) { c.c.Commit(offsets, done) }

// Offsets looks up offsets. The answers are in the order of the queries and
// valid during done only.
func (c *Client) Offsets(q []OffsetQuery, done func([]OffsetInfo, error)) { c.c.Offsets(q, done) }

// Lookup reads the message at an address: MessageNotFound if none begins there,
// or it is no longer kept.
func (c *Client) Lookup(at Address, done func(*Records, error)) { c.c.Lookup(at, done) }

// Query reads the messages of a topic that have a key, the newest first:
// MessageNotFound if there are none.
func (c *Client) Query(q KeyQuery, done func(*Records, error)) { c.c.Query(q, done) }

// Update says what the client is: its groups and subscriptions replace what its
// last Update said, and its lease as a member begins anew (120 s). done runs when
// the member is listed and its groups and their %RETRY% topics are durable.
// The other members of a group that changed are told, and so is this one.
func (c *Client) Update(state ClientState, done func(UpdateResult, error)) { c.c.Update(state, done) }

// Leave takes the client out of a producer group and a consumer group; an empty
// name is none.
func (c *Client) Leave(producerGroup, consumerGroup string, done func(error)) {
	c.c.Leave(producerGroup, consumerGroup, done)
}

// Members lists the live consumers of a group, in the order of their client ids.
// The slice is immutable.
func (c *Client) Members(group string, done func([]Member, error)) { c.c.Members(group, done) }

// Clients lists the live clients, by client id.
func (c *Client) Clients(done func([]LiveClient, error)) { c.c.Clients(done) }

// Cursors lists committed offsets, by group, topic and queue. It may take several
// steps of the shard: what it finds is not of one moment.
func (c *Client) Cursors(q CursorQuery, done func([]CursorInfo, error)) { c.c.Cursors(q, done) }

// Admin makes, changes or deletes topics and groups. done runs when it is synced.
func (c *Client) Admin(op AdminOp, done func(error)) { c.c.Admin(op, done) }

// SendWait is Send and Submit for callers that may block.
func (c *Client) SendWait(ctx context.Context, b *Batch) ([]SendResult, error) {
	return c.c.SendWait(ctx, b)
}
