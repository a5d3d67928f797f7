package remoting

import (
	"slices"

	"github.com/gantrymq/gantry/core"
)

// maxAsking bounds the requests that ask core several questions at once.
const maxAsking = 8

// asker asks core what an administrative request needs to know, question after
// question. It has a client of its own: the connection's belongs to its reader.
type asker struct {
	server *Server
	client *core.Client
}

// apart answers a request on a goroutine of its own, which may ask core as much as it
// has to. What work returns as an error is the answer.
func (c *conn) apart(r request, work func(a *asker) error) {
	s := c.server
	remote := c.remote
	_, host := c.told()
	s.goroutines.Go(func() {
		defer c.out.flush()
		if err := s.asking.Acquire(s.ctx, 1); err != nil {
			r.fail(core.Errorf(core.ShuttingDown, "the server is shutting down"))
			return
		}
		defer s.asking.Release(1)
		a := &asker{server: s, client: s.engine.Connect(core.ClientInfo{Protocol: Name, Remote: remote, StoreHost: host})}
		defer a.client.Close()
		if err := work(a); err != nil {
			r.fail(err)
		}
	})
}

// ask makes one call and waits for it.
func ask[T any](a *asker, call func(done func(T, error))) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	call(func(v T, err error) { answers <- answer{v, err} })
	a.client.Submit()
	got := <-answers
	return got.value, got.err
}

func (a *asker) offsets(queries []core.OffsetQuery) ([]core.OffsetInfo, error) {
	return ask(a, func(done func([]core.OffsetInfo, error)) {
		a.client.Offsets(queries, func(infos []core.OffsetInfo, err error) { done(slices.Clone(infos), err) })
	})
}

func (a *asker) cursors(q core.CursorQuery) ([]core.CursorInfo, error) {
	return ask(a, func(done func([]core.CursorInfo, error)) { a.client.Cursors(q, done) })
}

func (a *asker) members(group string) ([]core.Member, error) {
	return ask(a, func(done func([]core.Member, error)) { a.client.Members(group, done) })
}

func (a *asker) clients() ([]core.LiveClient, error) { return ask(a, a.client.Clients) }

func (a *asker) commit(offsets []core.CursorOffset) error {
	_, err := ask(a, func(done func(struct{}, error)) {
		a.client.Commit(offsets, func(err error) { done(struct{}{}, err) })
	})
	return err
}

// queueIDs returns the queues of a topic.
func (a *asker) queueIDs(t *core.TopicInfo) []core.Queue {
	queues := make([]core.Queue, t.Queues())
	for i := range queues {
		queues[i] = core.Queue{Shard: a.server.shard.ID, Topic: t.ID, Num: int32(i)}
	}
	return queues
}

// topic returns a topic, or says that there is none.
func (a *asker) topic(name string) (*core.TopicInfo, error) {
	t, ok := a.server.engine.Topic(name)
	if !ok {
		return nil, core.Errorf(core.TopicNotFound, "topic[%s] not exist", name)
	}
	return t, nil
}
