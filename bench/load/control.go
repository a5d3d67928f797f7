package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// control asks a server single questions, one at a time, with JSON headers. It sets a run up and reads counts; it is no
// part of the load.
type control struct {
	conn   *conn
	opaque int32
}

const controlTimeout = 10 * time.Second

func dialControl(addr string) (*control, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	return &control{conn: c, opaque: opaqueBase}, nil
}

func (c *control) close() { c.conn.close() }

// call sends one request and waits for its answer, whatever its code. The answer is valid until the next call.
func (c *control) call(code int, fields []field, body []byte) (answer, error) {
	c.opaque++
	if err := c.conn.net.SetDeadline(time.Now().Add(controlTimeout)); err != nil {
		return answer{}, err
	}
	c.conn.out = appendFrame(c.conn.out, codecJSON, code, c.opaque, fields, body)
	if err := c.conn.flush(); err != nil {
		return answer{}, fmt.Errorf("request %d: %w", code, err)
	}
	for {
		a, ok, err := c.conn.next()
		if err != nil {
			return a, fmt.Errorf("request %d: %w", code, err)
		}
		if ok && a.response && a.opaque == c.opaque {
			return a, nil
		}
		if ok {
			continue
		}
		if err := c.conn.fill(); err != nil {
			return a, fmt.Errorf("request %d: %w", code, err)
		}
	}
}

// remark is what a server says beside a code.
func (a *answer) remark() string {
	var h struct{ Remark string }
	_ = json.Unmarshal(a.header, &h) // only for an error text
	return h.Remark
}

// route is where a topic lives: one broker, as in every run of this program.
type route struct {
	broker string
	addr   string
	queues int
}

// route asks a name server for a topic; false when it does not know it.
func (c *control) route(topic string) (route, bool, error) {
	a, err := c.call(codeRoute, []field{{"topic", topic}, {"acceptStandardJsonOnly", "true"}}, nil)
	if err != nil || a.code == codeTopicNotFound {
		return route{}, false, err
	}
	if a.code != codeSuccess {
		return route{}, false, fmt.Errorf("route of %s: code %d %s", topic, a.code, a.remark())
	}
	var data struct {
		BrokerDatas []struct {
			BrokerName  string
			BrokerAddrs map[string]string
		}
		QueueDatas []struct{ WriteQueueNums int }
	}
	if err := json.Unmarshal(a.body, &data); err != nil {
		return route{}, false, fmt.Errorf("route of %s: %w", topic, err)
	}
	if len(data.BrokerDatas) != 1 || len(data.QueueDatas) != 1 {
		return route{}, false, fmt.Errorf("route of %s: %d brokers, want 1", topic, len(data.BrokerDatas))
	}
	b := data.BrokerDatas[0]
	return route{broker: b.BrokerName, addr: b.BrokerAddrs["0"], queues: data.QueueDatas[0].WriteQueueNums}, true, nil
}

// createTopic asks a broker for a topic with this many queues.
func (c *control) createTopic(topic string, queues int, kind string) error {
	n := strconv.Itoa(queues)
	fields := []field{
		{"topic", topic},
		{"defaultTopic", "TBW102"},
		{"readQueueNums", n},
		{"writeQueueNums", n},
		{"perm", "6"},
		{"topicFilterType", "SINGLE_TAG"},
		{"topicSysFlag", "0"},
		{"order", "false"},
	}
	if kind != "" {
		fields = append(fields, field{"attributes", "+message.type=" + kind})
	}
	a, err := c.call(codeUpdateTopic, fields, nil)
	if err != nil {
		return err
	}
	if a.code != codeSuccess {
		return fmt.Errorf("create topic %s: code %d %s", topic, a.code, a.remark())
	}
	return nil
}

// putGroup asks a broker for a consumer group.
func (c *control) putGroup(group string) error {
	a, err := c.call(codeUpdateGroup, nil, []byte(`{"groupName":"`+group+`","consumeEnable":true,"consumeFromMinEnable":true,`+
		`"consumeBroadcastEnable":true,"retryQueueNums":1,"retryMaxTimes":16,"whichBrokerWhenConsumeSlowly":1}`))
	if err != nil {
		return err
	}
	if a.code != codeSuccess {
		return fmt.Errorf("create group %s: code %d %s", group, a.code, a.remark())
	}
	return nil
}

// maxOffset is the offset that the next message of a queue will get.
func (c *control) maxOffset(topic string, rt route, queue int) (int64, error) {
	a, err := c.call(codeMaxOffset, []field{{"topic", topic}, {"queueId", strconv.Itoa(queue)}, {"bname", rt.broker}}, nil)
	if err != nil {
		return 0, err
	}
	if a.code != codeSuccess {
		return 0, fmt.Errorf("max offset of %s queue %d: code %d %s", topic, queue, a.code, a.remark())
	}
	return a.number("offset")
}

// stored is the number of messages that a topic ever got.
func (c *control) stored(topic string, rt route) (int64, error) {
	var sum int64
	for q := range rt.queues {
		n, err := c.maxOffset(topic, rt, q)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// ensureTopic creates the topic if the name server does not know it, and waits until it does.
func ensureTopic(namesrv, topic string, queues int) (route, error) {
	return ensureTopicOf(namesrv, topic, queues, "")
}

func ensureTopicOf(namesrv, topic string, queues int, kind string) (route, error) {
	ns, err := dialControl(namesrv)
	if err != nil {
		return route{}, err
	}
	defer ns.close()
	rt, known, err := ns.route(topic)
	if err != nil || known {
		return rt, err
	}
	// The topic that every broker has leads to the broker.
	rt, known, err = ns.route("TBW102")
	if err != nil || !known {
		return rt, fmt.Errorf("no broker at %s yet: %v", namesrv, err)
	}
	broker, err := dialControl(rt.addr)
	if err != nil {
		return rt, err
	}
	defer broker.close()
	if err := broker.createTopic(topic, queues, kind); err != nil {
		return rt, err
	}
	for end := time.Now().Add(controlTimeout); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if rt, known, err = ns.route(topic); err != nil || known {
			return rt, err
		}
	}
	return rt, fmt.Errorf("topic %s was created, but %s does not know it", topic, namesrv)
}
