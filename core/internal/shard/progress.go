package shard

import (
	"slices"
	"strings"

	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
)

// progressRequest is a Progress.
type progressRequest struct {
	client *Client
	query  GroupQuery
	done   func([]Progress, error)
}

// Progress queues the call. See core.Client.
func (c *Client) Progress(q GroupQuery, done func([]Progress, error)) {
	c.add(&progressRequest{c, q, done})
}

func (r *progressRequest) class() class     { return reads }
func (r *progressRequest) refuse(err error) { r.done(nil, err) }

func (r *progressRequest) decide(s *Shard) {
	s.touch(r.client)
	g, t := s.state.Group(r.query.Group), s.state.Topic(r.query.Topic)
	switch {
	case g == nil:
		r.done(nil, model.Errorf(model.GroupNotFound, "there is no group %s", r.query.Group))
	case t == nil && r.query.Topic != "":
		r.done(nil, model.Errorf(model.TopicNotFound, "there is no topic %s", r.query.Topic))
	default:
		topics := []*state.Topic{t}
		if t == nil {
			topics = s.topicsOf(g)
		}
		var all []Progress
		for _, t := range topics {
			for _, q := range t.Queues {
				if p, ok := s.progressOf(g, q, r.query.InFlight); ok {
					all = append(all, p)
				}
			}
		}
		r.done(all, nil)
	}
}

// topicsOf returns the topics that a group has progress in. It looks at every cursor.
func (s *Shard) topicsOf(g *state.Group) (topics []*state.Topic) {
	seen := make(map[model.TopicID]bool)
	s.state.EachCursor(func(id model.CursorID, _ *cursor.Cursor) {
		if id.Group == g.ID && !seen[id.Queue.Topic] {
			seen[id.Queue.Topic] = true
			topics = append(topics, s.state.TopicByID(id.Queue.Topic))
		}
	})
	slices.SortFunc(topics, func(a, b *state.Topic) int { return strings.Compare(a.Config.Name, b.Config.Name) })
	return topics
}

// progressOf returns a group's progress in one queue, if it has begun there.
func (s *Shard) progressOf(g *state.Group, q *state.Queue, limit int) (p Progress, ok bool) {
	id := s.cursorID(g, q)
	c := s.state.Cursor(id)
	if c == nil {
		return p, false
	}
	p = Progress{
		Topic: q.Topic.Config.Name, Queue: id.Queue, Min: s.first(q), Max: s.queueAt(q.Slot).visible,
		Floor: c.Floor(), Read: c.ReadOffset(),
		InFlight: c.InFlight(), Waiting: c.Waiting(s.popNow(), s.owners.alive), Locked: c.Locked(s.popNow(), s.owners.alive),
	}
	c.Each(func(offset model.Offset, slot cursor.Slot) bool {
		if len(p.Messages) == limit {
			return false
		}
		p.Messages = append(p.Messages, InFlight{
			Offset: offset, Attempt: slot.Attempt, PopTime: slot.PopTime,
			Deadline: slot.Deadline, Owner: s.owners.name(slot.Owner),
			Locked: slot.Key != 0,
		})
		return true
	})
	return p, true
}
