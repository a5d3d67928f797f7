package remoting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pierrec/lz4/v4"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/client"
	"github.com/gantrymq/gantry/remoting/wire"
)

// with returns a request with a field changed, or taken out by an empty value.
func with(req *wire.Command, key, value string) *wire.Command {
	req.Ext = slices.DeleteFunc(req.Ext, func(f wire.Field) bool { return string(f.Key) == key })
	if value != "" {
		req.Ext.Add(key, value)
	}
	return req
}

func TestRefusedRequests(t *testing.T) {
	send := func() *wire.Command { return sendRequest("orders", 0, "x") }
	pull := func() *wire.Command { return pullRequest("orders", 0, 0, 0) }
	long := strings.Repeat("x", 33_000)
	tests := []struct {
		name   string
		req    *wire.Command
		code   wire.ResponseCode
		remark string
	}{
		{"a code that nobody knows", wire.NewRequest(999), wire.RequestCodeNotSupported, " request type 999 not supported"},
		{"a negative code", wire.NewRequest(-1), wire.RequestCodeNotSupported, " request type -1 not supported"},
		{"a code that is not handled", wire.NewRequest(wire.ResumeCheckHalfMessage), wire.RequestCodeNotSupported, "given up"},
		{"a code of the server's own", wire.NewRequest(wire.NotifyConsumerIDsChanged), wire.RequestCodeNotSupported, "the server sends it"},
		{"a POP code as binary headers cut it", wire.NewRequest(3442), wire.RequestCodeNotSupported, "POP does not exist yet"},
		{"send without a topic", with(send(), "b", ""), wire.SystemError, "topic (b) is missing"},
		{"send with a bad queue", with(send(), "e", "four"), wire.InvalidParameter, `queueId (e) is "four"`},
		{"send to a queue that is not there", with(send(), "e", "4"), wire.InvalidParameter, "4"},
		{"send to an illegal topic", with(send(), "b", "a b"), wire.InvalidParameter, `"a b"`},
		{"send to a long topic", with(send(), "b", strings.Repeat("t", 128)), wire.InvalidParameter, "128"},
		{"send to a forbidden topic", with(send(), "b", "SCHEDULE_TOPIC_XXXX"), wire.InvalidParameter, "forbidden"},
		{"send to an unknown topic without a template", with(with(send(), "b", "new"), "c", "none"), wire.TopicNotExist, "new"},
		{"properties too long", with(send(), "i", "K\x01"+long+"\x02"), wire.MessageIllegal, "32767"},
		{"a delay that is no number", with(send(), "i", "DELAY\x01soon\x02"), wire.MessageIllegal, "soon"},
		{"a message delayed for too long", with(send(), "i", "TIMER_DELAY_SEC\x013456001\x02"), wire.MessageIllegal, "3456000000"},
		{"recall of an unknown topic", recallRequest("new", "x"), wire.TopicNotExist, "new"},
		{"recall without a handle", wire.NewRequest(wire.RecallMessage, "topic", "orders"), wire.SystemError, "recallHandle is missing"},
		{"recall with a handle that is none", recallRequest("orders", "!"), wire.IllegalOperation, "recall handle is invalid"},
		{"recall with the handle of another version", recallRequest("orders", handleText("v2 orders gantry-0 1 K")), wire.IllegalOperation, "recall handle is invalid"},
		{"recall with the handle of another topic", recallRequest("orders", handleText("v1 other gantry-0 1 K")), wire.IllegalOperation, "topic not match"},
		{"recall with the handle of another broker", recallRequest("orders", handleText("v1 orders broker-a 1 K")), wire.IllegalOperation, "broker"},
		{"recall with a bad time", recallRequest("orders", handleText("v1 orders gantry-0 soon K")), wire.IllegalOperation, "timestamp invalid"},
		{"recall of what does not wait", recallRequest("orders", handleText("v1 orders gantry-0 99 K")), wire.IllegalOperation, "99"},
		{"a prepared message that is none by its properties", with(send(), "f", "4"), wire.MessageIllegal, "TRAN_MSG"},
		{"pull without an offset", with(pull(), "queueOffset", ""), wire.SystemError, "queueOffset is missing"},
		{"pull from an unknown topic", with(pull(), "topic", "new"), wire.TopicNotExist, "topic[new] not exist"},
		{"pull from a queue that is not there", with(pull(), "queueId", "4"), wire.InvalidParameter, "queueId[4] is illegal"},
		{"pull with a filter of an unknown kind", with(pullRequest("orders", 0, 0, wire.PullSubscription), "expressionType", "XPATH"), wire.SubscriptionParseFailed, "XPATH"},
		{"pull with a bad SQL92 expression", with(with(pullRequest("orders", 0, 0, wire.PullSubscription), "expressionType", "SQL92"), "subscription", "a >"), wire.SubscriptionParseFailed, "SQL92 expression at position 4"},
		{"max offset without a queue", wire.NewRequest(wire.GetMaxOffset, "topic", "orders"), wire.SystemError, "queueId is missing"},
		{"search with a bad time", wire.NewRequest(wire.SearchOffsetByTimestamp, "topic", "orders", "queueId", "0", "timestamp", "now"), wire.InvalidParameter, `timestamp is "now"`},
		{"route without a topic", wire.NewRequest(wire.GetRouteInfoByTopic), wire.SystemError, "topic is missing"},
		{"route of an illegal topic", wire.NewRequest(wire.GetRouteInfoByTopic, "topic", "a b"), wire.TopicNotExist, "a b"},
		{"topic with an illegal name", createTopic("a b", "4", "6"), wire.InvalidParameter, `"a b"`},
		{"topic without queues", createTopic("zero", "0", "6"), wire.InvalidParameter, "0 read and 0 write queues"},
		{"topic with a bad permission", createTopic("perm", "4", "9"), wire.InvalidParameter, "permission 9"},
		{"topic of the system", createTopic("TBW102", "4", "6"), wire.InvalidParameter, "TBW102"},
		{"topic with a bad attribute", with(createTopic("attr", "4", "6"), "attributes", "message.type"), wire.InvalidParameter, `"message.type"`},
		{"settings of an unknown topic", wire.NewRequest(wire.GetTopicConfig, "topic", "new"), wire.TopicNotExist, "new"},
	}
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.send("orders", 0, "first")
		before := r.engine.Stats()
		for _, tt := range tests {
			resp := c.call(tt.code, tt.req)
			if !strings.Contains(resp.Remark, tt.remark) {
				t.Errorf("%s: remark %q, want %q in it", tt.name, resp.Remark, tt.remark)
			}
		}
		if after := r.engine.Stats(); after.Sent != before.Sent || after.Topics != before.Topics {
			t.Errorf("refused requests left %d messages and %d topics", after.Sent-before.Sent, after.Topics-before.Topics)
		}
	})
}

func TestABodyOverTheLimit(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.call(wire.MessageIllegal, sendRequest("orders", 0, strings.Repeat("x", 4<<20+1)))
		c.call(wire.Success, sendRequest("orders", 0, strings.Repeat("x", 4<<20)))
	})
}

func createTopic(name, queues, perm string) *wire.Command {
	return wire.NewRequest(wire.UpdateAndCreateTopic, "topic", name, "defaultTopic", defaultTopic, "readQueueNums", queues,
		"writeQueueNums", queues, "perm", perm, "topicFilterType", "SINGLE_TAG", "topicSysFlag", "0", "order", "false")
}

func TestCreateTopic(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.call(wire.Success, with(createTopic("orders", "8", "6"), "attributes", "+message.type=FIFO"))
		c.call(wire.Success, with(createTopic("orders", "8", "4"), "attributes", "+cleanup.policy=DELETE"))
		var got wire.TopicConfig
		if err := json.Unmarshal(c.call(wire.Success, wire.NewRequest(wire.GetTopicConfig, "topic", "orders")).Body, &got); err != nil {
			t.Fatal(err)
		}
		if got.ReadQueues != 8 || got.WriteQueues != 8 || got.Perm != 4 || got.FilterType != "SINGLE_TAG" ||
			got.Attributes["message.type"] != "FIFO" || got.Attributes["cleanup.policy"] != "DELETE" {
			t.Errorf("settings %+v", got)
		}
		c.call(wire.NoPermission, sendRequest("orders", 0, "x"))
		c.call(wire.Success, createTopic("orders", "8", "2"))
		c.call(wire.NoPermission, pullRequest("orders", 0, 0, 0))
		var all wire.TopicConfigs
		if err := json.Unmarshal(c.call(wire.Success, wire.NewRequest(wire.GetAllTopicConfig)).Body, &all); err != nil {
			t.Fatal(err)
		}
		if all.Topics["orders"].Perm != 2 || all.Topics["TBW102"].Perm != 7 {
			t.Errorf("topics %+v", all.Topics)
		}
	})
}

func TestTopicLists(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.send("orders", 0, "x")
		list := func(req *wire.Command) wire.TopicList {
			var l wire.TopicList
			if err := json.Unmarshal(c.call(wire.Success, req).Body, &l); err != nil {
				t.Fatal(err)
			}
			return l
		}
		all := list(wire.NewRequest(wire.GetAllTopicListFromNameServer))
		for _, topic := range []string{"orders", "TBW102", "DefaultCluster", "gantry-0", "RMQ_SYS_TRACE_TOPIC", "DefaultCluster_REPLY_TOPIC"} {
			if !slices.Contains(all.Topics, topic) {
				t.Errorf("%s is not listed", topic)
			}
			c.call(wire.Success, wire.NewRequest(wire.GetRouteInfoByTopic, "topic", topic))
		}
		system := list(wire.NewRequest(wire.GetSystemTopicListFromNS))
		if slices.Contains(system.Topics, "orders") || !slices.Contains(system.Topics, "TBW102") || system.BrokerAddr != testBroker {
			t.Errorf("system topics %+v", system)
		}
		if got := list(wire.NewRequest(wire.GetTopicsByCluster, "cluster", "DefaultCluster")); len(got.Topics) != len(all.Topics) {
			t.Errorf("%d topics of the cluster, %d in all", len(got.Topics), len(all.Topics))
		}
		if got := list(wire.NewRequest(wire.GetTopicsByCluster, "cluster", "other")); len(got.Topics) != 0 {
			t.Errorf("topics of another cluster: %v", got.Topics)
		}
		body := string(c.call(wire.Success, wire.NewRequest(wire.GetBrokerClusterInfo)).Body)
		want := `{"brokerAddrTable":{"gantry-0":{"brokerAddrs":{"0":"127.0.0.1:10911"},"brokerName":"gantry-0","cluster":"DefaultCluster","enableActingMaster":false}},"clusterAddrTable":{"DefaultCluster":["gantry-0"]}}`
		if body != want {
			t.Errorf("cluster %s", body)
		}
	})
}

func TestRetryTopicHasARouteBeforeItsGroup(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		resp := c.call(wire.Success, wire.NewRequest(wire.GetRouteInfoByTopic, "topic", "%RETRY%cg"))
		if !strings.Contains(string(resp.Body), `"perm":6,"readQueueNums":1,"topicSysFlag":0,"writeQueueNums":1`) {
			t.Errorf("route %s", resp.Body)
		}
		c.call(wire.TopicNotExist, wire.NewRequest(wire.GetRouteInfoByTopic, "topic", "%RETRY%a b"))
	})
}

func TestBatchOfMessages(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		batch := func(topic string, n int) *wire.Command {
			req := sendRequest(topic, 2, "")
			req.Code = int32(wire.SendBatchMessage)
			with(req, "m", "true")
			for i := range n {
				req.Body = wire.AppendBatchMessage(req.Body, wire.BatchMessage{Body: []byte(strconv.Itoa(i)), Properties: []byte("TAGS\x01red\x02")})
			}
			return req
		}
		c.send("orders", 2, "first")
		resp := c.call(wire.Success, batch("orders", 3))
		ids := strings.Split(resp.Ext.Text("msgId"), ",")
		if len(ids) != 3 || number(t, resp, "queueOffset") != 1 || number(t, resp, "queueId") != 2 {
			t.Errorf("answer %s, %s, %s", resp.Ext.Text("msgId"), resp.Ext.Text("queueId"), resp.Ext.Text("queueOffset"))
		}
		messages, err := wire.DecodeMessages(nil, c.call(wire.Success, pullRequest("orders", 2, 1, 0)).Body)
		if err != nil || len(messages) != 3 {
			t.Fatalf("%d messages, %v", len(messages), err)
		}
		for i, m := range messages {
			_, offset, err := wire.ParseMessageID(ids[i])
			if err != nil || offset != m.PhysicalOffset || m.QueueOffset != int64(i+1) || string(m.Body) != strconv.Itoa(i) {
				t.Errorf("message %d: id %s, physical offset %d, offset %d, body %s", i, ids[i], m.PhysicalOffset, m.QueueOffset, m.Body)
			}
			if key, ok := wire.Property(m.Properties, wire.PropertyUniqueKey); !ok || len(key) == 0 {
				t.Errorf("message %d has no unique key", i)
			}
		}
		c.call(wire.MessageIllegal, batch("orders", 0))
		c.call(wire.MessageIllegal, batch("%RETRY%cg", 1))
		cut := batch("orders", 2)
		cut.Body = cut.Body[:len(cut.Body)-1]
		c.call(wire.MessageIllegal, cut)
		if got := number(t, c.call(wire.Success, wire.NewRequest(wire.GetMaxOffset, "topic", "orders", "queueId", "2")), "offset"); got != 4 {
			t.Errorf("the queue ends at %d, want 4", got)
		}
	})
}

func TestPullStatuses(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		for i := range 3 {
			c.send("orders", 0, strconv.Itoa(i))
		}
		tests := []struct {
			name   string
			req    *wire.Command
			code   wire.ResponseCode
			next   int64
			queued int
		}{
			{"found", pullRequest("orders", 0, 1, wire.PullSubscription), wire.Success, 3, 2},
			{"at the end", pullRequest("orders", 0, 3, wire.PullSubscription), wire.PullNotFound, 3, 0},
			{"behind the end", pullRequest("orders", 0, 9, wire.PullSubscription), wire.PullOffsetMoved, 3, 0},
			{"nothing that matches", with(pullRequest("orders", 0, 0, wire.PullSubscription), "subscription", "blue"), wire.PullRetryImmediately, 3, 0},
			{"one at a time", with(pullRequest("orders", 0, 0, 0), "maxMsgNums", "1"), wire.Success, 1, 1},
			{"one at a time, by bytes", with(pullRequest("orders", 0, 0, 0), "maxMsgBytes", "1"), wire.Success, 1, 1},
			{"an empty queue", pullRequest("orders", 1, 0, wire.PullSubscription), wire.PullNotFound, 0, 0},
		}
		for _, tt := range tests {
			resp := c.call(tt.code, tt.req)
			messages, err := wire.DecodeMessages(nil, resp.Body)
			if err != nil || len(messages) != tt.queued || number(t, resp, "nextBeginOffset") != tt.next {
				t.Errorf("%s: %d messages, next %s, %v", tt.name, len(messages), resp.Ext.Text("nextBeginOffset"), err)
			}
			if number(t, resp, "minOffset") != 0 || number(t, resp, "suggestWhichBrokerId") != 0 {
				t.Errorf("%s: fields %v", tt.name, resp.Ext)
			}
		}
	})
}

func TestPullUsesTheHeartbeatsFilter(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.send("orders", 0, "red")
		c.call(wire.Success, heartbeatRequest("one", "cg", "orders", "blue"))
		c.call(wire.PullRetryImmediately, pullRequest("orders", 0, 0, 0))
		c.call(wire.Success, pullRequest("orders", 0, 0, wire.PullSubscription))
	})
}

func TestOffsets(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		query := func() *wire.Command {
			return wire.NewRequest(wire.QueryConsumerOffset, "consumerGroup", "cg", "topic", "orders", "queueId", "0")
		}
		commit := func(offset string) *wire.Command {
			return wire.NewRequest(wire.UpdateConsumerOffset, "consumerGroup", "cg", "topic", "orders", "queueId", "0", "commitOffset", offset)
		}
		offset := func(req *wire.Command) int64 { return number(t, c.call(wire.Success, req), "offset") }
		queue := func(code wire.RequestCode, more ...string) *wire.Command {
			return wire.NewRequest(code, append([]string{"topic", "orders", "queueId", "0"}, more...)...)
		}

		c.call(wire.QueryNotFound, query()) // no topic yet
		before := time.Now().UnixMilli()
		c.send("orders", 0, "first")
		time.Sleep(time.Minute)
		c.send("orders", 0, "second")

		c.call(wire.Success, heartbeatRequest("one", "cg", "orders", "*"))
		if got := offset(query()); got != 0 {
			t.Errorf("offset of a group without one in a young queue: %d", got)
		}
		c.call(wire.QueryNotFound, with(query(), "setZeroIfNotFound", "false"))
		c.call(wire.Success, commit("2"))
		if got := offset(query()); got != 2 {
			t.Errorf("offset %d, committed 2", got)
		}
		c.call(wire.Success, commit("1")) // tools rewind
		if got := offset(query()); got != 1 {
			t.Errorf("offset %d, committed 1", got)
		}
		if low, high := offset(queue(wire.GetMinOffset)), offset(queue(wire.GetMaxOffset)); low != 0 || high != 2 {
			t.Errorf("min %d, max %d", low, high)
		}
		for _, tt := range []struct {
			name string
			at   int64
			want int64
		}{{"before the first", before - 1000, 0}, {"at the first", before, 0}, {"between", before + 30_000, 1}, {"after the last", before + 1e9, 2}} {
			if got := offset(queue(wire.SearchOffsetByTimestamp, "timestamp", strconv.FormatInt(tt.at, 10))); got != tt.want {
				t.Errorf("search %s: %d, want %d", tt.name, got, tt.want)
			}
		}
		if got := number(t, c.call(wire.Success, queue(wire.GetEarliestMsgStoreTime)), "timestamp"); got < before || got > before+1000 {
			t.Errorf("the first message is of %d, want %d", got, before)
		}
		empty := wire.NewRequest(wire.GetEarliestMsgStoreTime, "topic", "orders", "queueId", "1")
		if got := number(t, c.call(wire.Success, empty), "timestamp"); got != -1 {
			t.Errorf("an empty queue's first message is of %d", got)
		}
	})
}

func TestPullCommits(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.send("orders", 0, "first")
		c.call(wire.Success, heartbeatRequest("one", "cg", "orders", "*"))
		c.call(wire.Success, with(pullRequest("orders", 0, 0, wire.PullCommitOffset), "commitOffset", "1"))
		resp := c.call(wire.Success, wire.NewRequest(wire.QueryConsumerOffset, "consumerGroup", "cg", "topic", "orders", "queueId", "0"))
		if got := number(t, resp, "offset"); got != 1 {
			t.Errorf("offset %d, committed by the pull 1", got)
		}
	})
}

func TestOnewayIsNotAnswered(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		nc := r.raw()
		for _, req := range []*wire.Command{
			sendRequest("orders", 0, "x"), wire.NewRequest(999), with(sendRequest("orders", 0, "x"), "b", ""),
			wire.NewRequest(wire.GetRouteInfoByTopic, "topic", "none"),
		} {
			req.Flag = wire.FlagOneway
			write(t, nc, req.AppendTo(nil))
		}
		last := wire.NewRequest(wire.GetBrokerClusterInfo)
		last.Opaque = 7
		write(t, nc, last.AppendTo(nil))
		cmd, err := client.ReadCommand(nc)
		if err != nil || cmd.Opaque != 7 || cmd.Code != int32(wire.Success) {
			t.Errorf("the first answer is %+v, %v", cmd, err)
		}
		synctest.Wait()
		if got := r.engine.Stats().Sent; got != 1 {
			t.Errorf("%d messages are stored, want the one", got)
		}
	})
}

func TestAnswersGoAsTheRequestsCame(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		for _, s := range []wire.Serialization{wire.JSON, wire.Binary} {
			for _, req := range []*wire.Command{sendRequest("orders", 0, "x"), pullRequest("orders", 0, 0, 0), wire.NewRequest(999)} {
				req.Serialization = s
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				resp, err := c.Call(ctx, req)
				cancel()
				if err != nil || resp.Serialization != s || resp.Version != wire.VersionSpoken || resp.Language != wire.Java || resp.Flag != wire.FlagResponse {
					t.Errorf("request %d by %d: %+v, %v", req.Code, s, resp, err)
				}
			}
		}
	})
}

func TestOldClientsGetPlainBodies(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		var compressed bytes.Buffer
		w := lz4.NewWriter(&compressed)
		_, _ = w.Write([]byte("hello"))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		packed := compressed.String()
		flag := strconv.Itoa(int(wire.SysCompressed | wire.SysCompressionLZ4))
		c.call(wire.Success, with(sendRequest("orders", 0, packed), "f", flag))
		for language, want := range map[wire.Language]string{wire.Java: packed, wire.Go: "hello", wire.CPP: "hello"} {
			req := pullRequest("orders", 0, 0, 0)
			req.Language, req.Version = language, 317
			m, err := wire.DecodeMessage(c.call(wire.Success, req).Body)
			if err != nil || string(m.Body) != want {
				t.Errorf("%v gets %q, %v", language, m.Body, err)
			}
		}
	})
}

func TestAClientThatDisconnectsWhilePollingIsForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.send("orders", 0, "first")
		gone := r.dial()
		polled := make(chan error)
		go func() {
			_, err := gone.Call(t.Context(), pullRequest("orders", 0, 1, wire.PullSuspend))
			polled <- err
		}()
		time.Sleep(time.Second)
		if got := r.engine.Stats().Waiting; got != 1 {
			t.Errorf("%d polls wait", got)
		}
		_ = gone.Close()
		if err := <-polled; !errors.Is(err, client.ErrClosed) {
			t.Errorf("the call ended with %v", err)
		}
		time.Sleep(time.Second)
		if got := r.engine.Stats().Waiting; got != 0 {
			t.Errorf("%d polls wait for a client that is gone", got)
		}
		c.send("orders", 0, "second")
	})
}

func TestAPanickingHandlerAnswers(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.server.router.low[wire.GetMinOffset].handle = func(*conn, request) { panic("oh") }
		c := r.dial()
		resp := c.call(wire.SystemError, wire.NewRequest(wire.GetMinOffset))
		if strings.Contains(resp.Remark, "oh") || !strings.Contains(resp.Remark, "GET_MIN_OFFSET") {
			t.Errorf("remark %q", resp.Remark)
		}
		c.call(wire.Success, wire.NewRequest(wire.GetBrokerClusterInfo))
	})
}

func TestBusyByVersion(t *testing.T) {
	for version, want := range map[int32]wire.ResponseCode{409: wire.ServiceNotAvailable, 473: wire.SystemBusy, 479: wire.SystemBusy} {
		if code, _ := statusOf(core.Errorf(core.Busy, "busy"), version); code != want {
			t.Errorf("version %d: %d, want %d", version, code, want)
		}
	}
	for version, want := range map[int32]wire.ResponseCode{475: wire.ServiceNotAvailable, 476: wire.GoAway} {
		if code, _ := statusOf(core.Errorf(core.ShuttingDown, "bye"), version); code != want {
			t.Errorf("version %d: %d, want %d", version, code, want)
		}
	}
}

func TestEveryCoreCodeHasAStatus(t *testing.T) {
	for _, code := range core.Codes() {
		if _, ok := status[code]; !ok {
			t.Errorf("core code %v has no response code", code)
		}
	}
	if len(status) != len(core.Codes()) {
		t.Errorf("%d codes of core, %d in the table", len(core.Codes()), len(status))
	}
}

func TestErrorsShowNothingInternal(t *testing.T) {
	for _, err := range []error{
		errors.New("open /secret: denied"),
		&core.Error{Code: core.Internal, Err: errors.New("open /secret: denied")},
		fmt.Errorf("wrapped: %w", &core.Error{Code: core.Unavailable, Err: errors.New("open /secret: denied")}),
	} {
		if _, remark := statusOf(err, 479); strings.Contains(remark, "secret") || remark == "" {
			t.Errorf("remark %q", remark)
		}
	}
}
