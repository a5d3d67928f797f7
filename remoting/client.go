package remoting

import (
	"hash/fnv"
	"slices"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Clients and groups
//
//	 34 HEART_BEAT                    who a client is, its groups and subscriptions
//	 35 UNREGISTER_CLIENT             Java and C++ at their end; Go just closes
//	 38 GET_CONSUMER_LIST_BY_GROUP    the members, by which clients rebalance
//	203 GET_CONSUMER_CONNECTION_LIST  the same for tools
//	204 GET_PRODUCER_CONNECTION_LIST  the producers of a group; 328 those of all groups
//	 46 CHECK_CLIENT_CONFIG           before it starts, a consumer asks whether its filter is
//	                                  understood: 23 and the reason if not
//	 40 NOTIFY_CONSUMER_IDS_CHANGED   sent to all members of a group that changed,
//	                                  the new one too: without it a Java pull
//	                                  consumer does nothing for a long time
//
// Heartbeat V2 (5.1 and later): once the server knows a client's subscriptions a
// short form without them refreshes it. IS_SUB_CHANGE=true asks for the full form.
//
// Deviations: a subscription whose expression is not understood is refused with 23
// and that group is not registered, where upstream takes it and delivers nothing or
// everything. SQL92 is always on. A group's retry topic is not filtered by the
// subscription of the topic that a message came from. A short heartbeat that the server cannot relate to
// anything is answered with IS_SUB_CHANGE=true, which upstream forgets.

const (
	extHeartbeatV2 = "IS_SUPPORT_HEART_BEAT_V2"
	extSubChange   = "IS_SUB_CHANGE"
)

// membership is what a connection's last full heartbeat said.
type membership struct {
	known       bool
	fingerprint int64
	state       core.ClientState
	body        uint64 // hash of the body that state was made of
}

func (c *conn) heartbeat(r request) {
	c.old.Store(readsOldFormat(c.cmd.Language))
	sum := fnv.New64a()
	_, _ = sum.Write(c.cmd.Body)
	if c.member.known && c.member.body == sum.Sum64() {
		c.update(r, false) // what was said 30 s ago
		return
	}
	var h wire.Heartbeat
	if err := h.Decode(c.cmd.Body); err != nil {
		r.refuse(wire.InvalidParameter, err.Error())
		return
	}
	if h.ClientID == "" {
		r.refuse(wire.InvalidParameter, "the heartbeat has no clientID")
		return
	}
	if h.WithoutSub {
		c.refresh(r, &h)
		return
	}
	state, err := c.clientState(&h)
	c.member = membership{known: err == nil, fingerprint: h.Fingerprint, state: state, body: sum.Sum64()}
	c.server.peers.put(c, state)
	if err != nil {
		// The groups that are in order are registered all the same.
		c.core().Update(state, func(core.UpdateResult, error) { r.fail(err) })
		return
	}
	// Without a fingerprint the client does not speak heartbeat V2.
	c.update(r, h.Fingerprint == 0)
}

// refresh handles the short form of heartbeat V2.
func (c *conn) refresh(r request, h *wire.Heartbeat) {
	m := &c.member
	if !m.known || m.fingerprint != h.Fingerprint || m.state.ClientID != h.ClientID {
		r.heartbeat(true)
		return
	}
	c.update(r, false)
}

// update tells core what the last heartbeat said.
func (c *conn) update(r request, always bool) {
	c.core().Update(c.member.state, func(result core.UpdateResult, err error) {
		if err != nil {
			r.fail(err)
			return
		}
		r.heartbeat(always || result.Changed)
	})
}

func (r *request) heartbeat(changed bool) {
	r.answer(wire.Success, func(w *wire.Writer) {
		w.Text(extHeartbeatV2, "true")
		w.Text(extSubChange, boolText(changed))
	}, nil)
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// clientState turns a heartbeat into core's terms. Consumers whose subscriptions
// cannot be taken are left out; the error says why.
func (c *conn) clientState(h *wire.Heartbeat) (state core.ClientState, refused error) {
	state = core.ClientState{ClientID: h.ClientID, Language: c.cmd.Language.String(), Version: c.cmd.Version}
	for _, p := range h.Producers {
		if p.Group != "" {
			state.Producers = append(state.Producers, p.Group)
		}
	}
	for i := range h.Consumers {
		consumer, err := c.consumer(&h.Consumers[i])
		if err != nil {
			refused = err
			continue
		}
		state.Consumers = append(state.Consumers, consumer)
	}
	return state, refused
}

func (c *conn) consumer(data *wire.ConsumerData) (core.Consumer, error) {
	consumer := core.Consumer{
		Group: data.Group, Broadcast: data.Broadcast(),
		Passive: data.TypeName() == "CONSUME_PASSIVELY", From: data.FromName(),
	}
	if err := core.ValidGroup(data.Group); err != nil {
		return consumer, err
	}
	for _, s := range data.Subscriptions {
		f, err := c.filter([]byte(s.Type), []byte(s.Expression))
		if err != nil {
			return consumer, err
		}
		consumer.Subscriptions = append(consumer.Subscriptions, core.Subscription{
			Topic: s.Topic, Kind: s.Type, Expression: s.Expression, Version: int64(s.Version), Filter: f,
		})
	}
	return consumer, nil
}

func (c *conn) unregister(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	id := a.Text("clientID")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	c.member = membership{state: c.member.state} // its next heartbeat is looked at in full
	producer, consumer := a.Optional("producerGroup"), a.Optional("consumerGroup")
	c.server.peers.leave(id, producer, consumer)
	c.core().Leave(producer, consumer, func(err error) {
		if err != nil {
			r.fail(err)
			return
		}
		r.answer(wire.Success, nil, nil)
	})
}

func (c *conn) consumerList(r request) {
	c.members(r, func(group string, members []core.Member) {
		if len(members) == 0 {
			r.refuse(wire.SystemError, "no consumer for this group, "+group)
			return
		}
		list := wire.ConsumerIDs{}
		for i := range members {
			list.IDs = append(list.IDs, members[i].ClientID)
		}
		r.answer(wire.Success, nil, wire.EncodeBody(list))
	})
}

func (c *conn) consumerConnections(r request) {
	c.members(r, func(group string, members []core.Member) {
		if len(members) == 0 {
			r.refuse(wire.ConsumerNotOnline, "the consumer group "+group+" not online")
			return
		}
		r.answer(wire.Success, nil, wire.EncodeBody(connections(members)))
	})
}

func (c *conn) producerConnections(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	group := a.Text("producerGroup")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	c.core().Clients(func(clients []core.LiveClient, err error) {
		if err != nil {
			r.fail(err)
			return
		}
		body := wire.ProducerConnection{}
		for i := range clients {
			l := &clients[i]
			if slices.Contains(l.Producers, group) {
				body.Connections = append(body.Connections, wire.Connection{
					ID: l.ClientID, Addr: l.Remote.String(), Language: l.Language, Version: l.Version,
				})
			}
		}
		if len(body.Connections) == 0 {
			r.refuse(wire.SystemError, "the producer group["+group+"] not exist")
			return
		}
		r.answer(wire.Success, nil, wire.EncodeBody(body))
	})
}

func (c *conn) allProducers(r request) {
	c.core().Clients(func(clients []core.LiveClient, err error) {
		if err != nil {
			r.fail(err)
			return
		}
		body := wire.ProducerTable{Data: map[string][]wire.ProducerInfo{}}
		for i := range clients {
			l := &clients[i]
			for _, group := range l.Producers {
				body.Data[group] = append(body.Data[group], wire.ProducerInfo{
					ID: l.ClientID, Language: l.Language, Updated: l.Seen, RemoteIP: l.Remote.String(), Version: l.Version,
				})
			}
		}
		r.answer(wire.Success, nil, wire.EncodeBody(body))
	})
}

func (c *conn) checkClient(r request) {
	var body wire.ClientCheck
	if err := wire.DecodeBody("client configuration", c.cmd.Body, &body); err != nil {
		r.refuse(wire.InvalidParameter, err.Error())
		return
	}
	if s := body.Subscription; s != nil {
		if _, err := c.filter([]byte(s.Type), []byte(s.Expression)); err != nil {
			r.fail(err)
			return
		}
	}
	r.answer(wire.Success, nil, nil)
}

// members asks core for the consumers of the group that the request names.
func (c *conn) members(r request, found func(group string, members []core.Member)) {
	a := wire.NewArgs(c.cmd.Ext)
	group := a.Text("consumerGroup")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	c.core().Members(group, func(members []core.Member, err error) {
		if err != nil {
			r.fail(err)
			return
		}
		found(group, members)
	})
}

// connections describes the members of a group to tools. What is the group's is
// taken from its first member.
func connections(members []core.Member) wire.ConsumerConnection {
	first := &members[0].Consumer
	body := wire.ConsumerConnection{
		From: first.From, Type: "CONSUME_ACTIVELY", Model: "CLUSTERING",
		Subscriptions: map[string]wire.SubscriptionData{},
	}
	if first.Passive {
		body.Type = "CONSUME_PASSIVELY"
	}
	if first.Broadcast {
		body.Model = "BROADCASTING"
	}
	for i := range members {
		m := &members[i]
		body.Connections = append(body.Connections, wire.Connection{
			ID: m.ClientID, Addr: m.Remote.String(), Language: m.Language, Version: m.Version,
		})
		for _, s := range m.Consumer.Subscriptions {
			body.Subscriptions[s.Topic] = subscriptionData(&s)
		}
	}
	return body
}

// subscriptionData describes a subscription to tools.
func subscriptionData(s *core.Subscription) wire.SubscriptionData {
	return wire.SubscriptionData{
		Topic: s.Topic, Type: s.Kind, Expression: s.Expression, Version: s.Version,
		CodeSet: []int32{}, TagsSet: []string{},
	}
}

// push sends what core wants of the client. It runs on the shard's loop, which
// flushes afterwards.
func (c *conn) push(cmd core.Command) {
	switch cmd.Kind {
	case core.CheckTransaction:
		c.checkTransaction(cmd.Check)
	case core.MembersChanged:
		c.membersChanged(cmd.Group)
	}
}

func (c *conn) membersChanged(group string) {
	c.tell(wire.NotifyConsumerIDsChanged, func(w *wire.Writer) { w.Text("consumerGroup", group) })
}

// tell writes a one-way request of the server's own.
func (c *conn) tell(code wire.RequestCode, fill func(*wire.Writer)) {
	c.request(func() wire.Head {
		c.pushed++
		return wire.Head{Code: int32(code), Opaque: c.pushed, Flag: wire.FlagOneway}
	}, fill)
}

// request writes a request of the server's own; head is called with the connection's
// output held. It reports whether the connection still takes any.
func (c *conn) request(head func() wire.Head, fill func(*wire.Writer)) bool {
	b, open := c.out.begin()
	if !open {
		c.out.end(b)
		return false
	}
	h := head()
	h.Serialization, h.Version = wire.JSON, wire.VersionSpoken
	w := wire.Begin(b, h)
	fill(&w)
	c.out.end(w.End())
	return true
}
