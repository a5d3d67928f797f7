package grpcv5

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// received is what a receive brought.
type received struct {
	status   *apis.Status
	messages []*apis.Message
	at       *timestamppb.Timestamp
}

// receive asks as a simple consumer does, unless change says otherwise.
func (c *sdk) receive(ctx context.Context, topic string, change func(*apis.ReceiveMessageRequest)) (got received, err error) {
	c.t.Helper()
	req := &apis.ReceiveMessageRequest{
		Group: resource("g"), MessageQueue: &apis.MessageQueue{Topic: resource(topic), Id: 2, Broker: &apis.Broker{Name: "gantry-0"}},
		FilterExpression: &apis.FilterExpression{Type: apis.FilterType_TAG, Expression: "*"},
		BatchSize:        32, InvisibleDuration: durationpb.New(30 * time.Second), LongPollingTimeout: durationpb.New(5 * time.Second),
	}
	if change != nil {
		change(req)
	}
	stream, err := c.ReceiveMessage(ctx, req)
	if err != nil {
		return got, err
	}
	for {
		part, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return got, nil
		case err != nil:
			return got, err
		case got.at != nil:
			return got, fmt.Errorf("%v comes behind the time of the delivery", part)
		}
		switch p := part.Content.(type) {
		case *apis.ReceiveMessageResponse_Status:
			if got.status != nil || len(got.messages) > 0 {
				return got, fmt.Errorf("the status %v is not the first", p)
			}
			got.status = p.Status
		case *apis.ReceiveMessageResponse_Message:
			got.messages = append(got.messages, p.Message)
		case *apis.ReceiveMessageResponse_DeliveryTimestamp:
			got.at = p.DeliveryTimestamp
		}
	}
}

// expect receives messages with these bodies.
func (c *sdk) expect(topic string, bodies ...string) []*apis.Message {
	c.t.Helper()
	got, err := c.receive(c.ctx, topic, nil)
	if err != nil || got.status.GetCode() != apis.Code_OK || got.at == nil || len(got.messages) != len(bodies) {
		c.t.Fatalf("%d messages, status %v, at %v, %v; want %q", len(got.messages), got.status, got.at, err, bodies)
	}
	for i, m := range got.messages {
		if string(m.Body) != bodies[i] {
			c.t.Fatalf("body %d is %q, want %q", i, m.Body, bodies[i])
		}
	}
	return got.messages
}

// nothing receives nothing.
func (c *sdk) nothing(topic string) {
	c.t.Helper()
	got, err := c.receive(c.ctx, topic, nil)
	if err != nil || got.status.GetCode() != apis.Code_MESSAGE_NOT_FOUND || len(got.messages) > 0 || got.at != nil {
		c.t.Fatalf("%v, %v", got, err)
	}
}

// join makes the group, so that it begins before what is sent next.
func (c *sdk) join(group, topic string) {
	c.t.Helper()
	ch := c.telemetry()
	ch.say(consumerSettings(apis.ClientType_SIMPLE_CONSUMER, group, topic, "*"))
	ch.told()
}

func TestAMessageArrivesAsItWasSent(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c1")
		defer c.close()
		c.join("g", "t")
		m := c.message("t", "01AA", "body 你好 🎉")
		m.UserProperties = map[string]string{"colour": "蓝", "empty": ""}
		p := m.SystemProperties
		p.Tag, p.Keys, p.TraceContext = new("tag"), []string{"k1", "k2"}, new("00-trace")
		p.BornTimestamp = timestamppb.New(time.UnixMilli(1_700_000_000_123))
		c.send(apis.Code_OK, m)

		got := c.expect("t", "body 你好 🎉")[0]
		s := got.SystemProperties
		if got.Topic.Name != "t" || len(got.UserProperties) != 2 || got.UserProperties["colour"] != "蓝" ||
			s.GetTag() != "tag" || strings.Join(s.GetKeys(), ",") != "k1,k2" || s.GetMessageId() != "01AA" || s.GetTraceContext() != "00-trace" {
			t.Errorf("%v", got)
		}
		if s.GetBornTimestamp().AsTime().UnixMilli() != 1_700_000_000_123 || s.GetBornHost() != "client-host" || s.GetStoreHost() != "127.0.0.1" ||
			time.Since(s.GetStoreTimestamp().AsTime()) > time.Second {
			t.Errorf("times and hosts: %v", s)
		}
		sum := md5.Sum(m.Body)
		if s.GetBodyDigest().GetType() != apis.DigestType_MD5 || s.GetBodyDigest().GetChecksum() != fmt.Sprintf("%X", sum) ||
			s.GetBodyEncoding() != apis.Encoding_IDENTITY || s.GetMessageType() != apis.MessageType_NORMAL {
			t.Errorf("digest, encoding, type: %v", s)
		}
		if s.GetDeliveryAttempt() != 1 || s.GetInvisibleDuration().AsDuration() != 30*time.Second || s.GetReceiptHandle() == "" || s.QueueOffset == nil || s.DeadLetterQueue != nil {
			t.Errorf("delivery: %v", s)
		}
	})
}

// An empty receive is held for its time, and ends before the client's deadline.
func TestHowLongAReceiveIsHeld(t *testing.T) {
	for _, tt := range []struct {
		name           string
		poll, deadline time.Duration // 0: none
		least, most    time.Duration
	}{
		{"Node: 5 s of 8 s", 5 * time.Second, 8 * time.Second, 5 * time.Second, 6 * time.Second},
		{"Go simple: a deadline alone", 0, 13 * time.Second, 10 * time.Second, 12700 * time.Millisecond},
		{"Go simple that does not want to wait", 0, 3 * time.Second, time.Second, 2700 * time.Millisecond},
		{"Rust: the deadline is the poll", 30 * time.Second, 30 * time.Second, 29700 * time.Millisecond, 29700 * time.Millisecond},
		{"Go push", 30 * time.Second, 33 * time.Second, 30 * time.Second, 31 * time.Second},
		{"no time at all", time.Millisecond, 10 * time.Second, time.Second, time.Second},
	} {
		bubble(t, func(t *testing.T, r *rig) {
			r.topic("t", "")
			c := r.sdk("c1")
			defer c.close()
			ctx, cancel := context.WithTimeout(c.ctx, tt.deadline)
			defer cancel()
			began := time.Now()
			got, err := c.receive(ctx, "t", func(req *apis.ReceiveMessageRequest) {
				if req.LongPollingTimeout = nil; tt.poll > 0 {
					req.LongPollingTimeout = durationpb.New(tt.poll)
				}
			})
			took := time.Since(began)
			if err != nil || got.status.GetCode() != apis.Code_MESSAGE_NOT_FOUND || took < tt.least || took > tt.most {
				t.Errorf("%s: %v after %v, %v; want %v to %v", tt.name, got.status, took, err, tt.least, tt.most)
			}
		})
	}
}

func TestAMessageEndsTheWait(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c1")
		defer c.close()
		c.join("g", "t")
		began := time.Now()
		sent := make(chan struct{})
		time.AfterFunc(2*time.Second, func() {
			defer close(sent)
			c.send(apis.Code_OK, c.message("t", "id", "late"))
		})
		c.expect("t", "late")
		<-sent
		if took := time.Since(began); took > 2*time.Second+10*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

// Rust asks again a millisecond after an error.
func TestReceivesThatAreWrongAreHeldForASecond(t *testing.T) {
	cases := map[string]struct {
		want   apis.Code
		text   string
		change func(*apis.ReceiveMessageRequest)
	}{
		"unknown topic": {apis.Code_TOPIC_NOT_FOUND, "", func(r *apis.ReceiveMessageRequest) { r.MessageQueue.Topic = resource("x") }},
		"no group":      {apis.Code_ILLEGAL_CONSUMER_GROUP, "", func(r *apis.ReceiveMessageRequest) { r.Group = nil }},
		"too short": {apis.Code_ILLEGAL_INVISIBLE_TIME, "the invisibleTime is too small", func(r *apis.ReceiveMessageRequest) {
			r.InvisibleDuration = durationpb.New(9999 * time.Millisecond)
		}},
		"too long": {apis.Code_ILLEGAL_INVISIBLE_TIME, "the invisibleTime is too large", func(r *apis.ReceiveMessageRequest) {
			r.InvisibleDuration = durationpb.New(12*time.Hour + time.Millisecond)
		}},
		"batch of none": {apis.Code_BAD_REQUEST, "", func(r *apis.ReceiveMessageRequest) { r.BatchSize = 0 }},
		"bad filter": {apis.Code_ILLEGAL_FILTER_EXPRESSION, "", func(r *apis.ReceiveMessageRequest) {
			r.FilterExpression = &apis.FilterExpression{Type: apis.FilterType_SQL, Expression: "a >"}
		}},
	}
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c1")
		defer c.close()
		for name, tt := range cases {
			began := time.Now()
			got, err := c.receive(c.ctx, "t", tt.change)
			if took := time.Since(began); err != nil || got.status.GetCode() != tt.want || !strings.Contains(got.status.GetMessage(), tt.text) || took != time.Second || got.at != nil {
				t.Errorf("%s: %v after %v, %v", name, got, took, err)
			}
		}
	})
}

func TestBatchesAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c1")
		defer c.close()
		c.join("g", "t")
		seen := map[string]bool{}
		for i := range 100 {
			c.send(apis.Code_OK, c.message("t", fmt.Sprint("id", i), "x"))
		}
		for len(seen) < 100 {
			got, err := c.receive(c.ctx, "t", func(r *apis.ReceiveMessageRequest) { r.BatchSize = 100_000 })
			if err != nil || got.status.GetCode() != apis.Code_OK || len(got.messages) > 32 {
				t.Fatalf("%d messages, %v, %v", len(got.messages), got.status, err)
			}
			for _, m := range got.messages {
				id := m.SystemProperties.MessageId
				if seen[id] {
					t.Fatalf("%s came twice", id)
				}
				seen[id] = true
				c.ack(apis.Code_OK, m)
			}
		}
		c.nothing("t")
	})
}

func (c *sdk) ack(want apis.Code, messages ...*apis.Message) *apis.AckMessageResponse {
	c.t.Helper()
	req := &apis.AckMessageRequest{Group: resource("g"), Topic: messages[0].Topic}
	for _, m := range messages {
		req.Entries = append(req.Entries, &apis.AckMessageEntry{
			MessageId: m.SystemProperties.MessageId, ReceiptHandle: m.SystemProperties.GetReceiptHandle(),
		})
	}
	a := must[*apis.AckMessageResponse](c, want)(c.AckMessage(c.ctx, req))
	if len(a.Entries) != len(messages) {
		c.t.Fatalf("%d entries for %d", len(a.Entries), len(messages))
	}
	return a
}

func TestFiltersByTag(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c1")
		defer c.close()
		for i, tt := range []struct{ expression, want string }{
			{"*", "A B Aa BB"}, {"", "A B Aa BB"}, {"A||B", "A B"}, {" A || B ", "A B"}, {"A||||B", "A B"}, {"BB", "BB"}, {"a", ""},
		} {
			group := fmt.Sprint("g", i)
			c.join(group, "t")
			for _, tag := range []string{"A", "B", "Aa", "BB"} {
				m := c.message("t", tag, tag)
				m.SystemProperties.Tag = new(tag)
				c.send(apis.Code_OK, m)
			}
			var bodies []string
			for {
				got, err := c.receive(c.ctx, "t", func(req *apis.ReceiveMessageRequest) {
					req.Group = resource(group)
					req.FilterExpression.Expression = tt.expression
				})
				if err != nil {
					t.Fatal(err)
				}
				if len(got.messages) == 0 {
					break
				}
				for _, m := range got.messages {
					bodies = append(bodies, string(m.Body))
				}
			}
			want := strings.Fields(tt.want)
			if fmt.Sprint(len(bodies)) != fmt.Sprint(len(want)) || !sameSet(bodies, want) {
				t.Errorf("%q selects %q, want %q", tt.expression, bodies, want)
			}
		}
	})
}

func sameSet(a, b []string) bool {
	count := map[string]int{}
	for _, x := range a {
		count[x]++
	}
	for _, x := range b {
		count[x]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// What 4.x clients send is not always what gRPC can carry.
func TestMessagesOf4xClients(t *testing.T) {
	body := []byte(strings.Repeat("a body that compresses well ", 40))
	compressed := map[int32][]byte{sysZLib: zlibbed(body), 0: zlibbed(body), sysLZ4: lz4ed(t, body), sysZSTD: zstded(t, body)}
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "MIXED")
		c := r.sdk("c1")
		defer c.close()
		c.join("g", "t")
		old := r.engine.Connect(core.ClientInfo{})
		defer old.Close()
		for compression, data := range compressed {
			if _, err := old.SendWait(t.Context(), &core.Batch{Messages: []core.Message{{
				Topic: "t", Queue: -1, SysFlag: record.SysCompressed | compression, Body: data,
				Properties: []byte("k\xff\x01v\xfe\x02TAGS\x01t\xff\x02KEYS\x01a  b\x02WAIT\x01true\x02__SHARDINGKEY\x01s\x02UNIQ_KEY\x01OLD\x02x\x01y"),
			}}}); err != nil {
				t.Fatal(err)
			}
			got, err := c.receive(c.ctx, "t", nil)
			if err != nil || len(got.messages) != 1 {
				t.Fatalf("%v, %v", got, err)
			}
			m, s := got.messages[0], got.messages[0].SystemProperties
			sum := md5.Sum(body)
			if !bytes.Equal(m.Body, body) || s.BodyEncoding != apis.Encoding_IDENTITY || s.BodyDigest.Checksum != fmt.Sprintf("%X", sum) {
				t.Errorf("compression %#x: %d bytes, %v", compression, len(m.Body), s)
			}
			if m.UserProperties["k�"] != "v�" || m.UserProperties["x"] != "y" || len(m.UserProperties) != 2 || s.GetTag() != "t�" ||
				strings.Join(s.Keys, ",") != "a,b" || s.GetMessageGroup() != "s" || s.MessageType != apis.MessageType_FIFO || s.MessageId != "OLD" {
				t.Errorf("%v", m)
			}
			c.ack(apis.Code_OK, m)
		}
	})
}

func zlibbed(body []byte) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write(body)
	_ = w.Close()
	return b.Bytes()
}

func lz4ed(t *testing.T, body []byte) []byte {
	var b bytes.Buffer
	w := lz4.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstded(t *testing.T, body []byte) []byte {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(body, nil)
}

// C++ compresses with zlib and calls it GZIP.
func TestBodiesThatAreCalledGZIP(t *testing.T) {
	body := []byte(strings.Repeat("a body that compresses well ", 40))
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c1")
		defer c.close()
		c.join("g", "t")
		for _, data := range [][]byte{zlibbed(body), gzipped(body), body} {
			m := c.message("t", "id", string(data))
			m.SystemProperties.BodyEncoding = apis.Encoding_GZIP
			c.send(apis.Code_OK, m)
			got := c.expect("t", string(body))[0]
			if got.SystemProperties.BodyEncoding != apis.Encoding_IDENTITY {
				t.Errorf("%v", got.SystemProperties)
			}
			c.ack(apis.Code_OK, got)
		}
	})
}

// A client that goes in the middle has nothing for good.
func TestWhatTheClientDidNotTakeComesAgain(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c, other := r.sdk("c1"), r.sdk("c2")
		defer c.close()
		defer other.close()
		c.join("g", "t")
		for i := range 8 { // 8 MB: more than a stream's window takes
			c.send(apis.Code_OK, c.message("t", fmt.Sprint("id", i), strings.Repeat("x", 1<<20)))
		}
		ctx, cancel := context.WithCancel(c.ctx)
		stream, err := c.ReceiveMessage(ctx, &apis.ReceiveMessageRequest{
			Group: resource("g"), MessageQueue: &apis.MessageQueue{Topic: resource("t")}, BatchSize: 32, AutoRenew: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		seen := map[string]bool{}
		for began := time.Now(); len(seen) < 8 && time.Since(began) < 20*time.Second; {
			got, err := other.receive(other.ctx, "t", nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range got.messages {
				seen[m.SystemProperties.MessageId] = true
			}
		}
		if len(seen) != 8 {
			t.Errorf("%d messages came again", len(seen))
		}
	})
}

// A client that is gone while it waits gets nothing.
func TestAReceiveThatWasCancelledTakesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c, other := r.sdk("c1"), r.sdk("c2")
		defer c.close()
		defer other.close()
		c.join("g", "t")
		ctx, cancel := context.WithCancel(c.ctx)
		ended := make(chan error, 1)
		go func() {
			_, err := c.receive(ctx, "t", nil)
			ended <- err
		}()
		synctest.Wait()
		cancel()
		<-ended
		c.send(apis.Code_OK, c.message("t", "id", "x"))
		m := other.expect("t", "x")[0]
		if m.SystemProperties.GetDeliveryAttempt() != 1 {
			t.Errorf("attempt %d", m.SystemProperties.GetDeliveryAttempt())
		}
	})
}

func TestDigests(t *testing.T) {
	bubbleWith(t, Config{Digest: DigestSHA1}, func(t *testing.T, r *rig) {
		body := make([]byte, 256)
		for i := range body {
			body[i] = byte(i)
		}
		c := consumerOf(r, "")
		m := c.message("t", "id", string(body))
		c.send(apis.Code_OK, m)
		defer c.close()
		d := c.expect("t", string(body))[0].SystemProperties.GetBodyDigest()
		if d.GetType() != apis.DigestType_SHA1 || d.GetChecksum() != fmt.Sprintf("%X", sha1.Sum(body)) {
			t.Errorf("%v", d)
		}
	})
}
