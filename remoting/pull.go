package remoting

import (
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Pulling
//
//	 11 PULL_MESSAGE       all clients
//	361 LITE_PULL_MESSAGE  Java 5.x lite pull consumers; the same
//
// With SUSPEND in sysFlag a pull at the end of its queue waits in core until a
// matching message comes, suspendTimeoutMillis at most. With COMMIT_OFFSET it
// stores commitOffset first. With SUBSCRIPTION it brings its filter; otherwise the
// group's heartbeat gave it.
//
// Answers: 0 with messages; 19 nothing there; 20 nothing that matches, ask again
// at once; 21 the offset is not one of the queue. All four carry nextBeginOffset,
// minOffset, maxOffset and suggestWhichBrokerId, which Java insists on.
//
// Deviations: class filters are ignored. A client that does not read its answers
// is told 20 with its own offset, so that no more is held for it.

const (
	// maxWait bounds the wait of a pull; clients ask for 15 to 20 s.
	maxWait = 2 * time.Minute
	// maxPullBytes bounds what a client may ask for in one answer: far below
	// the largest frame.
	maxPullBytes = 1 << 20
	// maxPullMessages likewise.
	maxPullMessages = 1024
)

func (c *conn) pull(r request) {
	var req wire.PullRequest
	if err := req.Decode(c.cmd.Ext); err != nil {
		r.fail(err)
		return
	}
	p, err := c.preparePull(&req)
	if err != nil {
		r.fail(err)
		return
	}
	if req.SysFlag&wire.PullCommitOffset != 0 && req.CommitOffset >= 0 {
		c.commit[0] = core.CursorOffset{Group: p.Group, Queue: p.Queue, Offset: core.Offset(req.CommitOffset)}
		c.core().Commit(c.commit[:], nil)
	}
	old := readsOldFormat(c.cmd.Language)
	volume := c.volume(p.Group, c.intern(req.Topic).text)
	c.core().Pull(p, func(records *core.Records, err error) {
		if err == nil && records.Count > 0 {
			volume.add(time.Now().UnixMilli(), int64(records.Count), int64(len(records.Bytes())))
		}
		r.pulled(records, err, p.Offset, old)
	})
}

// preparePull turns the request into core's.
func (c *conn) preparePull(req *wire.PullRequest) (p core.Pull, err error) {
	topic := c.intern(req.Topic).text
	queue, info, err := c.queue(topic, req.Queue)
	if err != nil {
		return p, err
	}
	if c.server.allowed(info.Perm)&core.PermRead == 0 {
		return p, core.Errorf(core.NoPermission, "the topic[%s] pulling message is forbidden", topic)
	}
	p = core.Pull{
		Queue: queue, Group: c.intern(req.Group).text, Offset: core.Offset(req.Offset),
		MaxMessages: int(min(max(req.MaxMessages, 0), maxPullMessages)),
		MaxBytes:    int(min(max(req.MaxBytes, 0), maxPullBytes)),
	}
	if req.SysFlag&wire.PullSuspend != 0 {
		p.Wait = min(max(time.Duration(req.SuspendMillis), 0), time.Duration(maxWait.Milliseconds())) * time.Millisecond
	}
	if req.SysFlag&wire.PullSubscription != 0 {
		p.Filter, err = c.filter(req.ExpressionType, req.Subscription)
	}
	return p, err
}

// pulled answers a pull. It runs on the shard's loop.
func (r *request) pulled(records *core.Records, err error, asked core.Offset, old bool) {
	if err != nil {
		r.fail(err)
		return
	}
	if old && wire.NeedsConversion(records.Bytes()) {
		// Inflating takes long: never on the loop.
		r.conn.server.goroutines.Go(func() {
			r.sendRecords(records, wire.ConvertMessages(nil, records.Bytes()), asked)
			r.conn.out.flush()
		})
		return
	}
	r.sendRecords(records, records.Bytes(), asked)
}

func (r *request) sendRecords(records *core.Records, body []byte, asked core.Offset) {
	defer records.Release()
	out := &r.conn.out
	b, open := out.begin()
	if !open || r.oneway {
		out.finish(b)
		return
	}
	code, next := pullCode(records.Status), records.Next
	if len(body) > 0 && out.full() {
		code, next, body = wire.PullRetryImmediately, asked, nil
	}
	w := wire.BeginAnswer(b, r.serialization, code, r.opaque)
	w.Int("suggestWhichBrokerId", 0)
	w.Int("nextBeginOffset", int64(next))
	w.Int("minOffset", int64(records.Min))
	w.Int("maxOffset", int64(records.Max))
	w.Int("topicSysFlag", 0)
	w.Int("groupSysFlag", 0)
	w.Body(body)
	out.finish(w.End())
}

func pullCode(s core.PullStatus) wire.ResponseCode {
	switch s {
	case core.PullFound:
		return wire.Success
	case core.PullNoMatch:
		return wire.PullRetryImmediately
	case core.PullOffsetMoved:
		return wire.PullOffsetMoved
	}
	return wire.PullNotFound
}

// readsOldFormat reports whether clients of a language know messages only as
// they were at first: compressed by zlib or not at all.
func readsOldFormat(l wire.Language) bool {
	return l == wire.Go || l == wire.CPP || l == wire.Python
}
