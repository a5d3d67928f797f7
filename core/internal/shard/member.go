package shard

import (
	"slices"
	"strings"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
)

// memberLease is how long a client stays a member without an Update, in ms. The
// clients send one every 30 s.
const memberLease = 120_000

// members are the live consumers of each group. They are in no record: who
// lives is known anew after a restart.
type members struct {
	groups    map[string]*membership
	all       map[*member]struct{}
	producers producers
}

type membership struct {
	list    []*member // ordered by client id
	filters map[string]*filter.Filter
}

// member is a client that said what it is.
type member struct {
	client *Client
	state  ClientState
	lease  alarmID
	seen   int64 // when it sent its last Update, ms since 1970
}

// subscription returns what a group's newest member wants of a topic.
func (m *members) subscription(group, topic string) *filter.Filter {
	if g := m.groups[group]; g != nil {
		return g.filters[topic]
	}
	return nil
}

// updateRequest is an Update.
type updateRequest struct {
	client *Client
	state  ClientState
	done   func(UpdateResult, error)

	result  UpdateResult
	changed []string // groups whose members are to be told
}

// Update queues the call. See core.Client.
func (c *Client) Update(state ClientState, done func(UpdateResult, error)) {
	c.add(&updateRequest{client: c, state: state, done: done})
}

func (r *updateRequest) class() class     { return appends }
func (r *updateRequest) refuse(err error) { r.done(UpdateResult{}, err) }

func (r *updateRequest) decide(s *Shard) {
	if r.client.closed {
		r.complete(s, errShuttingDown)
		return
	}
	for i := range r.state.Consumers {
		if err := s.mayUse(r.state.Consumers[i].Group); err != nil {
			s.touch(r.client)
			r.refuse(err)
			return
		}
	}
	at := model.LSN(0)
	for i := range r.state.Consumers {
		at = max(at, s.prepareGroup(&r.state.Consumers[i]))
	}
	r.changed = s.join(r.client, r.state)
	r.result.Changed = len(r.changed) > 0
	if at > s.durable {
		s.when(atDurable, at, r)
		return
	}
	r.complete(s, nil)
}

func (r *updateRequest) complete(s *Shard, err error) {
	s.touch(r.client)
	r.done(r.result, err)
	for _, group := range r.changed {
		s.tellMembers(group)
	}
}

// prepareGroup sees that a consumer's group exists and, unless it broadcasts,
// the topic that its messages are retried from. It returns up to where the log must be
// durable for that.
func (s *Shard) prepareGroup(c *Consumer) model.LSN {
	g := s.groupFor(c.Group)
	switch {
	case c.Broadcast:
		return g.Changed
	case c.Pop: // retried in place
		return max(g.Changed, s.beginGroup(g, c.Subscriptions))
	}
	t := s.groupTopic(model.RetryPrefix + c.Group)
	return max(g.Changed, t.Changed)
}

// beginGroup settles where a group begins in the topics that it receives from, so
// that nothing is missed that is sent before its first call. It returns up to where the
// log must be written for that.
func (s *Shard) beginGroup(g *state.Group, topics []Subscription) (at model.LSN) {
	for i := range topics {
		before := s.frameEnd()
		if t := s.state.Topic(topics[i].Topic); t != nil {
			s.outlet(g, t)
		}
		if end := s.frameEnd(); end > before {
			at = end
		}
	}
	return at
}

// join makes a client the member that it says it is. It returns the groups that changed.
func (s *Shard) join(c *Client, state ClientState) (changed []string) {
	var before []Consumer
	if c.member == nil {
		c.member = &member{client: c}
		if s.members.all == nil {
			s.members.all = make(map[*member]struct{})
		}
		s.members.all[c.member] = struct{}{}
		s.count.Members++
	} else {
		s.alarms.cancel(s, c.member.lease)
		before = c.member.state.Consumers
	}
	m := c.member
	m.lease = s.alarms.set(s, s.now.Mono+memberLease, m)
	renamed := m.state.ClientID != state.ClientID
	for i := range before {
		if old := &before[i]; renamed || findConsumer(state.Consumers, old.Group) == nil {
			s.members.remove(old.Group, m)
			changed = append(changed, old.Group)
		}
	}
	s.members.producers.replace(s, m, state.Producers)
	m.state, m.seen = state, s.now.Wall
	for i := range state.Consumers {
		now := &state.Consumers[i]
		if old := findConsumer(before, now.Group); s.members.put(m, now) || old == nil || !sameConsumer(old, now) {
			if !slices.Contains(changed, now.Group) {
				changed = append(changed, now.Group)
			}
		}
	}
	return changed
}

func findConsumer(list []Consumer, group string) *Consumer {
	i := slices.IndexFunc(list, func(c Consumer) bool { return c.Group == group })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// sameConsumer compares what makes other members rebalance.
func sameConsumer(a, b *Consumer) bool {
	return a.Broadcast == b.Broadcast && slices.EqualFunc(a.Subscriptions, b.Subscriptions, func(x, y Subscription) bool {
		return x.Topic == y.Topic && x.Kind == y.Kind && x.Expression == y.Expression
	})
}

func byClientID(m *member, id string) int { return strings.Compare(m.state.ClientID, id) }

// put lists a member in a group. A member of the same client id is replaced: the
// client has a new connection. It reports whether the list changed.
func (m *members) put(who *member, c *Consumer) (changed bool) {
	if m.groups == nil {
		m.groups = make(map[string]*membership)
	}
	g := m.groups[c.Group]
	if g == nil {
		g = &membership{filters: make(map[string]*filter.Filter)}
		m.groups[c.Group] = g
	}
	for i := range c.Subscriptions {
		g.filters[c.Subscriptions[i].Topic] = c.Subscriptions[i].Filter
	}
	i, found := slices.BinarySearchFunc(g.list, who.state.ClientID, byClientID)
	if found {
		changed = g.list[i] != who
		g.list[i] = who
		return changed
	}
	g.list = slices.Insert(g.list, i, who)
	return true
}

// remove takes a member off a group's list.
func (m *members) remove(group string, who *member) {
	g := m.groups[group]
	if g == nil {
		return
	}
	i := slices.Index(g.list, who)
	if i < 0 {
		return
	}
	if g.list = slices.Delete(g.list, i, i+1); len(g.list) == 0 {
		delete(m.groups, group)
	}
}

// ring is the end of a member's lease.
func (m *member) ring(s *Shard) {
	s.logger.Info("a client is no longer a member: no heartbeat for two minutes", "client", m.state.ClientID)
	s.forget(m)
}

// leaveAll ends the memberships of a client.
func (s *Shard) leaveAll(c *Client) {
	if c.member != nil {
		s.alarms.cancel(s, c.member.lease)
		s.forget(c.member)
	}
}

func (s *Shard) forget(m *member) {
	m.client.member = nil
	delete(s.members.all, m)
	s.count.Members--
	s.members.producers.replace(s, m, nil)
	for i := range m.state.Consumers {
		group := m.state.Consumers[i].Group
		s.members.remove(group, m)
		s.tellMembers(group)
	}
}

// tellMembers has the members of a group rebalance. Those who broadcast read
// every queue anyway.
func (s *Shard) tellMembers(group string) {
	g := s.members.groups[group]
	if g == nil {
		return
	}
	for _, m := range g.list {
		c := findConsumer(m.state.Consumers, group)
		if c == nil || c.Broadcast || m.client.info.Push == nil {
			continue
		}
		m.client.info.Push(Command{Kind: MembersChanged, Group: group})
		s.touch(m.client)
	}
}

// leaveRequest is a Leave.
type leaveRequest struct {
	client             *Client
	producer, consumer string
	done               func(error)
}

// Leave queues the call. See core.Client.
func (c *Client) Leave(producerGroup, consumerGroup string, done func(error)) {
	c.add(&leaveRequest{c, producerGroup, consumerGroup, done})
}

// class keeps a Leave behind an Update that waits.
func (r *leaveRequest) class() class     { return appends }
func (r *leaveRequest) refuse(err error) { r.done(err) }

func (r *leaveRequest) decide(s *Shard) {
	if m := r.client.member; m != nil {
		left := slices.DeleteFunc(slices.Clone(m.state.Producers), func(g string) bool { return g == r.producer })
		s.members.producers.replace(s, m, left)
		m.state.Producers = left
		if findConsumer(m.state.Consumers, r.consumer) != nil {
			m.state.Consumers = slices.DeleteFunc(slices.Clone(m.state.Consumers), func(c Consumer) bool { return c.Group == r.consumer })
			s.members.remove(r.consumer, m)
			if g := s.state.Group(r.consumer); g != nil {
				s.locks.leave(s, r.client, g.ID)
			}
			s.tellMembers(r.consumer)
		}
	}
	s.touch(r.client)
	r.done(nil)
}

// membersRequest is a Members.
type membersRequest struct {
	client *Client
	group  string
	done   func([]Member, error)
}

// Members queues the call. See core.Client.
func (c *Client) Members(group string, done func([]Member, error)) {
	c.add(&membersRequest{c, group, done})
}

func (r *membersRequest) class() class     { return reads }
func (r *membersRequest) refuse(err error) { r.done(nil, err) }

func (r *membersRequest) decide(s *Shard) {
	var list []Member
	if g := s.members.groups[r.group]; g != nil {
		for _, m := range g.list {
			list = append(list, Member{
				ClientID: m.state.ClientID, Remote: m.client.info.Remote,
				Language: m.state.Language, Version: m.state.Version,
				Consumer: *findConsumer(m.state.Consumers, r.group),
			})
		}
	}
	s.touch(r.client)
	r.done(list, nil)
}
