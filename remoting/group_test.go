package remoting

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

func putGroup(body string) *wire.Command {
	req := wire.NewRequest(wire.UpdateAndCreateGroup)
	req.Body = []byte(body)
	return req
}

// into decodes the body of an answer.
func into[T any](t *testing.T, resp *wire.Command) (v T) {
	t.Helper()
	if err := json.Unmarshal(resp.Body, &v); err != nil {
		t.Fatalf("%v: %s", err, resp.Body)
	}
	return v
}

func TestGroupSettings(t *testing.T) {
	tests := []struct {
		name, body string
		want       func(*wire.GroupConfig)
		core       core.GroupConfig
	}{
		{"defaults", `{"groupName":"g"}`, func(*wire.GroupConfig) {}, core.GroupConfig{Name: "g", Attributes: nil}},
		{
			"as mqadmin writes them",
			`{"brokerId":0,"consumeBroadcastEnable":false,"consumeEnable":false,"consumeFromMinEnable":false,"consumeMessageOrderly":true,
			"groupName":"g","notifyConsumerIdsChangedEnable":true,"retryMaxTimes":3,"retryQueueNums":2,"whichBrokerWhenConsumeSlowly":1,
			"groupRetryPolicy":{"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[1000,2000,3000,4000]}},"attributes":{"+team":"billing"}}`,
			func(g *wire.GroupConfig) {
				g.BroadcastEnable, g.ConsumeEnable, g.FromMinEnable, g.Orderly, g.RetryMaxTimes, g.RetryQueues = false, false, false, true, 3, 2
				g.RetryPolicy.Customized = &wire.CustomizedRetryPolicy{Next: []int64{1000, 2000, 3000, 4000}}
				g.Attributes["team"] = "billing"
			},
			core.GroupConfig{
				Name: "g", Order: core.OrderFIFO, MaxAttempts: 4, Disabled: true,
				Backoff: core.Backoff{Steps: []time.Duration{3 * time.Second, 4 * time.Second}},
			},
		},
		{
			"exponential", `{"groupName":"g","groupRetryPolicy":{"type":"EXPONENTIAL","exponentialRetryPolicy":{"initial":5000,"max":60000,"multiplier":2}}}`,
			func(g *wire.GroupConfig) {
				g.RetryPolicy = wire.GroupRetryPolicy{Type: wire.RetryExponential, Exponential: &wire.ExponentialRetryPolicy{Initial: 5000, Max: 60000, Multiplier: 2}}
				g.Attributes["team"] = "billing" // of the one before
			},
			core.GroupConfig{Name: "g", Backoff: core.Backoff{Initial: 5 * time.Second, Max: time.Minute, Multiplier: 2}},
		},
		{
			"more retries than core makes", `{"groupName":"g","retryMaxTimes":2147483647,"attributes":{"-team":""},"subscriptionDataSet":[{"topic":"t"}]}`,
			func(g *wire.GroupConfig) {
				g.RetryMaxTimes, g.Subscriptions = 2147483647, json.RawMessage(`[{"topic":"t"}]`)
			},
			core.GroupConfig{Name: "g", MaxAttempts: 1000},
		},
	}
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		for _, tt := range tests {
			c.call(wire.Success, putGroup(tt.body))
			want := wire.DefaultGroup()
			want.Name, want.Attributes = "g", map[string]string{}
			tt.want(&want)
			got := into[wire.GroupConfig](t, c.call(wire.Success, wire.NewRequest(wire.GetGroupConfig, "group", "g")))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: settings (-want +got):\n%s", tt.name, diff)
			}
			info, _ := r.engine.Group("g")
			kept := info.GroupConfig
			kept.Attributes = tt.core.Attributes
			if diff := cmp.Diff(tt.core, kept); diff != "" {
				t.Errorf("%s: in core (-want +got):\n%s", tt.name, diff)
			}
			all := into[wire.GroupConfigs](t, c.call(wire.Success, wire.NewRequest(wire.GetAllGroupConfig)))
			if diff := cmp.Diff(want, all.Groups["g"]); diff != "" || len(all.Groups) != 1+len(systemGroups) {
				t.Errorf("%s: among %d groups (-want +got):\n%s", tt.name, len(all.Groups), diff)
			}
		}
	})
}

// What another protocol has set is shown as Apache would have set it.
func TestAGroupOfAnotherProtocol(t *testing.T) {
	got := describeGroup(&core.GroupConfig{Name: "g", MaxAttempts: 5, Backoff: core.Backoff{Steps: []time.Duration{7 * time.Second}}})
	if got.RetryMaxTimes != 4 {
		t.Errorf("%d retries, want 4", got.RetryMaxTimes)
	}
	if diff := cmp.Diff(&wire.CustomizedRetryPolicy{Next: []int64{7000, 7000, 7000}}, got.RetryPolicy.Customized); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

func TestListsOfSettings(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		groups := wire.NewRequest(wire.UpdateAndCreateGroupList)
		groups.Body = []byte(`{"groupConfigList":[{"groupName":"g1"},{"groupName":"g2","retryMaxTimes":2}]}`)
		c.call(wire.Success, groups)
		if g, ok := r.engine.Group("g2"); !ok || g.MaxAttempts != 3 {
			t.Errorf("group g2: %+v", g)
		}
		groups.Body = []byte(`{"groupConfigList":[{"groupName":"g3"},{"groupName":"g 4"}]}`)
		c.call(wire.InvalidParameter, groups)
		topics := wire.NewRequest(wire.UpdateAndCreateTopicList)
		topics.Body = []byte(`{"topicConfigList":[{"topicName":"t1","perm":6,"readQueueNums":2,"writeQueueNums":2},
			{"topicName":"t2","perm":4,"readQueueNums":1,"writeQueueNums":1,"attributes":{"+message.type":"FIFO"}}]}`)
		c.call(wire.Success, topics)
		if topic, ok := r.engine.Topic("t2"); !ok || topic.Perm != core.PermRead || topic.Attributes[core.AttrKind] != "FIFO" {
			t.Errorf("topic t2: %+v", topic)
		}
		c.call(wire.SubscriptionGroupNotExist, wire.NewRequest(wire.GetGroupConfig, "group", "none"))
	})
}

func TestAnAutoCreatedTopicIsMixed(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.send("orders", 0, "x")
		got := into[wire.TopicConfig](t, c.call(wire.Success, wire.NewRequest(wire.GetTopicConfig, "topic", "orders")))
		if got.Attributes[core.AttrKind] != "MIXED" {
			t.Errorf("attributes %v", got.Attributes)
		}
	})
}
