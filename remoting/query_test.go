package remoting

import (
	"strconv"
	"testing"

	"github.com/gantrymq/gantry/remoting/wire"
)

func bodies(t *testing.T, resp *wire.Command) (all []string) {
	t.Helper()
	messages, err := wire.DecodeMessages(nil, resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		all = append(all, string(messages[i].Body))
	}
	return all
}

func TestMessagesAreFoundByIDAndByKey(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		resp := c.call(wire.Success, sendRequest("orders", 1, "hello"))
		at, err := strconv.ParseInt(resp.Ext.Text("msgId")[16:], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		byID := wire.NewRequest(wire.ViewMessageByID, "offset", strconv.FormatInt(at, 10))
		if got := bodies(t, c.call(wire.Success, byID)); len(got) != 1 || got[0] != "hello" {
			t.Errorf("by id: %q", got)
		}
		c.call(wire.SystemError, wire.NewRequest(wire.ViewMessageByID, "offset", strconv.FormatInt(at+1, 10)))
		byKey := func(key, end string) *wire.Command {
			return wire.NewRequest(wire.QueryMessage, "topic", "orders", "key", key, "maxNum", "32",
				"beginTimestamp", "0", "endTimestamp", end, "_UNIQUE_KEY_QUERY", "true")
		}
		const ever = "9223372036854775807"
		if got := bodies(t, c.call(wire.Success, byKey(resp.Ext.Text("transactionId"), ever))); len(got) != 1 || got[0] != "hello" {
			t.Errorf("by unique key: %q", got)
		}
		c.call(wire.QueryNotFound, byKey("NOSUCHKEY", ever))
		c.call(wire.QueryNotFound, byKey(resp.Ext.Text("transactionId"), "1"))
	})
}

func TestDeletedTopicIsGoneAndItsOffsetsAreNot(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.call(wire.Success, sendRequest("orders", 1, "hello"))
		c.call(wire.Success, wire.NewRequest(wire.DeleteTopicInBroker, "topic", "orders"))
		c.call(wire.Success, wire.NewRequest(wire.DeleteTopicInNameServer, "topic", "orders"))
		c.call(wire.Success, wire.NewRequest(wire.DeleteTopicInBroker, "topic", "orders"))
		c.call(wire.TopicNotExist, wire.NewRequest(wire.GetRouteInfoByTopic, "topic", "orders"))
		c.call(wire.NoPermission, wire.NewRequest(wire.DeleteTopicInBroker, "topic", "TBW102"))
		resp := c.call(wire.Success, sendRequest("orders", 1, "again"))
		if got := resp.Ext.Text("queueOffset"); got != "1" {
			t.Errorf("the topic made anew goes on at %s", got)
		}
	})
}
