package wire

// MessageQueue names a queue as clients do.
type MessageQueue struct {
	Broker string `json:"brokerName"`
	Queue  int32  `json:"queueId"`
	Topic  string `json:"topic"`
}

// LockRequest is the body of 41 and 42.
type LockRequest struct {
	ClientID string         `json:"clientId"`
	Group    string         `json:"consumerGroup"`
	Queues   []MessageQueue `json:"mqSet"`
}

// LockAnswer is the body of the answer to 41.
type LockAnswer struct {
	Queues []MessageQueue `json:"lockOKMQSet"`
}
