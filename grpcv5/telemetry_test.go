package grpcv5

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// channel is a Telemetry stream as a client has it.
type channel struct {
	grpc.BidiStreamingClient[apis.TelemetryCommand, apis.TelemetryCommand]
	t      testing.TB
	cancel context.CancelFunc
}

func (c *sdk) telemetry() *channel {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.ctx)
	s, err := c.Telemetry(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	return &channel{s, c.t, cancel}
}

func (ch *channel) say(s *apis.Settings) {
	ch.t.Helper()
	if err := ch.Send(&apis.TelemetryCommand{Command: &apis.TelemetryCommand_Settings{Settings: s}}); err != nil {
		ch.t.Fatal(err)
	}
}

// told returns the next settings, which must come with a good status.
func (ch *channel) told() *apis.Settings {
	ch.t.Helper()
	cmd, err := ch.Recv()
	if err != nil {
		ch.t.Fatal(err)
	}
	if cmd.GetStatus().GetCode() != apis.Code_OK || cmd.GetSettings() == nil {
		ch.t.Fatalf("told %v", cmd)
	}
	return cmd.GetSettings()
}

func endpoint(host string, port int32) *apis.Endpoints {
	return &apis.Endpoints{Scheme: apis.AddressScheme_IPv4, Addresses: []*apis.Address{{Host: host, Port: port}}}
}

func producerSettings(topics ...string) *apis.Settings {
	p := &apis.Publishing{}
	for _, t := range topics {
		p.Topics = append(p.Topics, resource(t))
	}
	return &apis.Settings{
		ClientType: new(apis.ClientType_PRODUCER), AccessPoint: endpoint("10.1.2.3", 30081),
		RequestTimeout: durationpb.New(3 * time.Second),
		PubSub:         &apis.Settings_Publishing{Publishing: p},
		UserAgent:      &apis.UA{Language: apis.Language_NODE_JS, Version: "1.0.8"},
	}
}

func consumerSettings(kind apis.ClientType, group, topic, expression string) *apis.Settings {
	return &apis.Settings{
		ClientType: &kind, AccessPoint: endpoint("10.1.2.3", 30081),
		PubSub: &apis.Settings_Subscription{Subscription: &apis.Subscription{
			Group: resource(group),
			Subscriptions: []*apis.SubscriptionEntry{{
				Topic: resource(topic), Expression: &apis.FilterExpression{Type: apis.FilterType_TAG, Expression: expression},
			}},
		}},
	}
}

// Rust says nothing before it has the headers.
func TestHeadersOfTelemetryComeAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.sdk("rust")
		defer c.close()
		ch := c.telemetry()
		defer ch.cancel()
		if _, err := ch.Header(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestProducerSettings(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.sdk("c1")
		defer c.close()
		ch := c.telemetry()
		defer ch.cancel()
		said := producerSettings("t1", "t2")
		ch.say(said)
		got := ch.told()
		if !proto.Equal(got.AccessPoint, said.AccessPoint) || !proto.Equal(got.UserAgent, said.UserAgent) || got.GetClientType() != apis.ClientType_PRODUCER {
			t.Errorf("not what was said: %v", got)
		}
		p := got.GetPublishing()
		if len(p.GetTopics()) != 2 || p.GetMaxBodySize() != 4<<20 || !p.GetValidateMessageType() {
			t.Errorf("publishing %v", p)
		}
		b := got.GetBackoffPolicy()
		if e := b.GetExponentialBackoff(); b.GetMaxAttempts() != 3 || e.GetInitial().AsDuration() != 10*time.Millisecond ||
			e.GetMax().AsDuration() != time.Second || e.GetMultiplier() != 2 {
			t.Errorf("backoff %v", b)
		}
	})
}

func TestConsumerSettings(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		r.topic("f", "FIFO")
		for _, tt := range []struct {
			topic string
			fifo  bool
		}{{"t", false}, {"f", true}} {
			c := r.sdk("python-" + tt.topic)
			ch := c.telemetry()
			said := consumerSettings(apis.ClientType_PUSH_CONSUMER, "g-"+tt.topic, tt.topic, "a || b")
			ch.say(said)
			got := ch.told()
			s := got.GetSubscription()
			if !proto.Equal(s.GetGroup(), said.GetSubscription().GetGroup()) || !proto.Equal(s.GetSubscriptions()[0], said.GetSubscription().GetSubscriptions()[0]) {
				t.Errorf("not what was said: %v", got)
			}
			if s.GetFifo() != tt.fifo || s.GetReceiveBatchSize() != 32 || s.GetLongPollingTimeout().AsDuration() != 20*time.Second {
				t.Errorf("subscription %v", s)
			}
			steps := got.GetBackoffPolicy().GetCustomizedBackoff().GetNext()
			if got.GetBackoffPolicy().GetMaxAttempts() != 17 || len(steps) != 18 || steps[17].AsDuration() != 2*time.Hour {
				t.Errorf("backoff %v", got.GetBackoffPolicy())
			}
			ch.cancel()
			c.close()
		}
	})
}

// Node loses the first answer of a fast server.
func TestSettingsAreSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.sdk("node")
		defer c.close()
		ch := c.telemetry()
		defer ch.cancel()
		began := time.Now()
		ch.say(producerSettings("t"))
		for _, want := range []time.Duration{0, 150 * time.Millisecond, time.Second} {
			ch.told()
			if took := time.Since(began); took != want {
				t.Errorf("settings after %v, want %v", took, want)
			}
		}
	})
}

func TestASettingThatIsWrongDoesNotEndTheStream(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.sdk("c1")
		defer c.close()
		ch := c.telemetry()
		defer ch.cancel()
		ch.say(consumerSettings(apis.ClientType_PUSH_CONSUMER, "not a group", "t", "*"))
		cmd, err := ch.Recv()
		if err != nil || cmd.GetStatus().GetCode() != apis.Code_ILLEGAL_CONSUMER_GROUP || cmd.GetCommand() != nil {
			t.Errorf("told %v, %v", cmd, err)
		}
		ch.say(producerSettings("t"))
		ch.told()
	})
}

func TestTelemetryWithoutAClientID(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.sdk("")
		defer c.close()
		ch := c.telemetry()
		defer ch.cancel()
		ch.say(producerSettings("t"))
		if cmd, err := ch.Recv(); err != nil || cmd.GetStatus().GetCode() != apis.Code_CLIENT_ID_REQUIRED {
			t.Errorf("told %v, %v", cmd, err)
		}
	})
}

func (r *rig) members(group string) []core.Member {
	r.t.Helper()
	c := r.engine.Connect(core.ClientInfo{})
	defer c.Close()
	found := make(chan []core.Member, 1)
	c.Members(group, func(m []core.Member, err error) {
		if err != nil {
			r.t.Error(err)
		}
		found <- m
	})
	c.Submit()
	return <-found
}

func (r *rig) sessionCount() int {
	r.server.sessions.mu.Lock()
	defer r.server.sessions.mu.Unlock()
	return len(r.server.sessions.byID)
}

func TestAConsumerIsAMemberUntilItGoes(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("java@1")
		defer c.close()
		ch := c.telemetry()
		defer ch.cancel()
		ch.say(consumerSettings(apis.ClientType_SIMPLE_CONSUMER, "g", "t", "*"))
		ch.told()
		if m := r.members("g"); len(m) != 1 || m[0].ClientID != "java@1" || m[0].Language != "GO" || !m[0].Consumer.Pop {
			t.Errorf("members %+v", m)
		}
		for range 20 { // longer than a member's lease
			time.Sleep(10 * time.Second)
			must[*apis.HeartbeatResponse](c, apis.Code_OK)(c.Heartbeat(c.ctx, &apis.HeartbeatRequest{Group: resource("g"), ClientType: apis.ClientType_PUSH_CONSUMER}))
		}
		if len(r.members("g")) != 1 {
			t.Error("its heartbeats did not keep it a member")
		}
		must[*apis.NotifyClientTerminationResponse](c, apis.Code_OK)(c.NotifyClientTermination(c.ctx, &apis.NotifyClientTerminationRequest{Group: resource("g")}))
		synctest.Wait()
		if len(r.members("g")) != 0 || r.sessionCount() != 0 {
			t.Errorf("%d members and %d sessions are left", len(r.members("g")), r.sessionCount())
		}
	})
}

func TestWhenASessionEnds(t *testing.T) {
	beat := func(t *testing.T, c *sdk) {
		must[*apis.HeartbeatResponse](c, apis.Code_OK)(c.Heartbeat(c.ctx, &apis.HeartbeatRequest{ClientType: apis.ClientType_PRODUCER}))
	}
	for name, tt := range map[string]struct {
		after time.Duration
		do    func(*testing.T, *rig) (done func())
	}{
		"a call, and then nothing": {75 * time.Second, func(t *testing.T, r *rig) func() {
			c := r.sdk("c")
			beat(t, c)
			return c.close
		}},
		"a call, and the connection ends": {10 * time.Second, func(t *testing.T, r *rig) func() {
			c := r.sdk("c")
			beat(t, c)
			c.close()
			return func() {}
		}},
		"a stream that ends, on a connection that stays": {75 * time.Second, func(t *testing.T, r *rig) func() {
			c := r.sdk("c")
			ch := c.telemetry()
			ch.say(producerSettings("t"))
			ch.told()
			ch.cancel()
			return c.close
		}},
		"a stream that ends with its connection": {10 * time.Second, func(t *testing.T, r *rig) func() {
			c := r.sdk("c")
			ch := c.telemetry()
			ch.say(producerSettings("t"))
			ch.told()
			c.close()
			return ch.cancel
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				began := time.Now()
				done := tt.do(t, r)
				defer done()
				synctest.Wait()
				for r.sessionCount() > 0 && time.Since(began) < 5*time.Minute {
					time.Sleep(500 * time.Millisecond)
				}
				if took := time.Since(began); took < tt.after || took > tt.after+time.Second {
					t.Errorf("the session ended after %v, want %v", took, tt.after)
				}
			})
		})
	}
}

func TestAStreamKeepsItsSession(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.sdk("c")
		defer c.close()
		ch := c.telemetry()
		defer ch.cancel()
		ch.say(producerSettings("t"))
		ch.told()
		time.Sleep(time.Hour)
		if r.sessionCount() != 1 {
			t.Error("the session is gone")
		}
	})
}

// Go's load balancer sends heartbeats without headers, which mean nothing.
func TestHeartbeats(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		stranger, c := r.sdk(""), r.sdk("c")
		defer stranger.close()
		defer c.close()
		must[*apis.HeartbeatResponse](stranger, apis.Code_OK)(stranger.Heartbeat(stranger.ctx, &apis.HeartbeatRequest{}))
		must[*apis.HeartbeatResponse](c, apis.Code_UNRECOGNIZED_CLIENT_TYPE)(c.Heartbeat(c.ctx, &apis.HeartbeatRequest{ClientType: 99}))
		must[*apis.HeartbeatResponse](c, apis.Code_ILLEGAL_CONSUMER_GROUP)(c.Heartbeat(c.ctx, &apis.HeartbeatRequest{Group: resource("a b")}))
	})
}

func TestAClientIsToldOfChanges(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c1")
		defer c.close()
		ch := c.telemetry()
		defer ch.cancel()
		ch.say(consumerSettings(apis.ClientType_PUSH_CONSUMER, "g", "t", "*"))
		for range 3 {
			if n := ch.told().GetBackoffPolicy().GetMaxAttempts(); n != 17 {
				t.Fatalf("%d attempts", n)
			}
		}
		beat := func() {
			must[*apis.HeartbeatResponse](c, apis.Code_OK)(c.Heartbeat(c.ctx, &apis.HeartbeatRequest{Group: resource("g")}))
		}
		beat() // nothing is new
		r.admin(core.PutGroup{Config: core.GroupConfig{Name: "g", MaxAttempts: 3, Order: core.OrderFIFO}})
		beat()
		got := ch.told()
		if n := got.GetBackoffPolicy().GetMaxAttempts(); n != 3 || !got.GetSubscription().GetFifo() {
			t.Errorf("%d attempts, %v", n, got.GetSubscription())
		}
	})
}

func TestClientIDsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.sdk(strings.Repeat("c", maxClientID+1))
		defer c.close()
		must[*apis.NotifyClientTerminationResponse](c, apis.Code_BAD_REQUEST)(c.NotifyClientTermination(c.ctx, &apis.NotifyClientTerminationRequest{}))
		c.send(apis.Code_TOPIC_NOT_FOUND, c.message("t", "id", "x"))
	})
}

func TestSettingsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.sdk("c1")
		defer c.close()
		ch := c.telemetry()
		defer ch.cancel()
		large, many := producerSettings("t"), producerSettings("t")
		large.UserAgent.Platform = strings.Repeat("x", maxSettings)
		many.ClientProperties = numbered(maxProperties + 1)
		for said, want := range map[*apis.Settings]apis.Code{large: apis.Code_BAD_REQUEST, many: apis.Code_INVALID_CLIENT_PROPERTIES} {
			ch.say(said)
			if cmd, err := ch.Recv(); err != nil || cmd.GetStatus().GetCode() != want {
				t.Errorf("told %v, %v; want %v", cmd, err, want)
			}
		}
		ok := producerSettings("t")
		ok.ClientProperties = numbered(maxProperties)
		ch.say(ok)
		if got := ch.told(); len(got.ClientProperties) != maxProperties {
			t.Errorf("%v", got)
		}
	})
}
