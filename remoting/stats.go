package remoting

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Statistics
//
//	202 GET_TOPIC_STATS_INFO            offsets of a topic's queues
//	208 GET_CONSUME_STATS               how far a group is: in one topic, or in all
//	300 QUERY_TOPIC_CONSUME_BY_WHO      groups of a topic: those with an offset, and those online
//	303 QUERY_CONSUME_TIME_SPAN         how far behind it is, in times of the store
//	317 GET_BROKER_CONSUME_STATS        208 of every group
//	343 QUERY_TOPICS_BY_CONSUMER        topics of a group, as 300
//	345 QUERY_SUBSCRIPTION_BY_CONSUMER  what an online group wants of a topic
//	 43 GET_ALL_CONSUMER_OFFSET         every offset of every group
//
// The figures are core's at the moment of asking. A group with nothing committed in
// a queue is shown with offset 0 there, as upstream does.

// queueStats asks for the ends of queues, and when their last message came.
func (a *asker) queueStats(queues []core.Queue) ([]core.OffsetInfo, error) {
	queries := make([]core.OffsetQuery, 0, 2*len(queues))
	for _, q := range queues {
		queries = append(queries,
			core.OffsetQuery{Queue: q, Kind: core.OffsetMax}, core.OffsetQuery{Queue: q, Kind: core.OffsetTimeAt, At: -1})
	}
	return a.offsets(queries)
}

func (a *asker) messageQueue(topic string, num int32) wire.MessageQueue {
	return wire.MessageQueue{Broker: a.server.shard.BrokerName, Queue: num, Topic: topic}
}

func (c *conn) topicStats(r request) {
	args := wire.NewArgs(c.cmd.Ext)
	name := args.Text("topic")
	if err := args.Err(); err != nil {
		r.fail(err)
		return
	}
	c.apart(r, func(a *asker) error {
		t, err := a.topic(name)
		if err != nil {
			return err
		}
		queues := a.queueIDs(t)
		infos, err := a.queueStats(queues)
		if err != nil {
			return err
		}
		var stats []wire.QueueEntry[wire.TopicOffset]
		for i, q := range queues {
			ends, last := &infos[2*i], &infos[2*i+1]
			if ends.Err != nil {
				return ends.Err
			}
			stats = append(stats, wire.QueueEntry[wire.TopicOffset]{
				Queue: a.messageQueue(name, q.Num),
				Value: wire.TopicOffset{Min: int64(ends.Min), Max: int64(ends.Offset), Updated: max(last.Time, 0)},
			})
		}
		r.answer(wire.Success, nil, wire.TopicStats(stats))
		return nil
	})
}

func (c *conn) consumeStats(r request) {
	args := wire.NewArgs(c.cmd.Ext)
	group := args.Text("consumerGroup")
	if err := args.Err(); err != nil {
		r.fail(err)
		return
	}
	var topics []string
	for name := range strings.SplitSeq(args.Optional("topicList")+";"+args.Optional("topic"), ";") {
		if name != "" {
			topics = append(topics, name)
		}
	}
	c.apart(r, func(a *asker) error {
		stats, err := a.groupStats(group, topics)
		if err != nil {
			return err
		}
		r.answer(wire.Success, nil, wire.ConsumeStats(stats, a.server.traffic.tps(group, topics)))
		return nil
	})
}

// groupStats returns how far a group is in topics; in all it knows, if there are none.
func (a *asker) groupStats(group string, topics []string) ([]wire.QueueEntry[wire.ConsumeOffset], error) {
	if len(topics) == 0 {
		var err error
		if topics, err = a.topicsOf(group); err != nil {
			return nil, err
		}
	}
	cursors, err := a.cursors(core.CursorQuery{Group: group})
	if err != nil {
		return nil, err
	}
	committed := map[core.Queue]core.Offset{}
	for _, c := range cursors {
		committed[c.Queue] = c.Offset
	}
	var stats []wire.QueueEntry[wire.ConsumeOffset]
	for _, name := range topics {
		t, ok := a.server.engine.Topic(name)
		if !ok {
			continue // of a subscription that has none
		}
		queues := a.queueIDs(t)
		queries := make([]core.OffsetQuery, 0, 2*len(queues))
		for _, q := range queues {
			queries = append(queries, core.OffsetQuery{Queue: q, Kind: core.OffsetMax},
				core.OffsetQuery{Queue: q, Kind: core.OffsetTimeAt, At: max(committed[q]-1, 0)})
		}
		infos, err := a.offsets(queries)
		if err != nil {
			return nil, err
		}
		for i, q := range queues {
			ends, last := &infos[2*i], &infos[2*i+1]
			if ends.Err != nil {
				continue // deleted meanwhile
			}
			offset := wire.ConsumeOffset{Broker: int64(ends.Offset), Consumer: int64(committed[q]), Pull: int64(committed[q])}
			if committed[q] > 0 {
				offset.Timestamp = max(last.Time, 0)
			}
			stats = append(stats, wire.QueueEntry[wire.ConsumeOffset]{Queue: a.messageQueue(name, q.Num), Value: offset})
		}
	}
	return stats, nil
}

// topicsOf lists the topics of a group: those it has an offset in, those its online
// members subscribe to, and the one it retries from.
func (a *asker) topicsOf(group string) ([]string, error) {
	cursors, err := a.cursors(core.CursorQuery{Group: group})
	if err != nil {
		return nil, err
	}
	members, err := a.members(group)
	if err != nil {
		return nil, err
	}
	var topics []string
	for _, c := range cursors {
		topics = append(topics, c.Topic)
	}
	for i := range members {
		for _, s := range members[i].Consumer.Subscriptions {
			topics = append(topics, s.Topic)
		}
	}
	if _, ok := a.server.engine.Topic(core.RetryPrefix + group); ok && len(topics) > 0 {
		topics = append(topics, core.RetryPrefix+group)
	}
	return sorted(topics), nil
}

// groupsOf lists the groups of a topic.
func (a *asker) groupsOf(topic string) ([]string, error) {
	cursors, err := a.cursors(core.CursorQuery{Topic: topic})
	if err != nil {
		return nil, err
	}
	clients, err := a.clients()
	if err != nil {
		return nil, err
	}
	groups := []string{}
	for _, c := range cursors {
		groups = append(groups, c.Group)
	}
	for i := range clients {
		for _, consumer := range clients[i].Consumers {
			if subscription(&consumer, topic) != nil {
				groups = append(groups, consumer.Group)
			}
		}
	}
	return sorted(groups), nil
}

func subscription(c *core.Consumer, topic string) *core.Subscription {
	for i := range c.Subscriptions {
		if c.Subscriptions[i].Topic == topic {
			return &c.Subscriptions[i]
		}
	}
	return nil
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

func (c *conn) groupsOfTopic(r request) {
	args := wire.NewArgs(c.cmd.Ext)
	topic := args.Text("topic")
	if err := args.Err(); err != nil {
		r.fail(err)
		return
	}
	c.apart(r, func(a *asker) error {
		groups, err := a.groupsOf(topic)
		if err == nil {
			r.answer(wire.Success, nil, wire.EncodeBody(wire.GroupList{Groups: groups}))
		}
		return err
	})
}

func (c *conn) topicsOfGroup(r request) {
	args := wire.NewArgs(c.cmd.Ext)
	group := args.Text("group")
	if err := args.Err(); err != nil {
		r.fail(err)
		return
	}
	c.apart(r, func(a *asker) error {
		topics, err := a.topicsOf(group)
		if err == nil {
			r.topics(append([]string{}, topics...), "")
		}
		return err
	})
}

func (c *conn) subscriptionOf(r request) {
	args := wire.NewArgs(c.cmd.Ext)
	group, topic := args.Text("group"), args.Text("topic")
	if err := args.Err(); err != nil {
		r.fail(err)
		return
	}
	c.apart(r, func(a *asker) error {
		members, err := a.members(group)
		if err != nil {
			return err
		}
		for i := range members {
			if s := subscription(&members[i].Consumer, topic); s != nil {
				r.answer(wire.Success, nil, wire.EncodeBody(wire.SubscriptionAnswer{
					Group: group, Topic: topic, Subscription: subscriptionData(s),
				}))
				return nil
			}
		}
		r.refuse(wire.ConsumerNotOnline, "the consumer group "+group+" is not online, or does not subscribe to "+topic)
		return nil
	})
}

func (c *conn) consumeTimeSpan(r request) {
	args := wire.NewArgs(c.cmd.Ext)
	topic, group := args.Text("topic"), args.Text("group")
	if err := args.Err(); err != nil {
		r.fail(err)
		return
	}
	c.apart(r, func(a *asker) error {
		t, err := a.topic(topic)
		if err != nil {
			return err
		}
		cursors, err := a.cursors(core.CursorQuery{Group: group, Topic: topic})
		if err != nil {
			return err
		}
		committed := map[core.Queue]core.Offset{}
		for _, c := range cursors {
			committed[c.Queue] = c.Offset
		}
		body := wire.ConsumeTimeSpans{Spans: []wire.ConsumeTimeSpan{}}
		for _, q := range a.queueIDs(t) {
			span, err := a.timeSpan(topic, q, committed[q])
			if err != nil {
				return err
			}
			body.Spans = append(body.Spans, span)
		}
		r.answer(wire.Success, nil, wire.EncodeBody(body))
		return nil
	})
}

func (a *asker) timeSpan(topic string, q core.Queue, consumed core.Offset) (wire.ConsumeTimeSpan, error) {
	span := wire.ConsumeTimeSpan{Queue: a.messageQueue(topic, q.Num)}
	infos, err := a.offsets([]core.OffsetQuery{
		{Queue: q, Kind: core.OffsetTimeAt, At: 0},
		{Queue: q, Kind: core.OffsetTimeAt, At: -1},
		{Queue: q, Kind: core.OffsetTimeAt, At: max(consumed-1, 0)},
		{Queue: q, Kind: core.OffsetTimeAt, At: consumed},
	})
	if err != nil {
		return span, err
	}
	span.Min, span.Max, span.Consumed = infos[0].Time, infos[1].Time, infos[0].Time
	if consumed > 0 {
		span.Consumed = infos[2].Time
	}
	if waits := infos[3].Time; waits > 0 { // the first message that is not consumed
		span.Delay = max(time.Now().UnixMilli()-waits, 0)
	}
	return span, nil
}

func (c *conn) allConsumeStats(r request) {
	c.apart(r, func(a *asker) error {
		groups, total, err := a.allGroupStats()
		if err != nil {
			return err
		}
		body := append([]byte(`{"brokerAddr":`), wire.EncodeBody(c.broker().Addrs[masterID])...)
		body = append(body, `,"consumeStatsList":[`...)
		for i, g := range groups {
			if i > 0 {
				body = append(body, ',')
			}
			body = append(append(append(body, '{'), wire.EncodeBody(g.name)...), `:[`...)
			body = append(append(body, wire.ConsumeStats(g.stats, a.server.traffic.tps(g.name, nil))...), `]}`...)
		}
		body = append(body, `],"totalDiff":`...)
		body = strconv.AppendInt(body, total, 10)
		r.answer(wire.Success, nil, append(body, `,"totalInflightDiff":0}`...))
		return nil
	})
}

// statsOfGroup is a group with its statistics.
type statsOfGroup struct {
	name  string
	stats []wire.QueueEntry[wire.ConsumeOffset]
}

// allGroupStats returns the statistics of all groups that have some, and how many
// messages they have not consumed.
func (a *asker) allGroupStats() (all []statsOfGroup, total int64, err error) {
	for _, g := range a.server.engine.Groups() {
		stats, err := a.groupStats(g.Name, nil)
		if err != nil {
			return nil, 0, err
		}
		if len(stats) == 0 {
			continue
		}
		for _, q := range stats {
			total += q.Value.Broker - q.Value.Consumer
		}
		all = append(all, statsOfGroup{g.Name, stats})
	}
	return all, total, nil
}

func (c *conn) allOffsets(r request) {
	c.apart(r, func(a *asker) error {
		cursors, err := a.cursors(core.CursorQuery{})
		if err != nil {
			return err
		}
		body := wire.OffsetTables{Tables: map[string]map[string]int64{}}
		for _, c := range cursors {
			key := c.Topic + "@" + c.Group
			if body.Tables[key] == nil {
				body.Tables[key] = map[string]int64{}
			}
			body.Tables[key][strconv.Itoa(int(c.Queue.Num))] = int64(c.Offset)
		}
		r.answer(wire.Success, nil, wire.EncodeBody(body))
		return nil
	})
}
