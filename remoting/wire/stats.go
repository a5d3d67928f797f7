package wire

// TopicOffset is a queue's part of a topic's statistics (202).
type TopicOffset struct {
	Updated int64 `json:"lastUpdateTimestamp"`
	Max     int64 `json:"maxOffset"`
	Min     int64 `json:"minOffset"`
}

// ConsumeOffset is a queue's part of a group's statistics (208).
type ConsumeOffset struct {
	Broker    int64 `json:"brokerOffset"`
	Consumer  int64 `json:"consumerOffset"`
	Timestamp int64 `json:"lastTimestamp"`
	Pull      int64 `json:"pullOffset"`
}

// TopicStats is the body of the answer to 202.
func TopicStats(queues []QueueEntry[TopicOffset]) []byte {
	b := AppendQueueTable([]byte(`{"offsetTable":`), queues)
	return append(b, `,"topicPutTps":0}`...)
}

// ConsumeStats is the body of the answer to 208.
func ConsumeStats(queues []QueueEntry[ConsumeOffset], tps float64) []byte {
	b := AppendQueueTable([]byte(`{"consumeTps":`+string(EncodeBody(tps))+`,"offsetTable":`), queues)
	return append(b, '}')
}

// GroupList is the body of the answer to 300.
type GroupList struct {
	Groups []string `json:"groupList"`
}

// ProducerConnection is the body of the answer to 204.
type ProducerConnection struct {
	Connections []Connection `json:"connectionSet"`
}

// ProducerTable is the body of the answer to 328.
type ProducerTable struct {
	Data map[string][]ProducerInfo `json:"data"`
}

// ProducerInfo is one producer of a group.
type ProducerInfo struct {
	ID       string `json:"clientId"`
	Language string `json:"language"`
	Updated  int64  `json:"lastUpdateTimestamp"`
	RemoteIP string `json:"remoteIP"`
	Version  int32  `json:"version"`
}

// SubscriptionAnswer is the body of the answer to 345.
type SubscriptionAnswer struct {
	Group        string           `json:"group"`
	Subscription SubscriptionData `json:"subscriptionData"`
	Topic        string           `json:"topic"`
}

// ConsumeTimeSpans is the body of the answer to 303.
type ConsumeTimeSpans struct {
	Spans []ConsumeTimeSpan `json:"consumeTimeSpanSet"`
}

// ConsumeTimeSpan says how far behind a queue's consumer is, in times of the store.
type ConsumeTimeSpan struct {
	Consumed int64        `json:"consumeTimeStamp"`
	Delay    int64        `json:"delayTime"`
	Max      int64        `json:"maxTimeStamp"`
	Queue    MessageQueue `json:"messageQueue"`
	Min      int64        `json:"minTimeStamp"`
}

// BrokerStats is the body of the answer to 315.
type BrokerStats struct {
	Day    StatsItem `json:"statsDay"`
	Hour   StatsItem `json:"statsHour"`
	Minute StatsItem `json:"statsMinute"`
}

// StatsItem is what a counter says of a span of time.
type StatsItem struct {
	Average float64 `json:"avgpt"`
	Sum     int64   `json:"sum"`
	TPS     float64 `json:"tps"`
}

// OffsetTables is the body of the answer to 43: by "topic@group", by queue.
type OffsetTables struct {
	Version DataVersion                 `json:"dataVersion"`
	Tables  map[string]map[string]int64 `json:"offsetTable"`
}

// KVTable is the body of the answers to 28 and 219.
type KVTable struct {
	Table map[string]string `json:"table"`
}

// HAStatus is the body of the answer to 907.
type HAStatus struct {
	Connections []struct{}     `json:"haConnectionInfo"`
	Client      map[string]any `json:"haClientRuntimeInfo"`
	InSync      int32          `json:"inSyncSlaveNums"`
	Master      bool           `json:"master"`
	MaxOffset   int64          `json:"masterCommitLogMaxOffset"`
}
