package remoting

import (
	"strings"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Routes: the name server's part
//
//	105 GET_ROUTEINFO_BY_TOPIC              where a topic is; asked every 30 s
//	106 GET_BROKER_CLUSTER_INFO             the brokers, for tools
//	206 GET_ALL_TOPIC_LIST_FROM_NAMESERVER
//	224 GET_TOPICS_BY_CLUSTER
//	304 GET_SYSTEM_TOPIC_LIST_FROM_NS       with a broker's address, to ask 305
//	305 GET_SYSTEM_TOPIC_LIST_FROM_BROKER
//	901 GET_BROKER_MEMBER_GROUP             the addresses of a broker by id
//
// An unknown topic is answered 17, whatever is wrong with it: clients take any
// other code for a broken name server. The address is the one this client is to
// dial (see protocols.Advertiser).
//
// Deviation: the retry topic of a group that is not known yet has a route, so that
// its consumers need not wait 30 s for their next look.

// masterID is the id of the broker that takes sends.
const masterID = "0"

func (c *conn) topicRoute(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	topic := a.Text("topic")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	queues, ok := c.queues(topic)
	if !ok {
		r.refuse(wire.TopicNotExist, "No topic route info in name server for the topic: "+topic)
		return
	}
	r.answer(wire.Success, nil, wire.EncodeBody(wire.TopicRoute{
		OrderTopicConf: c.server.orderConf(topic),
		Brokers:        []wire.Broker{c.broker()}, FilterServers: map[string][]string{}, Queues: []wire.QueueData{queues},
	}))
}

// memberGroup answers for the one broker that there is.
func (c *conn) memberGroup(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	name := a.Text("brokerName")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	b := c.broker()
	body := wire.BrokerMembers{}
	body.Group.Cluster, body.Group.Name, body.Group.Addrs = b.Cluster, name, map[string]string{}
	if name == b.Name {
		body.Group.Addrs = b.Addrs
	}
	r.answer(wire.Success, nil, wire.EncodeBody(body))
}

// queues describes the queues of a topic.
func (c *conn) queues(topic string) (wire.QueueData, bool) {
	if info, ok := c.server.engine.Topic(topic); ok {
		return wire.QueueData{
			BrokerName: c.server.shard.BrokerName, Perm: int32(c.server.routed(info.Perm)), SysFlag: info.SysFlag,
			ReadQueues: info.ReadQueues, WriteQueues: info.WriteQueues,
		}, true
	}
	group, isRetry := strings.CutPrefix(topic, core.RetryPrefix)
	if !isRetry || core.ValidGroup(group) != nil {
		return wire.QueueData{}, false
	}
	return wire.QueueData{
		BrokerName: c.server.shard.BrokerName, Perm: int32(core.PermRead | core.PermWrite),
		ReadQueues: 1, WriteQueues: 1,
	}, true
}

// broker describes the broker as this client is to know it.
func (c *conn) broker() wire.Broker {
	addr, _ := c.told()
	return wire.Broker{
		Addrs: map[string]string{masterID: addr}, Name: c.server.shard.BrokerName, Cluster: c.server.engine.Cluster(),
	}
}

func (c *conn) clusterInfo(r request) {
	b := c.broker()
	r.answer(wire.Success, nil, wire.EncodeBody(wire.ClusterInfo{
		Brokers:  map[string]wire.Broker{b.Name: b},
		Clusters: map[string][]string{b.Cluster: {b.Name}},
	}))
}

func (c *conn) topicList(r request) {
	r.topics(c.topics(func(*core.TopicInfo) bool { return true }), "")
}

func (c *conn) clusterTopics(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	cluster := a.Text("cluster")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	r.topics(c.topics(func(*core.TopicInfo) bool { return cluster == c.server.engine.Cluster() }), "")
}

func (c *conn) systemTopics(r request) {
	addr, _ := c.told()
	r.topics(c.topics(func(t *core.TopicInfo) bool { return t.System }), addr)
}

func (c *conn) topics(want func(*core.TopicInfo) bool) []string {
	names := []string{}
	for _, t := range c.server.engine.Topics() {
		if want(t) {
			names = append(names, t.Name)
		}
	}
	return names
}

func (r *request) topics(names []string, brokerAddr string) {
	r.answer(wire.Success, nil, wire.EncodeBody(wire.TopicList{Topics: names, BrokerAddr: brokerAddr}))
}
