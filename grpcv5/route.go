package grpcv5

import (
	"net"
	"net/netip"
	"strconv"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// Routes
//
// QueryRoute: the queues of a topic and where they are; asked at the start and
// every 30 s. A topic is never made by being asked for. QueryAssignment: where a
// push consumer receives from; asked every 5 s.
//
// The address is the one that the client says it dialled, unless one is
// configured. There is one broker per shard, which is broker 0. Queues are in
// order, so that two answers are alike.
//
// An assignment is a long poll that the consumer keeps open. One without a queue
// is enough, since a receive looks in all of them; an ordered group gets as many as
// the topic has queues, because the SDKs handle the messages of one assignment
// one after the other.

func (c *call) queryRoute(req *apis.QueryRouteRequest) *apis.QueryRouteResponse {
	topic, err := c.topic(req.GetTopic())
	if err != nil {
		return &apis.QueryRouteResponse{Status: status(err)}
	}
	at := c.broker(req.GetEndpoints())
	queues := make([]*apis.MessageQueue, topic.Queues())
	for i := range queues {
		queues[i] = queue(req.GetTopic(), topic, int32(i), at)
	}
	return &apis.QueryRouteResponse{Status: status(nil), MessageQueues: queues}
}

func (c *call) queryAssignment(req *apis.QueryAssignmentRequest) *apis.QueryAssignmentResponse {
	topic, err := c.topic(req.GetTopic())
	group := ""
	if err == nil {
		group, err = c.group(req.GetGroup())
	}
	if err == nil && topic.Perm&core.PermRead == 0 {
		err = core.Errorf(core.NoPermission, "topic %s does not allow reading", topic.Name)
	}
	if err != nil {
		return &apis.QueryAssignmentResponse{Status: status(err)}
	}
	at := c.broker(req.GetEndpoints())
	assigned := []*apis.Assignment{{MessageQueue: queue(req.GetTopic(), topic, anyQueue, at)}}
	if c.server.ordered(c.server.groupConfig(group), []string{topic.Name}) {
		assigned = assigned[:0]
		for i := range topic.ReadQueues {
			assigned = append(assigned, &apis.Assignment{MessageQueue: queue(req.GetTopic(), topic, i, at)})
		}
	}
	return &apis.QueryAssignmentResponse{Status: status(nil), Assignments: assigned}
}

// anyQueue is the number of the queue that stands for all.
const anyQueue = -1

func queue(name *apis.Resource, topic *core.TopicInfo, number int32, at *apis.Broker) *apis.MessageQueue {
	return &apis.MessageQueue{
		Topic: name, Id: number, Permission: permission(topic, number), Broker: at,
		AcceptMessageTypes: accepted(topic.Kind()),
	}
}

// permission is what a queue allows: topics that grow or shrink have queues that
// are only written, or only read.
func permission(t *core.TopicInfo, number int32) apis.Permission {
	read := t.Perm&core.PermRead != 0 && number < t.ReadQueues
	write := t.Perm&core.PermWrite != 0 && number < t.WriteQueues
	switch {
	case read && write:
		return apis.Permission_READ_WRITE
	case read:
		return apis.Permission_READ
	case write:
		return apis.Permission_WRITE
	}
	return apis.Permission_NONE
}

// accepted are the types of messages that a topic takes. Older SDKs know the
// first four only, and fail at the sight of another: it is named for a topic of
// that kind alone.
func accepted(k core.Kind) []apis.MessageType {
	switch k {
	case core.KindAny:
		return []apis.MessageType{
			apis.MessageType_NORMAL, apis.MessageType_FIFO, apis.MessageType_DELAY, apis.MessageType_TRANSACTION,
		}
	case core.KindFIFO:
		return []apis.MessageType{apis.MessageType_FIFO}
	case core.KindDelay:
		return []apis.MessageType{apis.MessageType_DELAY}
	case core.KindTransaction:
		return []apis.MessageType{apis.MessageType_TRANSACTION}
	case core.KindPriority:
		return []apis.MessageType{apis.MessageType_PRIORITY}
	case core.KindLite:
		return []apis.MessageType{apis.MessageType_LITE}
	}
	return []apis.MessageType{apis.MessageType_NORMAL}
}

// broker describes the shard as this client is to know it.
func (c *call) broker(dialled *apis.Endpoints) *apis.Broker {
	return &apis.Broker{Name: c.server.shard.BrokerName, Id: 0, Endpoints: c.endpoints(dialled)}
}

// endpoints returns where a client is to connect to.
func (c *call) endpoints(dialled *apis.Endpoints) *apis.Endpoints {
	if !c.server.advertise.Configured() && usable(dialled) {
		return dialled
	}
	local := c.conn.local
	if ip := c.server.bound.Addr(); ip.IsValid() && !ip.IsUnspecified() {
		local = netip.AddrPortFrom(ip, local.Port())
	}
	hostPort, _ := c.server.advertise.Endpoint(local, c.conn.remote, c.server.port)
	return parseEndpoint(hostPort)
}

// usable reports whether what a client says it dialled can be told to it again.
func usable(e *apis.Endpoints) bool {
	n := len(e.GetAddresses())
	if n == 0 || e.GetScheme() == apis.AddressScheme_DOMAIN_NAME && n > 1 {
		return false
	}
	for _, a := range e.GetAddresses() {
		if a.GetHost() == "" || a.GetPort() <= 0 || a.GetPort() > 65535 {
			return false
		}
	}
	_, known := apis.AddressScheme_name[int32(e.GetScheme())]
	return known && e.GetScheme() != apis.AddressScheme_ADDRESS_SCHEME_UNSPECIFIED
}

func parseEndpoint(hostPort string) *apis.Endpoints {
	host, text, _ := net.SplitHostPort(hostPort)
	port, _ := strconv.Atoi(text)
	return &apis.Endpoints{Scheme: scheme(host), Addresses: []*apis.Address{{Host: host, Port: int32(port)}}}
}

func scheme(host string) apis.AddressScheme {
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return apis.AddressScheme_DOMAIN_NAME
	case ip.Is4():
		return apis.AddressScheme_IPv4
	}
	return apis.AddressScheme_IPv6
}
