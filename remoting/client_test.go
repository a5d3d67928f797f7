package remoting

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

func heartbeatRequest(clientID, group, topic, expression string) *wire.Command {
	req := wire.NewRequest(wire.HeartBeat)
	req.Body = fmt.Appendf(nil, `{"clientID":%q,"producerDataSet":[{"groupName":"pg"}],"consumerDataSet":[{"groupName":%q,`+
		`"consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING","consumeFromWhere":"CONSUME_FROM_LAST_OFFSET",`+
		`"subscriptionDataSet":[{"topic":%q,"subString":%q,"subVersion":1,"expressionType":"TAG"}]}]}`,
		clientID, group, topic, expression)
	return req
}

// notified returns the groups that a client was told have changed.
func (c *caller) notified() []string {
	c.t.Helper()
	synctest.Wait()
	var groups []string
	for len(c.pushed) > 0 {
		cmd := <-c.pushed
		if cmd.Code != int32(wire.NotifyConsumerIDsChanged) || !cmd.IsOneway() {
			c.t.Errorf("pushed code %d, flag %d", cmd.Code, cmd.Flag)
		}
		groups = append(groups, cmd.Ext.Text("consumerGroup"))
	}
	return groups
}

func (c *caller) members(group string) []string {
	c.t.Helper()
	resp := c.call(wire.Success, wire.NewRequest(wire.GetConsumerListByGroup, "consumerGroup", group))
	var list wire.ConsumerIDs
	if err := json.Unmarshal(resp.Body, &list); err != nil {
		c.t.Fatal(err)
	}
	return list.IDs
}

func TestAllMembersAreToldTheNewOneToo(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		first, second := r.dial(), r.dial()
		first.call(wire.SystemError, wire.NewRequest(wire.GetConsumerListByGroup, "consumerGroup", "cg"))
		first.call(wire.Success, heartbeatRequest("one", "cg", "orders", "*"))
		if got := first.notified(); !slices.Equal(got, []string{"cg"}) {
			t.Errorf("the first member is told %v", got)
		}
		second.call(wire.Success, heartbeatRequest("two", "cg", "orders", "*"))
		if got := second.members("cg"); !slices.Equal(got, []string{"one", "two"}) {
			t.Errorf("members %v", got)
		}
		for name, c := range map[string]*caller{"first": first, "second": second} {
			if got := c.notified(); !slices.Equal(got, []string{"cg"}) {
				t.Errorf("the %s member is told %v", name, got)
			}
		}
		second.call(wire.Success, heartbeatRequest("two", "cg", "orders", "*"))
		if got := append(first.notified(), second.notified()...); len(got) != 0 {
			t.Errorf("a heartbeat that changes nothing tells %v", got)
		}
		_ = second.Close() // as Go clients do: without 35
		if got := first.notified(); !slices.Equal(got, []string{"cg"}) {
			t.Errorf("after the second has gone, the first is told %v", got)
		}
		if got := first.members("cg"); !slices.Equal(got, []string{"one"}) {
			t.Errorf("members %v", got)
		}
		first.call(wire.Success, wire.NewRequest(wire.UnregisterClient, "clientID", "one", "consumerGroup", "cg"))
		first.call(wire.SystemError, wire.NewRequest(wire.GetConsumerListByGroup, "consumerGroup", "cg"))
	})
}

func TestMembersExpire(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.call(wire.Success, heartbeatRequest("one", "cg", "orders", "*"))
		for range 4 { // traffic, but no heartbeat
			time.Sleep(35 * time.Second)
			c.call(wire.Success, wire.NewRequest(wire.GetBrokerClusterInfo))
		}
		c.call(wire.SystemError, wire.NewRequest(wire.GetConsumerListByGroup, "consumerGroup", "cg"))
		// The same body again, from a client that the server has forgotten.
		c.call(wire.Success, heartbeatRequest("one", "cg", "orders", "*"))
		if got := c.members("cg"); !slices.Equal(got, []string{"one"}) {
			t.Errorf("members %v", got)
		}
	})
}

func TestHeartbeatV2(t *testing.T) {
	const short = `{"clientID":"one","heartbeatFingerprint":77,"withoutSub":true,"consumerDataSet":[{"groupName":"cg"}]}`
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		full := heartbeatRequest("one", "cg", "orders", "*")
		full.Body = append([]byte(`{"heartbeatFingerprint":77,`), full.Body[1:]...)
		refresh := wire.NewRequest(wire.HeartBeat)
		refresh.Body = []byte(short)
		other := wire.NewRequest(wire.HeartBeat)
		other.Body = []byte(strings.Replace(short, "77", "78", 1))
		steps := []struct {
			name    string
			req     *wire.Command
			changed string
		}{
			{"the short form of an unknown client", refresh, "true"},
			{"the full form, first", full, "true"},
			{"the full form, again", full, "false"},
			{"the short form", refresh, "false"},
			{"the short form with another fingerprint", other, "true"},
			{"no fingerprint at all", heartbeatRequest("one", "cg", "orders", "*"), "true"},
		}
		for _, step := range steps {
			resp := c.call(wire.Success, step.req)
			if got := resp.Ext.Text("IS_SUB_CHANGE"); got != step.changed || resp.Ext.Text("IS_SUPPORT_HEART_BEAT_V2") != "true" {
				t.Errorf("%s: IS_SUB_CHANGE is %q, want %s", step.name, got, step.changed)
			}
		}
	})
}

func TestTheShortHeartbeatKeepsAMember(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		full := heartbeatRequest("one", "cg", "orders", "*")
		full.Body = append([]byte(`{"heartbeatFingerprint":77,`), full.Body[1:]...)
		c.call(wire.Success, full)
		short := wire.NewRequest(wire.HeartBeat)
		short.Body = []byte(`{"clientID":"one","heartbeatFingerprint":77,"withoutSub":true}`)
		for range 10 {
			time.Sleep(30 * time.Second)
			c.call(wire.Success, short)
		}
		if got := c.members("cg"); !slices.Equal(got, []string{"one"}) {
			t.Errorf("members %v", got)
		}
	})
}

func TestASubscriptionThatCannotBeFilteredIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		req := heartbeatRequest("one", "sql", "orders", "a > ")
		body := strings.Replace(string(req.Body), `"expressionType":"TAG"`, `"expressionType":"SQL92"`, 1)
		// A second group that is in order.
		plain := heartbeatRequest("one", "cg", "orders", "*")
		_, consumers, _ := strings.Cut(string(plain.Body), `"consumerDataSet":[`)
		req.Body = []byte(strings.Replace(body, `"consumerDataSet":[`, `"consumerDataSet":[`+strings.TrimSuffix(consumers, "]}")+",", 1))
		resp := c.call(wire.SubscriptionParseFailed, req)
		if !strings.Contains(resp.Remark, "SQL92") {
			t.Errorf("remark %q", resp.Remark)
		}
		if got := c.members("cg"); !slices.Equal(got, []string{"one"}) {
			t.Errorf("the other group has the members %v", got)
		}
		c.call(wire.SystemError, wire.NewRequest(wire.GetConsumerListByGroup, "consumerGroup", "sql"))
	})
}

func TestBadHeartbeats(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		for _, body := range []string{"", "{", `{"clientID":7}`, `{}`, `{"clientID":"c","x":` + strings.Repeat("[", 100_000)} {
			req := wire.NewRequest(wire.HeartBeat)
			req.Body = []byte(body)
			c.call(wire.InvalidParameter, req)
		}
	})
}

func TestConsumerConnections(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		ask := wire.NewRequest(wire.GetConsumerConnectionList, "consumerGroup", "cg")
		c.call(wire.ConsumerNotOnline, ask)
		c.call(wire.Success, heartbeatRequest("one", "cg", "orders", "red"))
		var body wire.ConsumerConnection
		if err := json.Unmarshal(c.call(wire.Success, ask).Body, &body); err != nil {
			t.Fatal(err)
		}
		if len(body.Connections) != 1 || body.Connections[0].ID != "one" || body.Connections[0].Version != wire.VersionSpoken ||
			body.Connections[0].Language != "JAVA" || !strings.HasPrefix(body.Connections[0].Addr, "127.0.0.1:") {
			t.Errorf("connections %+v", body.Connections)
		}
		if body.Type != "CONSUME_PASSIVELY" || body.Model != "CLUSTERING" || body.From != "CONSUME_FROM_LAST_OFFSET" {
			t.Errorf("%s, %s, %s", body.Type, body.Model, body.From)
		}
		if s := body.Subscriptions["orders"]; s.Expression != "red" || s.Type != "TAG" || s.Version != 1 {
			t.Errorf("subscription %+v", s)
		}
	})
}
