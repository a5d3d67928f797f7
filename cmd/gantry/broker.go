package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

// serverFlag is for every command that talks to a running server.
type serverFlag struct {
	Server string `short:"s" help:"Name-server or broker address (GANTRY_SERVER)." default:"${server}" placeholder:"ADDR"`
}

// caller makes one request of the RocketMQ protocol and waits for the answer.
type caller interface {
	call(ctx context.Context, request wire.RequestCode, fields map[string]string, body []byte) (answer, error)
	close()
}

// answer is what came back: the protocol's response code, its remark, fields, body.
type answer struct {
	code   wire.ResponseCode
	remark string
	fields map[string]string
	body   []byte
}

func (a *answer) number(field string) int64 {
	n, _ := strconv.ParseInt(a.fields[field], 10, 64)
	return n
}

// broker is a server as the commands see it. One connection serves all: a gantry
// answers the requests of both roles, name server and broker, on every port.
type broker struct {
	caller
	addr string
}

// toolsGroup is the consumer group of RocketMQ's own tools, which every broker knows.
const toolsGroup = "TOOLS_CONSUMER"

// autoTopic is whose settings a topic gets that a send creates.
const autoTopic = "TBW102"

// refused turns an answer that is not a success into an error.
func (b *broker) refused(doing string, a answer) error {
	code := exitFailed
	if a.code == wire.TopicNotExist {
		code = exitNotFound
	}
	return fail(code, "%s: %s answered %d: %s", doing, b.addr, a.code, a.remark)
}

// outgoing is a message to send.
type outgoing struct {
	topic, properties string
	queue             int
	body              []byte
}

// stored is where a message went.
type stored struct {
	Topic  string `json:"topic"`
	Queue  int64  `json:"queue"`
	Offset int64  `json:"offset"`
	ID     string `json:"id"`
}

func (b *broker) send(ctx context.Context, m outgoing) (stored, error) {
	a, err := b.call(ctx, wire.SendMessage, map[string]string{
		"producerGroup":         "gantry-send",
		"topic":                 m.topic,
		"defaultTopic":          autoTopic,
		"defaultTopicQueueNums": "4",
		"queueId":               strconv.Itoa(m.queue),
		"sysFlag":               "0",
		"bornTimestamp":         strconv.FormatInt(time.Now().UnixMilli(), 10),
		"flag":                  "0",
		"properties":            m.properties,
		"reconsumeTimes":        "0",
		"unitMode":              "false",
		"batch":                 "false",
	}, m.body)
	if err != nil {
		return stored{}, err
	}
	if a.code != wire.Success {
		return stored{}, b.refused(fmt.Sprintf("send to topic %q", m.topic), a)
	}
	return stored{Topic: m.topic, Queue: a.number("queueId"), Offset: a.number("queueOffset"), ID: a.fields["msgId"]}, nil
}

// route is the part of a topic's route that the commands need.
type route struct {
	Queues []struct {
		Broker string `json:"brokerName"`
		Read   int    `json:"readQueueNums"`
		Write  int    `json:"writeQueueNums"`
		Perm   int    `json:"perm"`
	} `json:"queueDatas"`
	Brokers []struct {
		Cluster string `json:"cluster"`
		Name    string `json:"brokerName"`
	} `json:"brokerDatas"`
}

func (b *broker) route(ctx context.Context, topic string) (route, error) {
	a, err := b.call(ctx, wire.GetRouteInfoByTopic, map[string]string{"topic": topic, "acceptStandardJsonOnly": "true"}, nil)
	if err != nil {
		return route{}, err
	}
	if a.code == wire.TopicNotExist {
		return route{}, fail(exitNotFound, "topic %q does not exist on %s; send to it, or run: gantry topic create %s", topic, b.addr, topic)
	}
	if a.code != wire.Success {
		return route{}, b.refused(fmt.Sprintf("find topic %q", topic), a)
	}
	var r route
	if err := json.Unmarshal(a.body, &r); err != nil {
		return route{}, fmt.Errorf("find topic %q: %s sent a route that is no JSON: %w", topic, b.addr, err)
	}
	if len(r.Queues) == 0 {
		return route{}, fail(exitNotFound, "topic %q has no queues on %s", topic, b.addr)
	}
	return r, nil
}

func (b *broker) topics(ctx context.Context) ([]string, error) {
	a, err := b.call(ctx, wire.GetAllTopicListFromNameServer, nil, nil)
	if err != nil {
		return nil, err
	}
	if a.code != wire.Success {
		return nil, b.refused("list topics", a)
	}
	var list struct {
		Topics []string `json:"topicList"`
	}
	if err := json.Unmarshal(a.body, &list); err != nil {
		return nil, fmt.Errorf("list topics: %s sent a list that is no JSON: %w", b.addr, err)
	}
	return list.Topics, nil
}

// queueOffset asks for one offset of a queue: wire.GetMinOffset or wire.GetMaxOffset.
func (b *broker) queueOffset(ctx context.Context, request wire.RequestCode, topic string, queue int) (int64, error) {
	a, err := b.call(ctx, request, map[string]string{"topic": topic, "queueId": strconv.Itoa(queue)}, nil)
	if err != nil {
		return 0, err
	}
	if a.code != wire.Success {
		return 0, b.refused(fmt.Sprintf("ask for an offset of topic %q queue %d", topic, queue), a)
	}
	return a.number("offset"), nil
}

// committed returns a group's offset in a queue; ok is false if it has none.
func (b *broker) committed(ctx context.Context, group, topic string, queue int) (offset int64, ok bool, err error) {
	a, err := b.call(ctx, wire.QueryConsumerOffset, map[string]string{
		"consumerGroup": group,
		"topic":         topic,
		"queueId":       strconv.Itoa(queue),
	}, nil)
	switch {
	case err != nil:
		return 0, false, err
	case a.code == wire.QueryNotFound:
		return 0, false, nil
	case a.code != wire.Success:
		return 0, false, b.refused(fmt.Sprintf("ask for the offset of group %q in topic %q queue %d", group, topic, queue), a)
	}
	return a.number("offset"), true, nil
}

func (b *broker) commit(ctx context.Context, group, topic string, queue int, offset int64) error {
	a, err := b.call(ctx, wire.UpdateConsumerOffset, map[string]string{
		"consumerGroup": group,
		"topic":         topic,
		"queueId":       strconv.Itoa(queue),
		"commitOffset":  strconv.FormatInt(offset, 10),
	}, nil)
	if err != nil {
		return err
	}
	if a.code != wire.Success {
		return b.refused(fmt.Sprintf("store the offset of group %q in topic %q queue %d", group, topic, queue), a)
	}
	return nil
}

// pulled is one answer to a pull.
type pulled struct {
	messages []byte // back to back, in RocketMQ's layout
	next     int64
	more     bool // ask again at once
}

// Bits of a pull's sysFlag.
const (
	pullSuspend      = 1 << 1
	pullSubscription = 1 << 2
)

// pullWait is how long a pull waits for a message; the server's limit is no less.
const pullWait = 20 * time.Second

func (b *broker) pull(ctx context.Context, group, topic string, queue int, offset int64, tags string, wait bool) (pulled, error) {
	flags, suspend := pullSubscription, time.Duration(0)
	if wait {
		flags, suspend = flags|pullSuspend, pullWait
	}
	a, err := b.call(ctx, wire.PullMessage, map[string]string{
		"consumerGroup":        group,
		"topic":                topic,
		"queueId":              strconv.Itoa(queue),
		"queueOffset":          strconv.FormatInt(offset, 10),
		"maxMsgNums":           "32",
		"sysFlag":              strconv.Itoa(flags),
		"commitOffset":         "0",
		"suspendTimeoutMillis": strconv.FormatInt(suspend.Milliseconds(), 10),
		"subscription":         tags,
		"subVersion":           "0",
		"expressionType":       "TAG",
	}, nil)
	if err != nil {
		return pulled{}, err
	}
	next := a.number("nextBeginOffset")
	switch a.code {
	case wire.Success:
		return pulled{messages: a.body, next: next, more: true}, nil
	case wire.PullNotFound:
		return pulled{next: offset}, nil
	case wire.PullRetryImmediately, wire.PullOffsetMoved:
		return pulled{next: next, more: next != offset}, nil
	}
	return pulled{}, b.refused(fmt.Sprintf("pull from topic %q queue %d", topic, queue), a)
}
