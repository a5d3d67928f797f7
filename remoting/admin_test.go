package remoting

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrymq/gantry/remoting/wire"
)

func commitRequest(group, topic string, queue int, offset int64) *wire.Command {
	return wire.NewRequest(wire.UpdateConsumerOffset, "consumerGroup", group, "topic", topic,
		"queueId", strconv.Itoa(queue), "commitOffset", strconv.FormatInt(offset, 10))
}

// byQueue reads a table by queue: queue number -> value.
func byQueue[V any](t *testing.T, body []byte, member string) map[int32]V {
	t.Helper()
	text, err := wire.Member(body, member)
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	entries, err := wire.DecodeQueueTable[V](text)
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	all := map[int32]V{}
	for _, e := range entries {
		if e.Queue.Broker != "gantry-0" {
			t.Errorf("broker of %+v", e.Queue)
		}
		all[e.Queue.Queue] = e.Value
	}
	return all
}

func TestStatistics(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		first := time.Now().UnixMilli()
		c.send("orders", 1, "a")
		time.Sleep(time.Second)
		c.send("orders", 1, "b")
		c.send("orders", 1, "c")
		last := time.Now().UnixMilli()
		topic := byQueue[wire.TopicOffset](t, c.call(wire.Success, wire.NewRequest(wire.GetTopicStatsInfo, "topic", "orders")).Body, "offsetTable")
		if diff := cmp.Diff(map[int32]wire.TopicOffset{0: {}, 1: {Max: 3, Updated: last}, 2: {}, 3: {}}, topic); diff != "" {
			t.Errorf("topic (-want +got):\n%s", diff)
		}
		c.call(wire.TopicNotExist, wire.NewRequest(wire.GetTopicStatsInfo, "topic", "none"))

		c.call(wire.Success, heartbeatRequest("one", "cg", "orders", "*"))
		c.call(wire.Success, commitRequest("cg", "orders", 1, 1))
		body := c.call(wire.Success, wire.NewRequest(wire.GetConsumeStats, "consumerGroup", "cg", "topic", "orders")).Body
		want := map[int32]wire.ConsumeOffset{0: {}, 1: {Broker: 3, Consumer: 1, Pull: 1, Timestamp: first}, 2: {}, 3: {}}
		if diff := cmp.Diff(want, byQueue[wire.ConsumeOffset](t, body, "offsetTable")); diff != "" {
			t.Errorf("group (-want +got):\n%s", diff)
		}
		body = c.call(wire.Success, wire.NewRequest(wire.GetConsumeStats, "consumerGroup", "cg")).Body
		if !strings.Contains(string(body), `"topic":"%RETRY%cg"`) || !strings.Contains(string(body), `"topic":"orders"`) {
			t.Errorf("group in all topics: %s", body)
		}
		if all := string(c.call(wire.Success, wire.NewRequest(wire.GetBrokerConsumeStats, "isOrder", "false")).Body); !strings.Contains(all, `{"cg":[{"consumeTps":0,`) || !strings.Contains(all, `"totalDiff":2,`) {
			t.Errorf("all groups: %s", all)
		}
		if got := into[wire.GroupList](t, c.call(wire.Success, wire.NewRequest(wire.QueryTopicConsumeByWho, "topic", "orders"))); len(got.Groups) != 1 || got.Groups[0] != "cg" {
			t.Errorf("groups of the topic: %v", got)
		}
		if got := into[wire.TopicList](t, c.call(wire.Success, wire.NewRequest(wire.QueryTopicsByConsumer, "group", "cg"))); cmp.Diff([]string{"%RETRY%cg", "orders"}, got.Topics) != "" {
			t.Errorf("topics of the group: %v", got)
		}
		if got := into[wire.SubscriptionAnswer](t, c.call(wire.Success, wire.NewRequest(wire.QuerySubscriptionByConsumer, "group", "cg", "topic", "orders"))); got.Subscription.Expression != "*" {
			t.Errorf("subscription: %+v", got)
		}
		spans := into[wire.ConsumeTimeSpans](t, c.call(wire.Success, wire.NewRequest(wire.QueryConsumeTimeSpan, "group", "cg", "topic", "orders"))).Spans
		if got := spans[1]; got.Min != first || got.Max != last || got.Consumed != first || got.Delay != 0 {
			t.Errorf("spans %+v", spans)
		}
		if got := into[wire.OffsetTables](t, c.call(wire.Success, wire.NewRequest(wire.GetAllConsumerOffset))); got.Tables["orders@cg"]["1"] != 1 {
			t.Errorf("all offsets %v", got)
		}

		c.call(wire.Success, pullRequest("orders", 1, 0, wire.PullSubscription))
		for name, key := range map[string]string{"TOPIC_PUT_NUMS": "orders", "GROUP_GET_NUMS": "orders@cg", "BROKER_PUT_NUMS": "DefaultCluster", "BROKER_GET_NUMS": "DefaultCluster"} {
			got := into[wire.BrokerStats](t, c.call(wire.Success, wire.NewRequest(wire.ViewBrokerStatsData, "statsName", name, "statsKey", key)))
			if got.Minute.Sum != 3 || got.Hour.Sum != 3 || got.Day.Sum != 3 || got.Minute.TPS != 0.05 {
				t.Errorf("%s: %+v", name, got)
			}
		}
		time.Sleep(2 * time.Minute)
		if got := into[wire.BrokerStats](t, r.dial().call(wire.Success, wire.NewRequest(wire.ViewBrokerStatsData, "statsName", "GROUP_GET_NUMS", "statsKey", "orders@cg"))); got.Minute.Sum != 0 || got.Hour.Sum != 3 {
			t.Errorf("two minutes later: %+v", got)
		}
		r.dial().call(wire.SystemError, wire.NewRequest(wire.ViewBrokerStatsData, "statsName", "NO_SUCH", "statsKey", "x"))
	})
}

// What the exporter of 4.9 reads: one key that is missing, and it shows nothing.
func TestRuntimeInfoHasEveryKey(t *testing.T) {
	keys := strings.Fields(`msgPutTotalTodayNow msgPutTotalTodayMorning msgPutTotalYesterdayMorning msgGetTotalTodayNow msgGetTotalTodayMorning
		msgGetTotalYesterdayMorning putMessageDistributeTime putTps getMissTps getTransferredTps getTransferedTps getTotalTps getFoundTps
		commitLogDirCapacity sendThreadPoolQueueHeadWaitTimeMills queryThreadPoolQueueHeadWaitTimeMills pullThreadPoolQueueHeadWaitTimeMills
		sendThreadPoolQueueSize queryThreadPoolQueueSize pullThreadPoolQueueSize sendThreadPoolQueueCapacity queryThreadPoolQueueCapacity
		pullThreadPoolQueueCapacity remainHowManyDataToFlush bootTimestamp commitLogMinOffset commitLogMaxOffset runtime dispatchMaxBuffer
		brokerVersion brokerVersionDesc consumeQueueDiskRatio commitLogDiskRatio pageCacheLockTimeMills getMessageEntireTimeMax
		putMessageTimesTotal putMessageEntireTimeMax startAcceptSendRequestTimeStamp earliestMessageTimeStamp
		remainTransientStoreBufferNumbs putMessageAverageSize putMessageSizeTotal dispatchBehindBytes`)
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		for range 30 {
			c.send("orders", 0, "x")
		}
		time.Sleep(10 * time.Second)
		got := into[wire.KVTable](t, c.call(wire.Success, wire.NewRequest(wire.GetBrokerRuntimeInfo))).Table
		for _, key := range keys {
			if got[key] == "" {
				t.Errorf("%s is missing", key)
			}
		}
		if got["putTps"] != "3.0 3.0 3.0" || got["msgPutTotalTodayNow"] != "30" || got["getTotalTps"] != "0.0 0.0 0.0" || got["runtime"] != "[ 0 days, 0 hours, 0 minutes, 10 seconds ]" {
			t.Errorf("figures %v", got)
		}
	})
}

func TestBrokerConfig(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		update := func(want wire.ResponseCode, text string) string {
			req := wire.NewRequest(wire.UpdateBrokerConfig)
			req.Body = []byte(text)
			return c.call(want, req).Remark
		}
		settings := func() map[string]string {
			return propertyLines(string(c.call(wire.Success, wire.NewRequest(wire.GetBrokerConfig)).Body))
		}
		before := settings()
		// What exportConfigs of 4.9 copies: without one of them it fails.
		for _, key := range strings.Fields(`brokerClusterName brokerId brokerName brokerRole fileReservedTime filterServerNums flushDiskType
			maxMessageSize messageDelayLevel msgTraceTopicName slaveReadEnable traceOn traceTopicEnable useTLS autoCreateTopicEnable autoCreateSubscriptionGroup`) {
			if before[key] == "" {
				t.Errorf("%s is missing", key)
			}
		}
		for key, want := range map[string]string{
			"brokerName": "gantry-0", "brokerClusterName": "DefaultCluster", "brokerIP1": "127.0.0.1", "listenPort": "10911",
			"brokerPermission": "6", "maxMessageSize": "4194304", "fileReservedTime": "72", "flushDiskType": "ASYNC_FLUSH",
			"messageDelayLevel": "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h",
		} {
			if before[key] != want {
				t.Errorf("%s is %q, want %q", key, before[key], want)
			}
		}
		route := func() wire.TopicRoute {
			return into[wire.TopicRoute](t, c.call(wire.Success, wire.NewRequest(wire.GetRouteInfoByTopic, "topic", "TBW102")))
		}
		update(wire.Success, "brokerIP1=10.1.2.3\nmaxMessageSize=4194304\n")
		if got := route().Brokers[0].Addrs["0"]; got != "10.1.2.3:10911" {
			t.Errorf("the route says %s", got)
		}
		update(wire.Success, "brokerIP1=auto")
		if got := update(wire.InvalidParameter, "maxMessageSize=1\n"); !strings.Contains(got, "maxMessageSize cannot be changed") {
			t.Errorf("remark %q", got)
		}
		update(wire.Success, "brokerPermission=4")
		c.call(wire.NoPermission, sendRequest("orders", 0, "x"))
		if got := route().Queues[0].Perm; got != 5 {
			t.Errorf("the route's permission is %d", got)
		}
		update(wire.Success, "brokerPermission=6")
		c.send("orders", 0, "x")

		wiped := c.call(wire.Success, wire.NewRequest(wire.WipeWritePermOfBroker, "brokerName", "gantry-0"))
		if got := route().Queues[0].Perm; got != 5 || number(t, wiped, "wipeTopicCount") != int64(len(r.engine.Topics())) {
			t.Errorf("wiped: permission %d, %s topics", got, wiped.Ext.Text("wipeTopicCount"))
		}
		c.send("orders", 0, "who knows the way may still send")
		c.call(wire.Success, wire.NewRequest(wire.AddWritePermOfBroker, "brokerName", "gantry-0"))
		if got := route().Queues[0].Perm; got != 7 {
			t.Errorf("put back: permission %d", got)
		}
	})
}

func TestResetOffset(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.send("orders", 0, "a")
		time.Sleep(time.Minute)
		middle := time.Now().UnixMilli()
		c.send("orders", 0, "b")
		c.send("orders", 0, "c")
		reset := func(want wire.ResponseCode, more ...string) map[int32]int64 {
			req := wire.NewRequest(wire.InvokeBrokerToResetOffset, append([]string{"topic", "orders", "group", "cg", "isForce", "true"}, more...)...)
			resp := c.call(want, req)
			if want != wire.Success {
				return nil
			}
			return byQueue[int64](t, resp.Body, "offsetTable")
		}
		reset(wire.SubscriptionGroupNotExist, "timestamp", "0")
		c.call(wire.Success, commitRequest("cg", "orders", 0, 3))
		if diff := cmp.Diff(map[int32]int64{0: 1, 1: 0, 2: 0, 3: 0}, reset(wire.Success, "timestamp", fmt.Sprint(middle))); diff != "" {
			t.Errorf("to a time (-want +got):\n%s", diff)
		}
		c.call(wire.Success, commitRequest("cg", "orders", 0, 3)) // of who does not know yet
		if moved := c.call(wire.PullOffsetMoved, pullRequest("orders", 0, 3, wire.PullSuspend)); number(t, moved, "nextBeginOffset") != 1 {
			t.Errorf("the next pull is sent to %s", moved.Ext.Text("nextBeginOffset"))
		}
		if diff := cmp.Diff(map[int32]int64{0: 3, 1: 0, 2: 0, 3: 0}, reset(wire.Success, "timestamp", "-1")); diff != "" {
			t.Errorf("to the end (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[int32]int64{0: 2}, reset(wire.Success, "timestamp", "-1", "queueId", "0", "offset", "2")); diff != "" {
			t.Errorf("one queue to an offset (-want +got):\n%s", diff)
		}
		reset(wire.InvalidParameter, "timestamp", "-1", "queueId", "0", "offset", "4")
		reset(wire.InvalidParameter, "timestamp", "-1", "queueId", "4")

		c.call(wire.Success, wire.NewRequest(wire.CloneGroupOffset, "srcGroup", "cg", "destGroup", "cg2", "topic", "orders"))
		stored := c.call(wire.Success, wire.NewRequest(wire.QueryConsumerOffset, "consumerGroup", "cg2", "topic", "orders", "queueId", "0"))
		if number(t, stored, "offset") != 2 {
			t.Errorf("cloned to %s", stored.Ext.Text("offset"))
		}
	})
}

// answering answers the requests of the server with a body made by fn, until the
// test ends.
func (c *caller) answering(fn func(*wire.Command) *wire.Command) {
	go func() {
		for cmd := range c.pushed {
			if resp := fn(cmd); resp != nil {
				_ = c.Answer(cmd, resp)
			}
		}
	}()
	c.t.Cleanup(func() { close(c.pushed) })
}

func TestWhatToolsAskOfClients(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		tool, client := r.dial(), r.dial()
		sent := tool.call(wire.Success, sendRequest("orders", 0, "body"))
		client.call(wire.Success, heartbeatRequest("one", "cg", "orders", "*"))
		var got *wire.Command
		silent := false
		client.answering(func(cmd *wire.Command) *wire.Command {
			if cmd.Code == int32(wire.NotifyConsumerIDsChanged) || silent {
				return nil
			}
			got = cmd
			resp := &wire.Command{Body: []byte(`{"x":1}`)}
			if cmd.Code == int32(wire.GetConsumerStatusFromClient) {
				resp.Body = []byte(`{"messageQueueTable":{{"brokerName":"gantry-0","queueId":0,"topic":"orders"}:7}}`)
			}
			return resp
		})
		info := wire.NewRequest(wire.GetConsumerRunningInfo, "consumerGroup", "cg", "clientId", "one", "jstackEnable", "true")
		if resp := tool.call(wire.Success, info); string(resp.Body) != `{"x":1}` || got.Ext.Text("jstackEnable") != "true" {
			t.Errorf("running info %s, asked %+v", resp.Body, got)
		}
		tool.call(wire.ConsumerNotOnline, with(info, "clientId", "two"))

		direct := wire.NewRequest(wire.ConsumeMessageDirectly, "consumerGroup", "cg", "clientId", "one", "msgId", sent.Ext.Text("msgId"))
		tool.call(wire.Success, direct)
		if m, err := wire.DecodeMessage(got.Body); err != nil || string(m.Body) != "body" || got.Code != int32(wire.ConsumeMessageDirectly) {
			t.Errorf("the client is handed %s, %v", got.Body, err)
		}
		status := tool.call(wire.Success, wire.NewRequest(wire.InvokeBrokerToGetConsumeStatus, "topic", "orders", "group", "cg"))
		if want := `{"consumerTable":{"one":{{"brokerName":"gantry-0","queueId":0,"topic":"orders"}:7}},"messageQueueTable":{}}`; string(status.Body) != want {
			t.Errorf("status %s, want %s", status.Body, want)
		}

		silent = true
		began := time.Now()
		tool.call(wire.ConsumeMessageTimeout, with(info, "clientId", "one"))
		if waited := time.Since(began); waited != askTimeout {
			t.Errorf("a silent client is waited for for %v", waited)
		}
		time.AfterFunc(time.Second, func() { _ = client.Close() })
		tool.call(wire.ConsumeMessageTimeout, with(info, "clientId", "one"))
		synctest.Wait()
		tool.call(wire.ConsumerNotOnline, with(info, "clientId", "one"))
	})
}

func TestRequestReply(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		asks, replies := r.dial(), r.dial()
		asks.call(wire.Success, heartbeatRequest("asks", "cg", "orders", "*"))
		var got *wire.Command
		asks.answering(func(cmd *wire.Command) *wire.Command {
			if cmd.Code != int32(wire.PushReplyMessageToClient) {
				return nil
			}
			got = cmd
			return &wire.Command{}
		})
		const properties = "CORRELATION_ID\x01c-1\x02REPLY_TO_CLIENT\x01asks\x02TTL\x013000\x02"
		replies.call(wire.Success, with(sendRequest("orders", 0, "question"), "i", properties))
		if m := replies.messages("orders", 0)[0]; property(&m, "CLUSTER") != "DefaultCluster" || property(&m, "CORRELATION_ID") != "c-1" {
			t.Errorf("properties of the request %q", m.Properties)
		}
		reply := func(to string) *wire.Command {
			req := with(sendRequest("DefaultCluster_REPLY_TOPIC", 0, "answer"), "i", strings.ReplaceAll(properties, "asks", to)+"MSG_TYPE\x01reply\x02")
			req.Code = int32(wire.SendReplyMessageV2)
			return req
		}
		if resp := replies.call(wire.Success, reply("asks")); resp.Ext.Text("msgId") != "0" || resp.Ext.Text("queueId") != "0" {
			t.Errorf("answer to the reply %v", resp.Ext)
		}
		if string(got.Body) != "answer" || got.Ext.Text("topic") != "DefaultCluster_REPLY_TOPIC" || !strings.Contains(got.Ext.Text("properties"), "c-1") ||
			got.Ext.Text("bornHost") == "" || got.Ext.Text("storeHost") != "127.0.0.1:10911" || got.Ext.Text("storeTimestamp") == "" {
			t.Errorf("pushed %+v", got)
		}
		empty := reply("asks")
		empty.Body = nil // as the Go client makes it
		replies.call(wire.Success, empty)
		if resp := replies.call(wire.SystemError, reply("nobody")); !strings.Contains(resp.Remark, "channel of <nobody> not found") {
			t.Errorf("remark %q", resp.Remark)
		}
	})
}

func TestProducers(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.call(wire.Success, heartbeatRequest("one", "cg", "orders", "*"))
		got := into[wire.ProducerConnection](t, c.call(wire.Success, wire.NewRequest(wire.GetProducerConnectionList, "producerGroup", "pg")))
		if len(got.Connections) != 1 || got.Connections[0].ID != "one" || got.Connections[0].Language != "JAVA" {
			t.Errorf("producers %+v", got)
		}
		all := into[wire.ProducerTable](t, c.call(wire.Success, wire.NewRequest(wire.GetAllProducerInfo))).Data["pg"]
		if len(all) != 1 || all[0].ID != "one" || all[0].Updated != time.Now().UnixMilli() {
			t.Errorf("all producers %+v", all)
		}
		c.call(wire.SystemError, wire.NewRequest(wire.GetProducerConnectionList, "producerGroup", "none"))

		check := wire.NewRequest(wire.CheckClientConfig)
		check.Body = []byte(`{"clientId":"one","group":"cg","subscriptionData":{"topic":"orders","subString":"a || b","expressionType":"TAG"}}`)
		c.call(wire.Success, check)
		check.Body = []byte(`{"clientId":"one","group":"cg","subscriptionData":{"topic":"orders","subString":"a >","expressionType":"SQL92"}}`)
		c.call(wire.SubscriptionParseFailed, check)
	})
}
