package sdk5

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	v2 "github.com/apache/rocketmq-clients/golang/v5/protocol/v2"
	"github.com/gantrymq/gantry/conformance/rawclient"
	"github.com/gantrymq/gantry/conformance/sdk5/double"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// raw is a double with a topic and a group of its own. It never opens a telemetry stream: all it does must work without.
type raw struct {
	*double.Client
	t            *testing.T
	topic, group string
	broker       *v2.Broker
}

// newRaw makes a double. Where the server is foreign it does have a session: Apache's answers nothing without.
func newRaw(t *testing.T, messageType string, g rawclient.Group) *raw {
	t.Helper()
	t.Parallel()
	r := &raw{t: t, topic: newTopic(t, messageType)}
	r.group = newGroup(t, r.topic, g)
	c, err := double.Dial(lab.grpc, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	r.Client = c
	if lab.foreign {
		r.telemetry()
	}
	r.broker = r.route().MessageQueues[0].Broker
	return r
}

func (r *raw) endpoints() *v2.Endpoints {
	host, text, err := net.SplitHostPort(lab.grpc)
	if err != nil {
		r.t.Fatal(err)
	}
	port, _ := strconv.Atoi(text)
	return &v2.Endpoints{Scheme: v2.AddressScheme_IPv4, Addresses: []*v2.Address{{Host: host, Port: int32(port)}}}
}

func (r *raw) route() *v2.QueryRouteResponse {
	r.t.Helper()
	at := r.endpoints().Addresses[0]
	route, err := r.Route(r.t.Context(), r.topic, at.Host, at.Port)
	if err != nil || route.Status.Code != v2.Code_OK {
		r.t.Fatalf("route of %s: %v %v", r.topic, route.GetStatus(), err)
	}
	return route
}

// telemetry opens a simple consumer's session and returns the settings that come back.
func (r *raw) telemetry() *v2.TelemetryCommand {
	r.t.Helper()
	kind := v2.ClientType_SIMPLE_CONSUMER
	stream, err := r.Telemetry(r.With(r.t.Context()))
	if err != nil {
		r.t.Fatal(err)
	}
	err = stream.Send(&v2.TelemetryCommand{Command: &v2.TelemetryCommand_Settings{Settings: &v2.Settings{
		ClientType: &kind, AccessPoint: r.endpoints(), UserAgent: &v2.UA{Language: v2.Language_GOLANG, Version: "5.0.0"},
		PubSub: &v2.Settings_Subscription{Subscription: &v2.Subscription{
			Group: double.Resource(r.group),
			Subscriptions: []*v2.SubscriptionEntry{{
				Topic: double.Resource(r.topic), Expression: &v2.FilterExpression{Type: v2.FilterType_TAG, Expression: "*"},
			}},
		}},
	}}})
	if err != nil {
		r.t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		r.t.Fatal(err)
	}
	return answer
}

// send stores messages that must be taken.
func (r *raw) send(messages ...*v2.Message) *v2.SendMessageResponse {
	r.t.Helper()
	answer, err := r.Send(r.t.Context(), messages...)
	if err != nil || answer.Status.Code != v2.Code_OK {
		r.t.Fatalf("send: %v %v", answer.GetStatus(), err)
	}
	return answer
}

// get receives until n messages have come.
func (r *raw) get(n int, lease time.Duration) []*v2.Message {
	r.t.Helper()
	var all []*v2.Message
	for deadline := time.Now().Add(arrival); len(all) < n; {
		if time.Now().After(deadline) {
			r.t.Fatalf("%d of %d messages after %v", len(all), n, arrival)
		}
		got, err := r.Receive(r.t.Context(), r.broker, double.Receive{Topic: r.topic, Group: r.group, Most: 32, Lease: lease, Wait: 5 * time.Second})
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, got.Messages...)
	}
	return all
}

// checkStatus checks an answer's status, which must be inside the answer.
func checkStatus(t *testing.T, what string, status *v2.Status, err error, want v2.Code) {
	t.Helper()
	switch {
	case err != nil:
		t.Errorf("%s: %v, want %v inside the answer", what, err, want)
	case status.GetCode() != want:
		t.Errorf("%s: %v (%s), want %v", what, status.GetCode(), status.GetMessage(), want)
	}
}

// ours skips what Apache is known to do otherwise.
func ours(t *testing.T, apache string) {
	t.Helper()
	if lab.foreign {
		t.Skip("Apache: " + apache)
	}
}

// TestRawWithoutSession: sending, receiving, acknowledging, changing and heartbeats need no telemetry stream.
func TestRawWithoutSession(t *testing.T) {
	ours(t, "nothing works before settings were sent")
	r := newRaw(t, "NORMAL", rawclient.Group{})
	sent := r.send(double.Message(r.topic, []byte("a")))
	beat, err := r.Heartbeat(r.With(t.Context()), &v2.HeartbeatRequest{Group: double.Resource(r.group), ClientType: v2.ClientType_SIMPLE_CONSUMER})
	checkStatus(t, "a heartbeat", beat.GetStatus(), err, v2.Code_OK)
	m := r.get(1, 15*time.Second)[0]
	if m.SystemProperties.MessageId != sent.Entries[0].MessageId {
		t.Errorf("received message %s, sent %s", m.SystemProperties.MessageId, sent.Entries[0].MessageId)
	}
	changed, err := r.Change(t.Context(), r.group, r.topic, double.Entry(m), 20*time.Second)
	checkStatus(t, "a change", changed.GetStatus(), err, v2.Code_OK)
	e := &v2.AckMessageEntry{MessageId: m.SystemProperties.MessageId, ReceiptHandle: changed.GetReceiptHandle()}
	acked, err := r.Ack(t.Context(), r.group, r.topic, e)
	checkStatus(t, "an ack", acked.GetStatus(), err, v2.Code_OK)
}

// TestRawHandles: what each kind of handle is answered.
func TestRawHandles(t *testing.T) {
	r := newRaw(t, "NORMAL", rawclient.Group{})
	r.send(double.Message(r.topic, []byte("a")), double.Message(r.topic, []byte("b")))
	got := r.get(2, 30*time.Second)
	first, second := double.Entry(got[0]), double.Entry(got[1])

	ack := func(what string, want v2.Code, entries ...*v2.AckMessageEntry) *v2.AckMessageResponse {
		t.Helper()
		answer, err := r.Ack(t.Context(), r.group, r.topic, entries...)
		checkStatus(t, what, answer.GetStatus(), err, want)
		if len(answer.GetEntries()) != len(entries) {
			t.Errorf("%s: %d entries, want %d", what, len(answer.GetEntries()), len(entries))
		}
		return answer
	}
	changed, err := r.Change(t.Context(), r.group, r.topic, first, 30*time.Second)
	checkStatus(t, "a change", changed.GetStatus(), err, v2.Code_OK)
	renewed := &v2.AckMessageEntry{MessageId: first.MessageId, ReceiptHandle: changed.GetReceiptHandle()}
	if renewed.ReceiptHandle == first.ReceiptHandle {
		t.Error("a change left the handle as it was")
	}
	if !lab.foreign { // Apache: OK, without effect; 50001
		ack("an ack with the handle from before a change", v2.Code_INVALID_RECEIPT_HANDLE, first)
		ack("an ack with a handle that is none", v2.Code_INVALID_RECEIPT_HANDLE, &v2.AckMessageEntry{MessageId: "x", ReceiptHandle: "garbage"})
		mixed := ack("an ack of a stale and a good handle", v2.Code_MULTIPLE_RESULTS, first, second)
		if len(mixed.GetEntries()) == 2 {
			checkStatus(t, "the stale entry", mixed.Entries[0].Status, nil, v2.Code_INVALID_RECEIPT_HANDLE)
			checkStatus(t, "the good entry", mixed.Entries[1].Status, nil, v2.Code_OK)
		}
	}
	ack("an ack", v2.Code_OK, renewed)
	ack("the same ack again", v2.Code_OK, renewed)
	if lab.foreign {
		return
	}
	late, err := r.Change(t.Context(), r.group, r.topic, renewed, 30*time.Second)
	checkStatus(t, "a change after the ack", late.GetStatus(), err, v2.Code_INVALID_RECEIPT_HANDLE)
	dead, err := r.ForwardMessageToDeadLetterQueue(r.With(t.Context()), &v2.ForwardMessageToDeadLetterQueueRequest{
		Group: double.Resource(r.group), Topic: double.Resource(r.topic), ReceiptHandle: renewed.ReceiptHandle, MessageId: renewed.MessageId,
		DeliveryAttempt: 1, MaxDeliveryAttempts: 1,
	})
	checkStatus(t, "a dead letter after the ack", dead.GetStatus(), err, v2.Code_OK)
}

// TestRawReceive: the stream's order, limits, and times.
func TestRawReceive(t *testing.T) {
	r := newRaw(t, "NORMAL", rawclient.Group{})
	ask := double.Receive{Topic: r.topic, Group: r.group, Most: 32, Lease: 15 * time.Second, Wait: 5 * time.Second}
	receive := func(change func(*double.Receive)) (double.Received, time.Duration) {
		t.Helper()
		q := ask
		change(&q)
		begin := time.Now()
		got, err := r.Receive(t.Context(), r.broker, q)
		if err != nil {
			t.Errorf("receive %+v: %v", q, err)
		}
		return got, time.Since(begin)
	}
	for _, c := range []struct {
		name   string
		change func(*double.Receive)
		code   v2.Code
		text   string
	}{
		{"a lease below 10 s", func(q *double.Receive) { q.Lease = 9999 * time.Millisecond }, v2.Code_ILLEGAL_INVISIBLE_TIME, "the invisibleTime is too small"},
		{"a lease above 12 h", func(q *double.Receive) { q.Lease = 12*time.Hour + time.Millisecond }, v2.Code_ILLEGAL_INVISIBLE_TIME, "the invisibleTime is too large"},
	} {
		got, _ := receive(c.change)
		checkStatus(t, c.name, got.Status, nil, c.code)
		if !strings.Contains(got.Status.GetMessage(), c.text) {
			t.Errorf("%s: %q does not say %q", c.name, got.Status.GetMessage(), c.text)
		}
	}
	empty, took := receive(func(*double.Receive) {})
	checkStatus(t, "an empty receive", empty.Status, nil, v2.Code_MESSAGE_NOT_FOUND)
	between(t, "an empty receive", took, 5*time.Second-slack, 6*time.Second)

	for i := range 40 {
		r.send(double.Message(r.topic, fmt.Appendf(nil, "m-%d", i)))
	}
	many, _ := receive(func(q *double.Receive) { q.Most = 50 })
	if n := len(many.Messages); n == 0 || n > 32 {
		t.Errorf("a receive of 50 got %d messages, want 1 to 32", n)
	}
	if want := "s" + strings.Repeat("m", len(many.Messages)) + "t"; many.Order != want {
		t.Errorf("the answer came in the order %s, want %s", many.Order, want)
	}
	none, took := receive(func(q *double.Receive) { q.Wait = 0; q.Group = newGroup(t, r.topic, rawclient.Group{}); q.Most = 1 })
	if code := none.Status.GetCode(); !lab.foreign && code != v2.Code_OK && code != v2.Code_MESSAGE_NOT_FOUND || took > 6*time.Second {
		t.Errorf("a receive that waits for nothing: %v after %v", none.Status, took)
	}
}

// TestRawContent: every byte arrives, with a digest of upper-case hex over what is on the wire.
func TestRawContent(t *testing.T) {
	r := newRaw(t, "NORMAL", rawclient.Group{})
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	sent := double.Message(r.topic, all)
	sent.SystemProperties.Keys, sent.SystemProperties.Tag = []string{"k1", "k2"}, proto.String("tag 值")
	sent.UserProperties = map[string]string{"k": "v 🙂"}
	sent.SystemProperties.TraceContext = proto.String("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	r.send(sent)
	m := r.get(1, 15*time.Second)[0]
	p := m.SystemProperties
	if !bytes.Equal(m.Body, all) || p.BodyEncoding != v2.Encoding_IDENTITY {
		t.Errorf("body of %d bytes with encoding %v", len(m.Body), p.BodyEncoding)
	}
	if want := digest(t, p.BodyDigest.GetType(), m.Body); p.BodyDigest.GetChecksum() != want {
		t.Errorf("digest %v %s, want %s", p.BodyDigest.GetType(), p.BodyDigest.GetChecksum(), want)
	}
	if p.GetTag() != "tag 值" || strings.Join(p.Keys, " ") != "k1 k2" || m.UserProperties["k"] != "v 🙂" || len(m.UserProperties) != 1 && !lab.foreign {
		t.Errorf("tag %q, keys %v, properties %v", p.GetTag(), p.Keys, m.UserProperties)
	}
	if p.GetTraceContext() != sent.SystemProperties.GetTraceContext() {
		t.Errorf("trace context %q", p.GetTraceContext())
	}
	if p.MessageType != v2.MessageType_NORMAL || p.GetDeliveryAttempt() != 1 || p.GetReceiptHandle() == "" || p.BornHost == "" || p.StoreTimestamp == nil {
		t.Errorf("type %v, attempt %d, handle %q, born on %q, stored at %v", p.MessageType, p.GetDeliveryAttempt(), p.GetReceiptHandle(), p.BornHost, p.StoreTimestamp)
	}
}

func digest(t *testing.T, kind v2.DigestType, body []byte) string {
	t.Helper()
	switch kind {
	case v2.DigestType_MD5:
		sum := md5.Sum(body)
		return strings.ToUpper(hex.EncodeToString(sum[:]))
	case v2.DigestType_SHA1:
		sum := sha1.Sum(body)
		return strings.ToUpper(hex.EncodeToString(sum[:]))
	}
	t.Errorf("digest of type %v: some SDK does not know it", kind)
	return ""
}

// TestRawBatch: an entry for each message of a request, in order, each with its own fate.
func TestRawBatch(t *testing.T) {
	r := newRaw(t, "NORMAL", rawclient.Group{})
	var batch []*v2.Message
	for i := range 10 {
		batch = append(batch, double.Message(r.topic, fmt.Appendf(nil, "m-%d", i)))
	}
	answer := r.send(batch...)
	if len(answer.Entries) != len(batch) && !lab.foreign {
		t.Fatalf("%d entries for %d messages", len(answer.Entries), len(batch))
	}
	for i, e := range answer.Entries {
		if e.MessageId != batch[i].SystemProperties.MessageId && !lab.foreign {
			t.Errorf("entry %d is of message %s, want %s", i, e.MessageId, batch[i].SystemProperties.MessageId)
		}
	}
	ours(t, "one bad message refuses all")
	bad := double.Message(r.topic, []byte("x"))
	bad.SystemProperties.Tag = proto.String("a|b")
	mixed, err := r.Send(t.Context(), double.Message(r.topic, []byte("good")), bad)
	checkStatus(t, "a batch with one bad message", mixed.GetStatus(), err, v2.Code_MULTIPLE_RESULTS)
	if len(mixed.GetEntries()) == 2 {
		checkStatus(t, "the good message", mixed.Entries[0].Status, nil, v2.Code_OK)
		checkStatus(t, "the bad message", mixed.Entries[1].Status, nil, v2.Code_ILLEGAL_MESSAGE_TAG)
	}
}

// TestRawRefusals: what may not be sent, and with which code it is refused.
func TestRawRefusals(t *testing.T) {
	r := newRaw(t, "NORMAL", rawclient.Group{})
	for _, c := range []struct {
		name   string
		change func(m *v2.Message)
		want   v2.Code
	}{
		{"16 KiB of properties", func(m *v2.Message) { m.UserProperties = map[string]string{"k": strings.Repeat("v", 16383)} }, v2.Code_OK},
		{"a byte more", func(m *v2.Message) { m.UserProperties = map[string]string{"k": strings.Repeat("v", 16384)} }, v2.Code_MESSAGE_PROPERTIES_TOO_LARGE},
		{"128 properties", func(m *v2.Message) { m.UserProperties = many(128) }, v2.Code_OK},
		{"129 properties", func(m *v2.Message) { m.UserProperties = many(129) }, v2.Code_MESSAGE_PROPERTIES_TOO_LARGE},
		{"4 MiB", func(m *v2.Message) { m.Body = make([]byte, 4<<20) }, v2.Code_OK},
		{"a byte more than 4 MiB", func(m *v2.Message) { m.Body = make([]byte, 4<<20+1) }, v2.Code_MESSAGE_BODY_TOO_LARGE},
		{"no body", func(m *v2.Message) { m.Body = nil }, v2.Code_MESSAGE_BODY_EMPTY},
		{"a reserved property", func(m *v2.Message) { m.UserProperties = map[string]string{"UNIQ_KEY": "x"} }, v2.Code_ILLEGAL_MESSAGE_PROPERTY_KEY},
		{"a control character in a property", func(m *v2.Message) { m.UserProperties = map[string]string{"k": "a\x01b"} }, v2.Code_ILLEGAL_MESSAGE_PROPERTY_KEY},
		{"a tag of blanks", func(m *v2.Message) { m.SystemProperties.Tag = proto.String("  ") }, v2.Code_ILLEGAL_MESSAGE_TAG},
		{"a tag with a bar", func(m *v2.Message) { m.SystemProperties.Tag = proto.String("a|b") }, v2.Code_ILLEGAL_MESSAGE_TAG},
		{"the tag *", func(m *v2.Message) { m.SystemProperties.Tag = proto.String("*") }, v2.Code_OK},
		{"a blank key", func(m *v2.Message) { m.SystemProperties.Keys = []string{" "} }, v2.Code_ILLEGAL_MESSAGE_KEY},
		{"no id", func(m *v2.Message) { m.SystemProperties.MessageId = "" }, v2.Code_ILLEGAL_MESSAGE_ID},
		{"a message group of 64 bytes", func(m *v2.Message) { double.FIFO(m, strings.Repeat("g", 64)) }, v2.Code_ILLEGAL_MESSAGE_GROUP},
		{"another type", func(m *v2.Message) { double.FIFO(m, "g") }, v2.Code_MESSAGE_PROPERTY_CONFLICT_WITH_TYPE},
		{"a topic that nobody made", func(m *v2.Message) { m.Topic = double.Resource("NobodyMadeIt") }, v2.Code_TOPIC_NOT_FOUND},
		{"a topic with a bad name", func(m *v2.Message) { m.Topic = double.Resource("a/b") }, v2.Code_ILLEGAL_TOPIC},
	} {
		if lab.foreign && c.want == v2.Code_TOPIC_NOT_FOUND {
			continue // Apache: another type
		}
		m := double.Message(r.topic, []byte("x"))
		c.change(m)
		answer, err := r.Send(t.Context(), m)
		checkStatus(t, c.name, answer.GetStatus(), err, c.want)
	}
}

func many(n int) map[string]string {
	out := map[string]string{}
	for i := range n {
		out["k"+strconv.Itoa(i)] = "v"
	}
	return out
}

// TestRawRoute: a route names the address that the client dialled, in a stable order, with valid values.
func TestRawRoute(t *testing.T) {
	r := newRaw(t, "NORMAL", rawclient.Group{})
	first, err := r.Route(t.Context(), r.topic, "10.1.2.3", 30081)
	checkStatus(t, "a route", first.GetStatus(), err, v2.Code_OK)
	for _, q := range first.GetMessageQueues() {
		at := q.Broker.Endpoints
		if !lab.foreign && (len(at.Addresses) != 1 || at.Addresses[0].Host != "10.1.2.3" || at.Addresses[0].Port != 30081) {
			t.Errorf("queue %d is at %v, the client dialled 10.1.2.3:30081", q.Id, at.Addresses)
		}
		if at.Scheme == v2.AddressScheme_ADDRESS_SCHEME_UNSPECIFIED || q.Permission != v2.Permission_READ_WRITE || len(q.AcceptMessageTypes) == 0 {
			t.Errorf("queue %d: scheme %v, permission %v, types %v", q.Id, at.Scheme, q.Permission, q.AcceptMessageTypes)
		}
	}
	second, err := r.Route(t.Context(), r.topic, "10.1.2.3", 30081)
	if err != nil || !lab.foreign && !proto.Equal(first, second) {
		t.Errorf("two routes differ (%v):\n%v\n%v", err, first, second)
	}
	unknown, err := r.Route(t.Context(), "NobodyMadeIt", "127.0.0.1", 8081)
	checkStatus(t, "the route of an unknown topic", unknown.GetStatus(), err, v2.Code_TOPIC_NOT_FOUND)
}

// TestRawSettings: settings come back at once with status OK, what the client said, and what the group says.
func TestRawSettings(t *testing.T) {
	r := newRaw(t, "FIFO", rawclient.Group{Retries: 7, Orderly: true})
	begin := time.Now()
	answer := r.telemetry()
	between(t, "the answer to settings", time.Since(begin), 0, time.Second)
	s := answer.GetSettings()
	checkStatus(t, "settings", answer.Status, nil, v2.Code_OK)
	sub := s.GetSubscription()
	if s.GetClientType() != v2.ClientType_SIMPLE_CONSUMER || sub.GetGroup().GetName() != r.group || len(sub.GetSubscriptions()) != 1 {
		t.Errorf("settings do not repeat what was sent: %v", s)
	}
	if s.GetBackoffPolicy().GetMaxAttempts() != 8 || !sub.GetFifo() {
		t.Errorf("attempts %d, fifo %v, want 8 and true", s.GetBackoffPolicy().GetMaxAttempts(), sub.GetFifo())
	}
}

// TestRawUnknown: a server survives what it does not know.
func TestRawUnknown(t *testing.T) {
	r := newRaw(t, "NORMAL", rawclient.Group{})
	beat, err := r.Heartbeat(r.With(t.Context()), &v2.HeartbeatRequest{Group: double.Resource(r.group), ClientType: 99})
	if err != nil || beat.Status == nil {
		t.Errorf("a heartbeat of an unknown kind of client: %v %v", beat, err)
	}
	if err := r.Conn().Invoke(r.With(t.Context()), "/apache.rocketmq.v2.MessagingService/Nothing", &v2.HeartbeatRequest{}, &v2.HeartbeatResponse{}); err == nil {
		t.Error("a call of an unknown method succeeded")
	}
	stream, err := r.ReceiveMessage(t.Context(), &v2.ReceiveMessageRequest{
		Group: double.Resource(r.group), MessageQueue: &v2.MessageQueue{Topic: double.Resource(r.topic), Broker: r.broker, Id: -1},
		BatchSize: 1, InvisibleDuration: durationpb.New(15 * time.Second),
	})
	if err != nil {
		t.Fatal(err)
	}
	nobody, err := double.Read(stream)
	checkStatus(t, "a receive without a client id", nobody.Status, err, v2.Code_CLIENT_ID_REQUIRED)
	r.send(double.Message(r.topic, []byte("alive")))
}

// TestRawHeaders: a telemetry stream is there before anything is sent on it: the Rust client waits for its headers.
func TestRawHeaders(t *testing.T) {
	r := newRaw(t, "NORMAL", rawclient.Group{})
	ctx, cancel := context.WithTimeout(r.With(t.Context()), 3*time.Second)
	defer cancel()
	stream, err := r.Telemetry(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Header(); err != nil {
		t.Errorf("no headers before the first message: %v", err)
	}
}

// TestRawGivenUp: messages of a receive whose caller has gone are to be had again at once.
func TestRawGivenUp(t *testing.T) {
	r := newRaw(t, "NORMAL", rawclient.Group{})
	ours(t, "the end of the call is told to a caller that has gone as if nothing had come")
	gone, cancel := context.WithCancel(t.Context())
	stream, err := r.Open(gone, r.broker, double.Receive{Topic: r.topic, Group: r.group, Most: 32, Lease: time.Minute, Wait: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	// The receive waits; its caller goes; only then is there a message.
	if _, err := r.Heartbeat(r.With(t.Context()), &v2.HeartbeatRequest{Group: double.Resource(r.group), ClientType: v2.ClientType_SIMPLE_CONSUMER}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := double.Read(stream); err == nil {
		t.Error("a receive that was given up ended well")
	}
	r.send(double.Message(r.topic, []byte("a")))
	begin := time.Now()
	r.get(1, 15*time.Second)
	between(t, "the message's way to the next caller", time.Since(begin), 0, 2*time.Second)
}

// TestRawOrderReplay: the same attempt gets the same messages again, its count not raised; another is held back.
func TestRawOrderReplay(t *testing.T) {
	r := newRaw(t, "FIFO", rawclient.Group{Orderly: true})
	for i := range 2 {
		r.send(double.FIFO(double.Message(r.topic, fmt.Appendf(nil, "m-%d", i)), "g"))
	}
	ask := double.Receive{Topic: r.topic, Group: r.group, Most: 1, Lease: 30 * time.Second, Wait: 5 * time.Second, Attempt: "first"}
	one := func(what string, wait time.Duration, attempt string) []*v2.Message {
		t.Helper()
		ask.Wait, ask.Attempt = wait, attempt
		got, err := r.Receive(t.Context(), r.broker, ask)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return got.Messages
	}
	first := one("a receive", 5*time.Second, "first")
	again := one("the same attempt", 5*time.Second, "first")
	other := one("another attempt", 5*time.Second, "other")
	if len(first) != 1 || len(again) != 1 || len(other) != 0 {
		t.Fatalf("%d, %d and %d messages, want 1, 1 and 0", len(first), len(again), len(other))
	}
	if a, b := first[0].SystemProperties, again[0].SystemProperties; a.MessageId != b.MessageId || b.GetDeliveryAttempt() != 1 {
		t.Errorf("the same attempt got %s with attempt %d, want %s and 1", b.MessageId, b.GetDeliveryAttempt(), a.MessageId)
	}
	acked, err := r.Ack(t.Context(), r.group, r.topic, double.Entry(again[0]))
	checkStatus(t, "the ack", acked.GetStatus(), err, v2.Code_OK)
	if next := one("a receive after the ack", 5*time.Second, "next"); len(next) != 1 || string(next[0].Body) != "m-1" {
		t.Errorf("%d messages came after the ack, want m-1", len(next))
	}
}
