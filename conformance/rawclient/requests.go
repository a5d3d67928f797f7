package rawclient

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"
)

// Sent is where a message was stored.
type Sent struct {
	Queue       int32
	Offset      int64
	OffsetMsgID string
}

// Send stores one message. A nil error is an acknowledgement; a *Refused says that the server answered otherwise.
func (c *Conn) Send(ctx context.Context, topic string, queue int32, body []byte) (Sent, error) {
	ext := map[string]string{
		"a": "GID_raw", "b": topic, "c": "TBW102", "d": "4", "e": strconv.Itoa(int(queue)),
		"f": "0", "g": strconv.FormatInt(time.Now().UnixMilli(), 10), "h": "0", "i": "", "j": "0", "k": "false", "m": "false",
	}
	a, err := c.Call(ctx, codeSend, ext, body)
	if err != nil {
		return Sent{}, err
	}
	if a.Code != CodeSuccess {
		return Sent{}, &Refused{Code: a.Code, Remark: a.Remark}
	}
	s := Sent{OffsetMsgID: a.Ext["msgId"]}
	number, err := strconv.ParseInt(a.Ext["queueId"], 10, 32)
	if err != nil {
		return Sent{}, fmt.Errorf("answer to a send: queueId: %w", err)
	}
	s.Queue = int32(number)
	s.Offset, err = strconv.ParseInt(a.Ext["queueOffset"], 10, 64)
	if err != nil {
		return Sent{}, fmt.Errorf("answer to a send: queueOffset: %w", err)
	}
	return s, nil
}

// Refused is an answer that is not a success.
type Refused struct {
	Code   int
	Remark string
}

func (r *Refused) Error() string { return fmt.Sprintf("answered %d: %s", r.Code, r.Remark) }

// Pulled is the answer to a pull.
type Pulled struct {
	Code           int
	Next, Min, Max int64
	Messages       []Message
}

// Pull reads messages of one queue from an offset, without waiting for new ones.
func (c *Conn) Pull(ctx context.Context, group, topic string, queue int32, offset int64, most int) (Pulled, error) {
	const hasExpression = 4 // PullSysFlag SUBSCRIPTION
	ext := map[string]string{
		"consumerGroup": group, "topic": topic, "queueId": strconv.Itoa(int(queue)),
		"queueOffset": strconv.FormatInt(offset, 10), "maxMsgNums": strconv.Itoa(most),
		"sysFlag": strconv.Itoa(hasExpression), "commitOffset": "0", "suspendTimeoutMillis": "0",
		"subscription": "*", "subVersion": "0", "expressionType": "TAG",
	}
	a, err := c.Call(ctx, codePull, ext, nil)
	if err != nil {
		return Pulled{}, err
	}
	switch a.Code {
	case CodeSuccess, CodePullNone, CodePullRetry, CodePullMoved:
	default:
		return Pulled{}, &Refused{Code: a.Code, Remark: a.Remark}
	}
	p := Pulled{Code: a.Code}
	for name, field := range map[string]*int64{"nextBeginOffset": &p.Next, "minOffset": &p.Min, "maxOffset": &p.Max} {
		if *field, err = strconv.ParseInt(a.Ext[name], 10, 64); err != nil {
			return Pulled{}, fmt.Errorf("answer to a pull: %s: %w", name, err)
		}
	}
	p.Messages, err = decodeMessages(a.Body)
	return p, err
}

// MaxOffset returns the offset that the next message of a queue will have.
func (c *Conn) MaxOffset(ctx context.Context, topic string, queue int32) (int64, error) {
	a, err := c.expect(ctx, codeMaxOff, map[string]string{"topic": topic, "queueId": strconv.Itoa(int(queue))})
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(a.Ext["offset"], 10, 64)
}

// StoredOffset returns the offset a group has stored for a queue; false says that it has none.
func (c *Conn) StoredOffset(ctx context.Context, group, topic string, queue int32) (int64, bool, error) {
	const notFound = 22
	a, err := c.Call(ctx, codeStoredOff, map[string]string{
		"consumerGroup": group, "topic": topic, "queueId": strconv.Itoa(int(queue)), "setZeroIfNotFound": "false",
	}, nil)
	if err != nil {
		return 0, false, err
	}
	switch a.Code {
	case CodeSuccess:
		offset, err := strconv.ParseInt(a.Ext["offset"], 10, 64)
		return offset, true, err
	case notFound:
		return 0, false, nil
	}
	return 0, false, &Refused{Code: a.Code, Remark: a.Remark}
}

// StoreOffset stores a group's offset for a queue; a nil error says that it is stored.
func (c *Conn) StoreOffset(ctx context.Context, group, topic string, queue int32, offset int64) error {
	_, err := c.expect(ctx, codeStoreOff, map[string]string{
		"consumerGroup": group, "topic": topic, "queueId": strconv.Itoa(int(queue)), "commitOffset": strconv.FormatInt(offset, 10),
	})
	return err
}

// Route is what the name server tells about a topic.
type Route struct {
	Brokers []struct {
		Cluster string            `json:"cluster"`
		Name    string            `json:"brokerName"`
		Addrs   map[string]string `json:"brokerAddrs"`
	} `json:"brokerDatas"`
	Queues []struct {
		Broker string `json:"brokerName"`
		Read   int    `json:"readQueueNums"`
		Write  int    `json:"writeQueueNums"`
		Perm   int    `json:"perm"`
	} `json:"queueDatas"`
}

// Route asks for a topic's brokers.
func (c *Conn) Route(ctx context.Context, topic string) (Route, error) {
	var r Route
	a, err := c.expect(ctx, codeRoute, map[string]string{"topic": topic, "acceptStandardJsonOnly": "true"})
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(a.Body, &r); err != nil {
		return r, fmt.Errorf("route %q: %w", a.Body, err)
	}
	return r, nil
}

// CreateTopic makes a topic on the broker this connection leads to.
func (c *Conn) CreateTopic(ctx context.Context, topic string, queues int) error {
	return c.createTopic(ctx, topic, queues, nil)
}

// CreateTypedTopic makes a topic for messages of one type: NORMAL, FIFO, DELAY, TRANSACTION or MIXED.
func (c *Conn) CreateTypedTopic(ctx context.Context, topic string, queues int, messageType string) error {
	return c.createTopic(ctx, topic, queues, map[string]string{"attributes": "+message.type=" + messageType})
}

func (c *Conn) createTopic(ctx context.Context, topic string, queues int, more map[string]string) error {
	n := strconv.Itoa(queues)
	ext := map[string]string{
		"topic": topic, "defaultTopic": "TBW102", "readQueueNums": n, "writeQueueNums": n, "perm": "6",
		"topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": strconv.FormatBool(more["attributes"] == "+message.type=FIFO"),
	}
	maps.Copy(ext, more)
	_, err := c.expect(ctx, codeCreate, ext)
	return err
}

// Group is what is set when a consumer group is made.
type Group struct {
	Name    string
	Retries int // deliveries after the first
	Orderly bool
	Backoff []time.Duration // before each delivery after the first; empty: the server's own
}

// PutGroup makes or changes a consumer group on the broker this connection leads to.
func (c *Conn) PutGroup(ctx context.Context, g Group) error {
	config := map[string]any{
		"groupName": g.Name, "consumeEnable": true, "consumeFromMinEnable": true, "consumeBroadcastEnable": true,
		"consumeMessageOrderly": g.Orderly, "retryQueueNums": 1, "retryMaxTimes": g.Retries,
		"brokerId": 0, "whichBrokerWhenConsumeSlowly": 1, "notifyConsumerIdsChangedEnable": true,
	}
	if len(g.Backoff) > 0 {
		next := make([]int64, len(g.Backoff))
		for i, d := range g.Backoff {
			next[i] = d.Milliseconds()
		}
		config["groupRetryPolicy"] = map[string]any{"type": "CUSTOMIZED", "customizedRetryPolicy": map[string]any{"next": next}}
	}
	body, err := json.Marshal(config)
	if err != nil {
		return err
	}
	a, err := c.Call(ctx, codePutGroup, nil, body)
	if err != nil {
		return fmt.Errorf("request %d: %w", codePutGroup, err)
	}
	if a.Code != CodeSuccess {
		return fmt.Errorf("request %d answered %d: %s", codePutGroup, a.Code, a.Remark)
	}
	return nil
}
