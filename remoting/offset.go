package remoting

import (
	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Offsets
//
//	14 QUERY_CONSUMER_OFFSET       what a group has committed
//	15 UPDATE_CONSUMER_OFFSET      Java sends it one-way
//	29 SEARCH_OFFSET_BY_TIMESTAMP  boundaryType LOWER (default) or UPPER
//	30 GET_MAX_OFFSET              the offset of the next message
//	31 GET_MIN_OFFSET
//	32 GET_EARLIEST_MSG_STORETIME  -1 where the queue is empty
//
// A group without an offset in a queue that still has its first message is
// answered 0, so that a new group reads all of a young topic, wherever it is
// configured to begin; else 22, and the client begins where it is configured to.
// setZeroIfNotFound=false asks for 22 in both cases. Any other code would make
// Java's rebalancing fail.

func (c *conn) queryOffset(r request) {
	var req wire.OffsetRequest
	if err := req.DecodeQuery(c.cmd.Ext); err != nil {
		r.fail(err)
		return
	}
	queue, _, err := c.queue(c.intern(req.Topic).text, req.Queue)
	if err != nil {
		r.failOffset(err)
		return
	}
	zero := req.SetZeroIfNotFound
	query := core.OffsetQuery{Queue: queue, Kind: core.OffsetCommitted, Group: c.intern(req.Group).text}
	c.offset(query, func(info core.OffsetInfo) {
		if core.CodeOf(info.Err) == core.OffsetNotFound && info.Min == 0 && zero {
			info = core.OffsetInfo{}
		}
		if info.Err != nil {
			r.failOffset(info.Err)
			return
		}
		r.offset(info.Offset)
	}, r)
}

// failOffset answers "nothing committed" for what does not exist yet: clients
// ask before their topic or group has its first message.
func (r *request) failOffset(err error) {
	switch core.CodeOf(err) {
	case core.TopicNotFound, core.GroupNotFound, core.OffsetNotFound:
		r.refuse(wire.QueryNotFound, "Not found, maybe this group consumer boot first")
	default:
		r.fail(err)
	}
}

func (c *conn) commitOffset(r request) {
	var req wire.OffsetRequest
	if err := req.DecodeCommit(c.cmd.Ext); err != nil {
		r.fail(err)
		return
	}
	queue, _, err := c.queue(c.intern(req.Topic).text, req.Queue)
	if err != nil {
		r.fail(err)
		return
	}
	c.commit[0] = core.CursorOffset{Group: c.intern(req.Group).text, Queue: queue, Offset: core.Offset(req.Commit)}
	if r.oneway {
		c.core().Commit(c.commit[:], nil)
		r.done()
		return
	}
	c.core().Commit(c.commit[:], func(err error) {
		if err != nil {
			r.fail(err)
			return
		}
		r.answer(wire.Success, nil, nil)
	})
}

func (c *conn) searchOffset(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	query := core.OffsetQuery{
		Kind: core.OffsetByTime, Time: a.Int64("timestamp"), Upper: a.Optional("boundaryType") == "UPPER",
	}
	c.queueOffset(r, a, query)
}

func (c *conn) maxOffset(r request) {
	c.queueOffset(r, wire.NewArgs(c.cmd.Ext), core.OffsetQuery{Kind: core.OffsetMax})
}

func (c *conn) minOffset(r request) {
	c.queueOffset(r, wire.NewArgs(c.cmd.Ext), core.OffsetQuery{Kind: core.OffsetMin})
}

func (c *conn) earliestTime(r request) {
	c.queueOffset(r, wire.NewArgs(c.cmd.Ext), core.OffsetQuery{Kind: core.OffsetEarliestTime})
}

// queueOffset answers a question about the queue that the request names.
func (c *conn) queueOffset(r request, a *wire.Args, query core.OffsetQuery) {
	topic, number := a.Text("topic"), a.Int32("queueId")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	var err error
	if query.Queue, _, err = c.queue(topic, number); err != nil {
		r.fail(err)
		return
	}
	c.offset(query, func(info core.OffsetInfo) {
		switch {
		case info.Err != nil:
			r.fail(info.Err)
		case query.Kind == core.OffsetEarliestTime:
			r.answer(wire.Success, func(w *wire.Writer) { w.Int("timestamp", info.Time) }, nil)
		default:
			r.offset(info.Offset)
		}
	}, r)
}

// offset asks core one question; found gets the answer on the loop.
func (c *conn) offset(query core.OffsetQuery, found func(core.OffsetInfo), r request) {
	c.core().Offsets([]core.OffsetQuery{query}, func(infos []core.OffsetInfo, err error) {
		if err != nil {
			r.fail(err)
			return
		}
		found(infos[0])
	})
}

func (r *request) offset(o core.Offset) {
	r.answer(wire.Success, func(w *wire.Writer) { w.Int("offset", int64(o)) }, nil)
}
