package remoting

import (
	"strconv"
	"testing"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

func sendBackRequest(group string, offset int64, level, limit string) *wire.Command {
	req := wire.NewRequest(wire.ConsumerSendMsgBack, "group", group, "offset", strconv.FormatInt(offset, 10),
		"delayLevel", level, "originMsgId", "x", "originTopic", "orders", "unitMode", "false")
	req.Version = 401
	if limit != "" {
		req.Ext.Add("maxReconsumeTimes", limit)
	}
	return req
}

// messages pulls all messages of a queue.
func (c *caller) messages(topic string, queue int) []wire.Message {
	c.t.Helper()
	all, err := wire.DecodeMessages(nil, c.call(wire.Success, pullRequest(topic, queue, 0, wire.PullSubscription)).Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}

func property(m *wire.Message, name string) string {
	v, _ := wire.Property(m.Properties, name)
	return string(v)
}

func TestSendBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		sent := c.call(wire.Success, sendRequest("orders", 0, "body"))
		_, at, err := wire.ParseMessageID(sent.Ext.Text("msgId"))
		if err != nil {
			t.Fatal(err)
		}
		c.call(wire.Success, sendBackRequest("g", at, "0", "16"))
		c.call(wire.PullNotFound, pullRequest("%RETRY%g", 0, 0, wire.PullSubscription))
		time.Sleep(10*time.Second + 10*time.Millisecond) // the first retry's level, of the bubble's time
		got := c.messages("%RETRY%g", 0)[0]
		if got.ReconsumeTimes != 1 || string(got.Body) != "body" || property(&got, "RETRY_TOPIC") != "orders" ||
			property(&got, "ORIGIN_MESSAGE_ID") != sent.Ext.Text("msgId") || property(&got, "DELAY") != "" || property(&got, "UNIQ_KEY") != "AC11000100002A9F0000018BCFE56800" {
			t.Errorf("retry %+v %s", got, got.Properties)
		}
		// The limit of the header counts from 3.4.9 on; the group's 16 else.
		old := sendBackRequest("g", got.PhysicalOffset, "0", "1")
		old.Version = 120
		c.call(wire.Success, old)
		time.Sleep(time.Minute)
		if n := len(c.messages("%RETRY%g", 0)); n != 2 {
			t.Errorf("%d retries after an old client's, want 2", n)
		}
		c.call(wire.Success, sendBackRequest("g", got.PhysicalOffset, "0", "1"))
		c.call(wire.Success, sendBackRequest("g", at, "-1", "16"))
		dead := c.messages("%DLQ%g", 0)
		if len(dead) != 2 || dead[0].ReconsumeTimes != 2 || dead[1].ReconsumeTimes != 1 {
			t.Errorf("dead letters %+v", dead)
		}
		if route := into[wire.TopicRoute](t, c.call(wire.Success, wire.NewRequest(wire.GetRouteInfoByTopic, "topic", "%DLQ%g"))); route.Queues[0].Perm != 6 || route.Queues[0].ReadQueues != 1 {
			t.Errorf("route of the dead letters: %+v", route)
		}
		c.call(wire.SystemError, sendBackRequest("g", at+1, "0", "16"))

		c.call(wire.Success, putGroup(`{"groupName":"once","retryQueueNums":0}`))
		c.call(wire.Success, sendBackRequest("once", at, "0", "16"))
		if _, ok := r.engine.Topic("%RETRY%once"); ok {
			t.Error("a group without retries has a retry topic")
		}
	})
}

// What a consumer sends to its retry topic itself.
func TestRetryByANormalSend(t *testing.T) {
	tests := []struct{ attempts, limit, topic string }{
		{"1", "2", "%RETRY%g"},
		{"2", "2", "%RETRY%g"},
		{"3", "2", "%DLQ%g"},
		{"16", "", "%RETRY%g"},
		{"17", "", "%DLQ%g"},
	}
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		for i, tt := range tests {
			req := with(sendRequest("%RETRY%g", 0, strconv.Itoa(i)), "j", tt.attempts)
			req = with(req, "i", "DELAY\x014\x02RETRY_TOPIC\x01orders\x02")
			req.Version = 401
			if tt.limit != "" {
				req.Ext.Add("l", tt.limit)
			}
			c.call(wire.Success, req)
			if tt.topic == "%RETRY%g" {
				time.Sleep(31 * time.Second) // DELAY is 4
			}
			all := c.messages(tt.topic, 0)
			if last := all[len(all)-1]; string(last.Body) != strconv.Itoa(i) || property(&last, "RETRY_TOPIC") != "orders" {
				t.Errorf("%s attempts of %s: not in %s", tt.attempts, tt.limit, tt.topic)
			}
		}
	})
}
