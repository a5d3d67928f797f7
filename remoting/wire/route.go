package wire

import "encoding/json"

// TopicRoute is the body of the answer to 105. Its lists are never null: the
// clients iterate over them.
type TopicRoute struct {
	OrderTopicConf string              `json:"orderTopicConf,omitempty"`
	Brokers        []Broker            `json:"brokerDatas"`
	FilterServers  map[string][]string `json:"filterServerTable"`
	Queues         []QueueData         `json:"queueDatas"`
}

// Broker is a broker with its addresses by id; 0 is the master.
type Broker struct {
	Addrs              map[string]string `json:"brokerAddrs"`
	Name               string            `json:"brokerName"`
	Cluster            string            `json:"cluster"`
	EnableActingMaster bool              `json:"enableActingMaster"`
}

// QueueData says which queues a topic has on one broker.
type QueueData struct {
	BrokerName  string `json:"brokerName"`
	Perm        int32  `json:"perm"`
	ReadQueues  int32  `json:"readQueueNums"`
	SysFlag     int32  `json:"topicSysFlag"`
	WriteQueues int32  `json:"writeQueueNums"`
}

// ClusterInfo is the body of the answer to 106.
type ClusterInfo struct {
	Brokers  map[string]Broker   `json:"brokerAddrTable"`
	Clusters map[string][]string `json:"clusterAddrTable"`
}

// BrokerMembers is the body of the answer to 901.
type BrokerMembers struct {
	Group struct {
		Addrs   map[string]string `json:"brokerAddrs"`
		Name    string            `json:"brokerName"`
		Cluster string            `json:"cluster"`
	} `json:"brokerMemberGroup"`
}

// TopicList is the body of the answers that list topics.
type TopicList struct {
	BrokerAddr string   `json:"brokerAddr,omitempty"`
	Topics     []string `json:"topicList"`
}

// TopicConfig is a topic's settings in JSON (21, 351).
type TopicConfig struct {
	Attributes  map[string]string `json:"attributes"`
	Order       bool              `json:"order"`
	Perm        int32             `json:"perm"`
	ReadQueues  int32             `json:"readQueueNums"`
	FilterType  string            `json:"topicFilterType"`
	Name        string            `json:"topicName"`
	SysFlag     int32             `json:"topicSysFlag"`
	WriteQueues int32             `json:"writeQueueNums"`
}

// TopicConfigs is the body of the answer to 21.
type TopicConfigs struct {
	Version DataVersion            `json:"dataVersion"`
	Topics  map[string]TopicConfig `json:"topicConfigTable"`
}

// DataVersion tells tools whether settings changed.
type DataVersion struct {
	Counter      int64 `json:"counter"`
	StateVersion int64 `json:"stateVersion"`
	Timestamp    int64 `json:"timestamp"`
}

// ConsumerIDs is the body of the answer to 38.
type ConsumerIDs struct {
	IDs []string `json:"consumerIdList"`
}

// ConsumerConnection is the body of the answer to 203.
type ConsumerConnection struct {
	Connections   []Connection                `json:"connectionSet"`
	From          string                      `json:"consumeFromWhere"`
	Type          string                      `json:"consumeType"`
	Model         string                      `json:"messageModel"`
	Subscriptions map[string]SubscriptionData `json:"subscriptionTable"`
}

// Connection is one client of a group.
type Connection struct {
	Addr     string `json:"clientAddr"`
	ID       string `json:"clientId"`
	Language string `json:"language"`
	Version  int32  `json:"version"`
}

// SubscriptionData is a subscription as tools read it.
type SubscriptionData struct {
	ClassFilter bool     `json:"classFilterMode"`
	CodeSet     []int32  `json:"codeSet"`
	Type        string   `json:"expressionType"`
	Expression  string   `json:"subString"`
	Version     int64    `json:"subVersion"`
	TagsSet     []string `json:"tagsSet"`
	Topic       string   `json:"topic"`
}

// EncodeBody returns a body as standard JSON without blanks, which Go's own
// route parser would keep.
func EncodeBody(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a body that cannot be marshalled is a mistake in this package
	}
	return b
}

// DecodeBody reads a JSON body into v.
func DecodeBody(what string, body []byte, v any) error { return decodeBody(what, body, v) }
