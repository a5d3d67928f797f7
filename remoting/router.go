package remoting

import (
	"github.com/gantrymq/gantry/remoting/wire"
)

// family groups requests by the file that handles them; metrics are counted by it.
type family string

const (
	familyRoute       family = "route"
	familyClient      family = "client"
	familySend        family = "send"
	familySendBack    family = "sendback"
	familyTransaction family = "transaction"
	familyPull        family = "pull"
	familyLock        family = "lock"
	familyOffset      family = "offset"
	familyTopic       family = "topic"
	familyGroup       family = "group"
	familyQuery       family = "query"
	familyRelay       family = "relay"
	familyReply       family = "reply"
	familyReset       family = "reset"
	familyStats       family = "stats"
	familyBroker      family = "broker"
	familyRuntime     family = "runtime"
	familyKV          family = "kv"
	familyUnsupported family = "unsupported"
)

var families = []family{familyRoute, familyClient, familySend, familySendBack, familyTransaction, familyLock, familyPull, familyOffset, familyTopic, familyGroup, familyQuery, familyRelay, familyReply, familyReset, familyStats, familyBroker, familyRuntime, familyKV, familyUnsupported}

// role says which part of an Apache cluster clients send a code to. All ports
// answer all codes.
type role string

const (
	nameServer role = "name server"
	broker     role = "broker"
)

// action is what a request does to what it touches. It is what access control
// will ask for.
type action string

const (
	actGet    action = "get"
	actList   action = "list"
	actPub    action = "pub"
	actSub    action = "sub"
	actCreate action = "create"
	actUpdate action = "update"
	actDelete action = "delete"
)

// route is one line of the table.
type route struct {
	code   wire.RequestCode
	name   string // as RocketMQ spells it
	role   role
	family family
	action action
	// handle reads conn.cmd, which is valid only during the call. It sees to it
	// that the request is answered once.
	handle func(*conn, request)

	requests, errors tally // of the family
}

//go:generate go test -run TestDocumentationIsCurrent . -update

// table is the one list of what is handled. The documentation is printed from
// it, and a test compares it with the codes of package wire.
func table() []route {
	return []route{
		{code: wire.SendMessage, name: "SEND_MESSAGE", role: broker, family: familySend, action: actPub, handle: (*conn).send},
		{code: wire.SendMessageV2, name: "SEND_MESSAGE_V2", role: broker, family: familySend, action: actPub, handle: (*conn).send},
		{code: wire.SendBatchMessage, name: "SEND_BATCH_MESSAGE", role: broker, family: familySend, action: actPub, handle: (*conn).send},
		{code: wire.ConsumerSendMsgBack, name: "CONSUMER_SEND_MSG_BACK", role: broker, family: familySendBack, action: actSub, handle: (*conn).sendBack},
		{code: wire.EndTransaction, name: "END_TRANSACTION", role: broker, family: familyTransaction, action: actPub, handle: (*conn).endTransaction},

		{code: wire.RecallMessage, name: "RECALL_MESSAGE", role: broker, family: familySend, action: actPub, handle: (*conn).recall},

		{code: wire.PullMessage, name: "PULL_MESSAGE", role: broker, family: familyPull, action: actSub, handle: (*conn).pull},
		{code: wire.LitePullMessage, name: "LITE_PULL_MESSAGE", role: broker, family: familyPull, action: actSub, handle: (*conn).pull},

		{code: wire.LockBatchMQ, name: "LOCK_BATCH_MQ", role: broker, family: familyLock, action: actSub, handle: (*conn).lock},
		{code: wire.UnlockBatchMQ, name: "UNLOCK_BATCH_MQ", role: broker, family: familyLock, action: actSub, handle: (*conn).unlock},

		{code: wire.QueryConsumerOffset, name: "QUERY_CONSUMER_OFFSET", role: broker, family: familyOffset, action: actGet, handle: (*conn).queryOffset},
		{code: wire.UpdateConsumerOffset, name: "UPDATE_CONSUMER_OFFSET", role: broker, family: familyOffset, action: actUpdate, handle: (*conn).commitOffset},
		{code: wire.SearchOffsetByTimestamp, name: "SEARCH_OFFSET_BY_TIMESTAMP", role: broker, family: familyOffset, action: actGet, handle: (*conn).searchOffset},
		{code: wire.GetMaxOffset, name: "GET_MAX_OFFSET", role: broker, family: familyOffset, action: actGet, handle: (*conn).maxOffset},
		{code: wire.GetMinOffset, name: "GET_MIN_OFFSET", role: broker, family: familyOffset, action: actGet, handle: (*conn).minOffset},
		{code: wire.GetEarliestMsgStoreTime, name: "GET_EARLIEST_MSG_STORETIME", role: broker, family: familyOffset, action: actGet, handle: (*conn).earliestTime},

		{code: wire.HeartBeat, name: "HEART_BEAT", role: broker, family: familyClient, action: actSub, handle: (*conn).heartbeat},
		{code: wire.UnregisterClient, name: "UNREGISTER_CLIENT", role: broker, family: familyClient, action: actSub, handle: (*conn).unregister},
		{code: wire.GetConsumerListByGroup, name: "GET_CONSUMER_LIST_BY_GROUP", role: broker, family: familyClient, action: actGet, handle: (*conn).consumerList},
		{code: wire.GetConsumerConnectionList, name: "GET_CONSUMER_CONNECTION_LIST", role: broker, family: familyClient, action: actGet, handle: (*conn).consumerConnections},

		{code: wire.GetProducerConnectionList, name: "GET_PRODUCER_CONNECTION_LIST", role: broker, family: familyClient, action: actGet, handle: (*conn).producerConnections},
		{code: wire.GetAllProducerInfo, name: "GET_ALL_PRODUCER_INFO", role: broker, family: familyClient, action: actList, handle: (*conn).allProducers},
		{code: wire.CheckClientConfig, name: "CHECK_CLIENT_CONFIG", role: broker, family: familyClient, action: actSub, handle: (*conn).checkClient},

		{code: wire.SendReplyMessage, name: "SEND_REPLY_MESSAGE", role: broker, family: familyReply, action: actPub, handle: (*conn).reply},
		{code: wire.SendReplyMessageV2, name: "SEND_REPLY_MESSAGE_V2", role: broker, family: familyReply, action: actPub, handle: (*conn).reply},

		{code: wire.GetConsumerRunningInfo, name: "GET_CONSUMER_RUNNING_INFO", role: broker, family: familyRelay, action: actGet, handle: (*conn).relay},
		{code: wire.ConsumeMessageDirectly, name: "CONSUME_MESSAGE_DIRECTLY", role: broker, family: familyRelay, action: actSub, handle: (*conn).consumeDirectly},
		{code: wire.InvokeBrokerToGetConsumeStatus, name: "INVOKE_BROKER_TO_GET_CONSUMER_STATUS", role: broker, family: familyRelay, action: actGet, handle: (*conn).consumerStatus},

		{code: wire.InvokeBrokerToResetOffset, name: "INVOKE_BROKER_TO_RESET_OFFSET", role: broker, family: familyReset, action: actUpdate, handle: (*conn).resetOffset},
		{code: wire.CloneGroupOffset, name: "CLONE_GROUP_OFFSET", role: broker, family: familyReset, action: actUpdate, handle: (*conn).cloneOffsets},

		{code: wire.GetRouteInfoByTopic, name: "GET_ROUTEINFO_BY_TOPIC", role: nameServer, family: familyRoute, action: actGet, handle: (*conn).topicRoute},
		{code: wire.GetBrokerClusterInfo, name: "GET_BROKER_CLUSTER_INFO", role: nameServer, family: familyRoute, action: actGet, handle: (*conn).clusterInfo},
		{code: wire.GetAllTopicListFromNameServer, name: "GET_ALL_TOPIC_LIST_FROM_NAMESERVER", role: nameServer, family: familyRoute, action: actList, handle: (*conn).topicList},
		{code: wire.GetTopicsByCluster, name: "GET_TOPICS_BY_CLUSTER", role: nameServer, family: familyRoute, action: actList, handle: (*conn).clusterTopics},
		{code: wire.GetSystemTopicListFromNS, name: "GET_SYSTEM_TOPIC_LIST_FROM_NS", role: nameServer, family: familyRoute, action: actList, handle: (*conn).systemTopics},
		{code: wire.GetSystemTopicListFromBroker, name: "GET_SYSTEM_TOPIC_LIST_FROM_BROKER", role: broker, family: familyRoute, action: actList, handle: (*conn).systemTopics},

		{code: wire.QueryMessage, name: "QUERY_MESSAGE", role: broker, family: familyQuery, action: actGet, handle: (*conn).queryMessage},
		{code: wire.ViewMessageByID, name: "VIEW_MESSAGE_BY_ID", role: broker, family: familyQuery, action: actGet, handle: (*conn).viewMessage},

		{code: wire.UpdateAndCreateTopic, name: "UPDATE_AND_CREATE_TOPIC", role: broker, family: familyTopic, action: actCreate, handle: (*conn).putTopic},
		{code: wire.GetTopicConfig, name: "GET_TOPIC_CONFIG", role: broker, family: familyTopic, action: actGet, handle: (*conn).topicConfig},
		{code: wire.DeleteTopicInBroker, name: "DELETE_TOPIC_IN_BROKER", role: broker, family: familyTopic, action: actDelete, handle: (*conn).deleteTopic},
		{code: wire.DeleteTopicInNameServer, name: "DELETE_TOPIC_IN_NAMESRV", role: nameServer, family: familyTopic, action: actDelete, handle: (*conn).forgetTopic},
		{code: wire.UpdateAndCreateTopicList, name: "UPDATE_AND_CREATE_TOPIC_LIST", role: broker, family: familyTopic, action: actCreate, handle: (*conn).putTopicList},
		{code: wire.GetAllTopicConfig, name: "GET_ALL_TOPIC_CONFIG", role: broker, family: familyTopic, action: actList, handle: (*conn).allTopicConfigs},

		{code: wire.GetTopicStatsInfo, name: "GET_TOPIC_STATS_INFO", role: broker, family: familyStats, action: actGet, handle: (*conn).topicStats},
		{code: wire.GetConsumeStats, name: "GET_CONSUME_STATS", role: broker, family: familyStats, action: actGet, handle: (*conn).consumeStats},
		{code: wire.QueryTopicConsumeByWho, name: "QUERY_TOPIC_CONSUME_BY_WHO", role: broker, family: familyStats, action: actGet, handle: (*conn).groupsOfTopic},
		{code: wire.QueryTopicsByConsumer, name: "QUERY_TOPICS_BY_CONSUMER", role: broker, family: familyStats, action: actGet, handle: (*conn).topicsOfGroup},
		{code: wire.QuerySubscriptionByConsumer, name: "QUERY_SUBSCRIPTION_BY_CONSUMER", role: broker, family: familyStats, action: actGet, handle: (*conn).subscriptionOf},
		{code: wire.QueryConsumeTimeSpan, name: "QUERY_CONSUME_TIME_SPAN", role: broker, family: familyStats, action: actGet, handle: (*conn).consumeTimeSpan},
		{code: wire.GetBrokerConsumeStats, name: "GET_BROKER_CONSUME_STATS", role: broker, family: familyStats, action: actList, handle: (*conn).allConsumeStats},
		{code: wire.GetAllConsumerOffset, name: "GET_ALL_CONSUMER_OFFSET", role: broker, family: familyStats, action: actList, handle: (*conn).allOffsets},

		{code: wire.GetBrokerRuntimeInfo, name: "GET_BROKER_RUNTIME_INFO", role: broker, family: familyRuntime, action: actGet, handle: (*conn).runtimeInfo},
		{code: wire.ViewBrokerStatsData, name: "VIEW_BROKER_STATS_DATA", role: broker, family: familyRuntime, action: actGet, handle: (*conn).brokerStats},

		{code: wire.PutKVConfig, name: "PUT_KV_CONFIG", role: nameServer, family: familyKV, action: actUpdate, handle: (*conn).putKV},
		{code: wire.GetKVConfig, name: "GET_KV_CONFIG", role: nameServer, family: familyKV, action: actGet, handle: (*conn).getKV},
		{code: wire.DeleteKVConfig, name: "DELETE_KV_CONFIG", role: nameServer, family: familyKV, action: actUpdate, handle: (*conn).deleteKV},
		{code: wire.GetKVListByNamespace, name: "GET_KVLIST_BY_NAMESPACE", role: nameServer, family: familyKV, action: actList, handle: (*conn).listKV},

		{code: wire.GetBrokerMemberGroup, name: "GET_BROKER_MEMBER_GROUP", role: nameServer, family: familyRoute, action: actGet, handle: (*conn).memberGroup},
		{code: wire.RegisterTopicInNameServer, name: "REGISTER_TOPIC_IN_NAMESRV", role: nameServer, family: familyTopic, action: actCreate, handle: (*conn).forgetTopic},

		{code: wire.GetBrokerConfig, name: "GET_BROKER_CONFIG", role: broker, family: familyBroker, action: actGet, handle: (*conn).brokerConfig},
		{code: wire.UpdateBrokerConfig, name: "UPDATE_BROKER_CONFIG", role: broker, family: familyBroker, action: actUpdate, handle: (*conn).updateBrokerConfig},
		{code: wire.GetNameServerConfig, name: "GET_NAMESRV_CONFIG", role: nameServer, family: familyBroker, action: actGet, handle: (*conn).nameServerConfig},
		{code: wire.UpdateNameServerConfig, name: "UPDATE_NAMESRV_CONFIG", role: nameServer, family: familyBroker, action: actUpdate, handle: (*conn).updateNameServerConfig},
		{code: wire.WipeWritePermOfBroker, name: "WIPE_WRITE_PERM_OF_BROKER", role: nameServer, family: familyBroker, action: actUpdate, handle: (*conn).wipeWrite},
		{code: wire.AddWritePermOfBroker, name: "ADD_WRITE_PERM_OF_BROKER", role: nameServer, family: familyBroker, action: actUpdate, handle: (*conn).addWrite},
		{code: wire.CleanExpiredConsumeQueue, name: "CLEAN_EXPIRED_CONSUMEQUEUE", role: broker, family: familyBroker, action: actUpdate, handle: (*conn).nothingToDo},
		{code: wire.CleanUnusedTopic, name: "CLEAN_UNUSED_TOPIC", role: broker, family: familyBroker, action: actUpdate, handle: (*conn).nothingToDo},
		{code: wire.DeleteExpiredCommitLog, name: "DELETE_EXPIRED_COMMITLOG", role: broker, family: familyBroker, action: actUpdate, handle: (*conn).nothingToDo},
		{code: wire.GetBrokerHAStatus, name: "GET_BROKER_HA_STATUS", role: broker, family: familyBroker, action: actGet, handle: (*conn).haStatus},
		{code: wire.GetUnitTopicList, name: "GET_UNIT_TOPIC_LIST", role: nameServer, family: familyBroker, action: actList, handle: (*conn).noTopics},
		{code: wire.GetHasUnitSubTopicList, name: "GET_HAS_UNIT_SUB_TOPIC_LIST", role: nameServer, family: familyBroker, action: actList, handle: (*conn).noTopics},
		{code: wire.GetHasUnitSubUnunitTopicList, name: "GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST", role: nameServer, family: familyBroker, action: actList, handle: (*conn).noTopics},

		{code: wire.UpdateAndCreateGroup, name: "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP", role: broker, family: familyGroup, action: actCreate, handle: (*conn).putGroup},
		{code: wire.UpdateAndCreateGroupList, name: "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST", role: broker, family: familyGroup, action: actCreate, handle: (*conn).putGroupList},
		{code: wire.GetAllGroupConfig, name: "GET_ALL_SUBSCRIPTIONGROUP_CONFIG", role: broker, family: familyGroup, action: actList, handle: (*conn).allGroupConfigs},
		{code: wire.GetGroupConfig, name: "GET_SUBSCRIPTIONGROUP_CONFIG", role: broker, family: familyGroup, action: actGet, handle: (*conn).groupConfig},
		{code: wire.DeleteGroup, name: "DELETE_SUBSCRIPTIONGROUP", role: broker, family: familyGroup, action: actDelete, handle: (*conn).deleteGroup},
	}
}

// router finds the route of a code.
type router struct {
	low         [512]*route // by code: all that is hot
	high        map[wire.RequestCode]*route
	unsupported route
}

func newRouter(m *metrics) *router {
	r := &router{high: map[wire.RequestCode]*route{}}
	for _, line := range table() {
		r.add(&line, m)
	}
	for _, u := range unsupported() {
		r.add(&route{code: u.code, name: u.name, family: familyUnsupported, handle: refuseBecause(u.reason)}, m)
	}
	r.unsupported = route{name: "unknown", family: familyUnsupported, handle: refuseBecause("")}
	r.unsupported.requests, r.unsupported.errors = m.requests[familyUnsupported], m.errors[familyUnsupported]
	return r
}

func (r *router) add(line *route, m *metrics) {
	line.requests, line.errors = m.requests[line.family], m.errors[line.family]
	if line.code < wire.RequestCode(len(r.low)) {
		r.low[line.code] = line
		return
	}
	r.high[line.code] = line
}

// find returns the route of a code, that of refusal if there is none.
func (r *router) find(code wire.RequestCode) *route {
	var found *route
	if code >= 0 && code < wire.RequestCode(len(r.low)) {
		found = r.low[code]
	} else {
		found = r.high[code.Canonical()]
	}
	if found == nil {
		return &r.unsupported
	}
	return found
}
