package remoting

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrymq/gantry/remoting/wire"
)

func TestKeyValueConfiguration(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		kv := func(code wire.RequestCode, more ...string) *wire.Command {
			return wire.NewRequest(code, append([]string{"namespace", orderNamespace}, more...)...)
		}
		c.call(wire.QueryNotFound, kv(wire.GetKVConfig, "key", "orders"))
		c.call(wire.QueryNotFound, kv(wire.GetKVListByNamespace))
		c.call(wire.Success, kv(wire.PutKVConfig, "key", "orders", "value", "gantry-0:4"))
		c.call(wire.Success, kv(wire.PutKVConfig, "key", "other", "value", "gantry-0:1"))
		if got := c.call(wire.Success, kv(wire.GetKVConfig, "key", "orders")).Ext.Text("value"); got != "gantry-0:4" {
			t.Errorf("value %q", got)
		}
		list := into[wire.KVTable](t, c.call(wire.Success, kv(wire.GetKVListByNamespace)))
		if diff := cmp.Diff(map[string]string{"orders": "gantry-0:4", "other": "gantry-0:1"}, list.Table); diff != "" {
			t.Errorf("list (-want +got):\n%s", diff)
		}
		c.send("orders", 0, "x")
		conf := func() string {
			return into[wire.TopicRoute](t, c.call(wire.Success, wire.NewRequest(wire.GetRouteInfoByTopic, "topic", "orders"))).OrderTopicConf
		}
		if got := conf(); got != "gantry-0:4" {
			t.Errorf("the route says %q", got)
		}
		c.call(wire.Success, kv(wire.DeleteKVConfig, "key", "orders"))
		c.call(wire.Success, kv(wire.DeleteKVConfig, "key", "none"))
		if got := conf(); got != "" {
			t.Errorf("after its deletion the route says %q", got)
		}
		c.call(wire.SystemError, kv(wire.PutKVConfig, "key", "orders"))

		members := into[wire.BrokerMembers](t, c.call(wire.Success, wire.NewRequest(wire.GetBrokerMemberGroup, "clusterName", "DefaultCluster", "brokerName", "gantry-0")))
		if members.Group.Addrs["0"] != testBroker {
			t.Errorf("members %+v", members)
		}
	})
}
