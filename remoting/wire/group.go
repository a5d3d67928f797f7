package wire

import "encoding/json"

// GroupConfig is a consumer group's settings in JSON (200, 201, 352).
type GroupConfig struct {
	Attributes        map[string]string `json:"attributes"`
	BrokerID          int64             `json:"brokerId"`
	BroadcastEnable   bool              `json:"consumeBroadcastEnable"`
	ConsumeEnable     bool              `json:"consumeEnable"`
	FromMinEnable     bool              `json:"consumeFromMinEnable"`
	Orderly           bool              `json:"consumeMessageOrderly"`
	TimeoutMinutes    int32             `json:"consumeTimeoutMinute"`
	Name              string            `json:"groupName"`
	RetryPolicy       GroupRetryPolicy  `json:"groupRetryPolicy"`
	SysFlag           int32             `json:"groupSysFlag"`
	NotifyIDsChanged  bool              `json:"notifyConsumerIdsChangedEnable"`
	RetryMaxTimes     int32             `json:"retryMaxTimes"`
	RetryQueues       int32             `json:"retryQueueNums"`
	Subscriptions     json.RawMessage   `json:"subscriptionDataSet,omitempty"`
	WhichBrokerIfSlow int64             `json:"whichBrokerWhenConsumeSlowly"`
}

// DefaultRetryMaxTimes is how often a group's message is retried that says nothing else.
const DefaultRetryMaxTimes = 16

// DefaultGroup returns the settings that a group has where its JSON says nothing.
func DefaultGroup() GroupConfig {
	return GroupConfig{
		BroadcastEnable: true, ConsumeEnable: true, FromMinEnable: true, NotifyIDsChanged: true,
		TimeoutMinutes: 15, RetryMaxTimes: DefaultRetryMaxTimes, RetryQueues: 1, WhichBrokerIfSlow: 1,
		RetryPolicy: GroupRetryPolicy{Type: RetryCustomized},
	}
}

// The types of a retry policy.
const (
	RetryCustomized  = "CUSTOMIZED"
	RetryExponential = "EXPONENTIAL"
)

// GroupRetryPolicy says when a failed message comes again.
type GroupRetryPolicy struct {
	Type        string                  `json:"type"`
	Customized  *CustomizedRetryPolicy  `json:"customizedRetryPolicy,omitempty"`
	Exponential *ExponentialRetryPolicy `json:"exponentialRetryPolicy,omitempty"`
}

// CustomizedRetryPolicy has a time for each attempt, in ms. It is laid out as the
// delay levels are: the third one is for the first retry.
type CustomizedRetryPolicy struct {
	Next []int64 `json:"next"`
}

// ExponentialRetryPolicy has times in ms.
type ExponentialRetryPolicy struct {
	Initial    int64 `json:"initial"`
	Max        int64 `json:"max"`
	Multiplier int64 `json:"multiplier"`
}

// GroupConfigs is the body of the answer to 201.
type GroupConfigs struct {
	Version   DataVersion                 `json:"dataVersion"`
	Forbidden map[string]map[string]int32 `json:"forbiddenTable"`
	Groups    map[string]GroupConfig      `json:"subscriptionGroupTable"`
}

// UnmarshalJSON leaves what is not said at its default.
func (g *GroupConfig) UnmarshalJSON(b []byte) error {
	type plain GroupConfig
	p := plain(DefaultGroup())
	if err := json.Unmarshal(b, &p); err != nil {
		return err
	}
	*g = GroupConfig(p)
	return nil
}

// GroupConfigList is the body of 225; TopicConfigList that of 18.
type GroupConfigList struct {
	Groups []GroupConfig `json:"groupConfigList"`
}

// TopicConfigList is the body of 18.
type TopicConfigList struct {
	Topics []TopicConfig `json:"topicConfigList"`
}
