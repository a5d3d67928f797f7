package shard

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

// A survey is what tools ask for: everything of a kind. It looks at so much in one
// step and goes on in the next, so what it finds is not of one moment.

// surveyStep is how many cursors a survey looks at in one step.
const surveyStep = 10_000

// CursorQuery selects cursors; an empty name selects all.
type CursorQuery struct{ Group, Topic string }

// CursorInfo is a group's committed offset in one queue.
type CursorInfo struct {
	Group, Topic string
	Queue        model.Queue
	Offset       model.Offset
}

// cursorsRequest is a Cursors.
type cursorsRequest struct {
	client *Client
	query  CursorQuery
	done   func([]CursorInfo, error)

	next  int // cursor to look at
	found []CursorInfo
}

// Cursors queues the call. See core.Client.
func (c *Client) Cursors(q CursorQuery, done func([]CursorInfo, error)) {
	c.add(&cursorsRequest{client: c, query: q, done: done})
}

func (r *cursorsRequest) class() class     { return reads }
func (r *cursorsRequest) refuse(err error) { r.done(nil, err) }

func (r *cursorsRequest) decide(s *Shard) {
	if r.next == 0 {
		r.gathered(s)
	}
	next, more := s.state.Cursors(r.next, surveyStep, func(id model.CursorID, c *cursor.Cursor) {
		if _, newer := s.commits.offsets[id]; !newer {
			r.add(s, id, c.Floor())
		}
	})
	r.next = next
	if more && s.inbox.putNow(&run{reqs: []request{r}}) {
		return
	}
	slices.SortFunc(r.found, func(a, b CursorInfo) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Queue.Num, b.Queue.Num))
	})
	s.touch(r.client)
	r.done(r.found, nil)
}

// gathered adds the one-way commits that are not yet in the log.
func (r *cursorsRequest) gathered(s *Shard) {
	for _, id := range s.commits.order {
		offset, ok := s.commits.offsets[id]
		if !ok {
			continue
		}
		if c := s.state.Cursor(id); c != nil && !c.Accepts(record.OffsetCommit) {
			offset = c.Floor()
		}
		r.add(s, id, offset)
	}
}

func (r *cursorsRequest) add(s *Shard, id model.CursorID, offset model.Offset) {
	g, t := s.state.GroupByID(id.Group), s.state.TopicByID(id.Queue.Topic)
	if g == nil || t == nil || !wanted(r.query.Group, g.Config.Name) || !wanted(r.query.Topic, t.Config.Name) {
		return
	}
	r.found = append(r.found, CursorInfo{Group: g.Config.Name, Topic: t.Config.Name, Queue: id.Queue, Offset: offset})
}

func wanted(name, is string) bool { return name == "" || name == is }

// LiveClient is a client that said what it is, and has not left since.
type LiveClient struct {
	ClientState
	Protocol string
	Remote   netip.AddrPort
	Seen     int64 // ms since 1970, when it said so last
}

// clientsRequest is a Clients.
type clientsRequest struct {
	client *Client
	done   func([]LiveClient, error)
}

// Clients queues the call. See core.Client.
func (c *Client) Clients(done func([]LiveClient, error)) {
	c.add(&clientsRequest{c, done})
}

func (r *clientsRequest) class() class     { return reads }
func (r *clientsRequest) refuse(err error) { r.done(nil, err) }

func (r *clientsRequest) decide(s *Shard) {
	list := make([]LiveClient, 0, len(s.members.all))
	for m := range s.members.all {
		list = append(list, LiveClient{
			ClientState: m.state, Protocol: m.client.info.Protocol, Remote: m.client.info.Remote, Seen: m.seen,
		})
	}
	slices.SortFunc(list, func(a, b LiveClient) int {
		return cmp.Or(cmp.Compare(a.ClientID, b.ClientID), a.Remote.Compare(b.Remote))
	})
	s.touch(r.client)
	r.done(list, nil)
}

// timeAt finds when the first message at an offset or above was stored: that of
// the last one, if the offset is below 0.
func (s *Shard) timeAt(q *state.Queue, o *OffsetQuery, info *OffsetInfo) (apart func() error) {
	visible, at := s.queueAt(q.Slot).visible, o.At
	if at < 0 {
		at = q.Gaps().LastBefore(visible)
	}
	info.Offset = max(at, info.Min)
	x, ok := s.index.Range(q.Slot, info.Offset)
	if !ok || info.Offset >= visible || x.First >= visible {
		return nil
	}
	info.Offset = max(info.Offset, x.First)
	if x.Sealed == nil {
		x.Scan(info.Offset, info.Offset+1, func(p index.Place) bool {
			info.Time = p.Time
			return false
		})
		return nil
	}
	return func() error {
		return x.Read(info.Offset, info.Offset+1, func(p index.Place) bool {
			info.Time = p.Time
			return false
		})
	}
}
