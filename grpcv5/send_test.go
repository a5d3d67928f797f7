package grpcv5

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// read returns the message of a topic that has a key.
func (r *rig) read(topic, key string) record.Wire {
	r.t.Helper()
	c := r.engine.Connect(core.ClientInfo{})
	defer c.Close()
	found := make(chan record.Wire, 1)
	c.Query(core.KeyQuery{Topic: topic, Key: key, Max: 1, End: 1 << 62}, func(records *core.Records, err error) {
		if err != nil {
			r.t.Errorf("query %s: %v", key, err)
			found <- nil
			return
		}
		w, _ := record.Check(append([]byte(nil), records.Bytes()...))
		found <- w
		records.Release()
	})
	c.Submit()
	return <-found
}

func TestSendKeepsWhatTheClientSaid(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c1")
		defer c.close()
		m := c.message("t", "01AA", "body of 你好")
		m.UserProperties = map[string]string{"colour": "蓝", "empty": ""}
		p := m.SystemProperties
		p.Tag, p.Keys = new("tag é"), []string{"k1", "k2"}
		p.BornTimestamp = timestamppb.New(time.UnixMilli(1_700_000_000_123))
		p.TraceContext = new("00-trace")
		a := c.send(apis.Code_OK, m)
		if len(a.Entries) != 1 || a.Entries[0].MessageId != "01AA" || a.Entries[0].Status.Code != apis.Code_OK || a.Entries[0].Offset != 0 {
			t.Fatalf("%v", a)
		}
		w := r.read("t", "k2")
		if string(w.Body()) != "body of 你好" || w.Born() != 1_700_000_000_123 || w.BornHost().Addr().String() != "127.0.0.1" {
			t.Errorf("body %q, born %d at %v", w.Body(), w.Born(), w.BornHost())
		}
		for key, want := range map[string]string{
			"colour": "蓝", "empty": "", "TAGS": "tag é", "KEYS": "k1 k2", "UNIQ_KEY": "01AA",
			"TRACE_CONTEXT": "00-trace", "__BORNHOST": "client-host",
		} {
			if got := record.Property(w.Properties(), key); string(got) != want || got == nil {
				t.Errorf("property %s is %q, want %q", key, got, want)
			}
		}
	})
}

func TestSendBatch(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c1")
		defer c.close()
		var all []*apis.Message
		for i := range 10 {
			all = append(all, c.message("t", fmt.Sprint("id", i), "x"))
		}
		a := c.send(apis.Code_OK, all...)
		for i, e := range a.Entries {
			if e.MessageId != fmt.Sprint("id", i) {
				t.Errorf("entry %d is of %s", i, e.MessageId)
			}
		}
		all[3].Body, all[7].SystemProperties.Tag = nil, new("a|b")
		a = c.send(apis.Code_MULTIPLE_RESULTS, all...)
		if len(a.Entries) != 10 || a.Entries[3].Status.Code != apis.Code_MESSAGE_BODY_EMPTY || a.Entries[7].Status.Code != apis.Code_ILLEGAL_MESSAGE_TAG ||
			a.Entries[8].Status.Code != apis.Code_OK || a.Entries[8].MessageId != "id8" {
			t.Errorf("%v", a)
		}
		all[3].Topic = resource("other")
		c.send(apis.Code_MESSAGE_CORRUPTED, all...)
		c.send(apis.Code_MESSAGE_CORRUPTED)
	})
}

func TestSendRefuses(t *testing.T) {
	far := timestamppb.New(time.Now().Add(25 * time.Hour))
	cases := []struct {
		name   string
		want   apis.Code
		change func(*apis.Message)
	}{
		{"nothing wrong", apis.Code_OK, func(*apis.Message) {}},
		{"no body", apis.Code_MESSAGE_BODY_EMPTY, func(m *apis.Message) { m.Body = nil }},
		{"the largest body", apis.Code_OK, func(m *apis.Message) { m.Body = make([]byte, 4<<20) }},
		{"a larger body", apis.Code_MESSAGE_BODY_TOO_LARGE, func(m *apis.Message) { m.Body = make([]byte, 4<<20+1) }},
		{"no topic", apis.Code_ILLEGAL_TOPIC, func(m *apis.Message) { m.Topic = resource("") }},
		{"a strange topic", apis.Code_ILLEGAL_TOPIC, func(m *apis.Message) { m.Topic = resource("a b") }},
		{"an unknown topic", apis.Code_TOPIC_NOT_FOUND, func(m *apis.Message) { m.Topic = resource("unknown") }},
		{"properties of 16384 bytes", apis.Code_OK, func(m *apis.Message) { m.UserProperties = map[string]string{"k": strings.Repeat("x", 16383)} }},
		{"properties of 16385 bytes", apis.Code_MESSAGE_PROPERTIES_TOO_LARGE, func(m *apis.Message) { m.UserProperties = map[string]string{"k": strings.Repeat("x", 16384)} }},
		{"128 properties", apis.Code_OK, func(m *apis.Message) { m.UserProperties = numbered(128) }},
		{"129 properties", apis.Code_MESSAGE_PROPERTIES_TOO_LARGE, func(m *apis.Message) { m.UserProperties = numbered(129) }},
		{"a reserved property", apis.Code_ILLEGAL_MESSAGE_PROPERTY_KEY, func(m *apis.Message) { m.UserProperties = map[string]string{"UNIQ_KEY": "x"} }},
		{"a property that would end another", apis.Code_ILLEGAL_MESSAGE_PROPERTY_KEY, func(m *apis.Message) { m.UserProperties = map[string]string{"k": "x\x02TAGS\x01y"} }},
		{"a tag of spaces", apis.Code_ILLEGAL_MESSAGE_TAG, func(m *apis.Message) { m.SystemProperties.Tag = new("  ") }},
		{"an empty tag", apis.Code_OK, func(m *apis.Message) { m.SystemProperties.Tag = new("") }},
		{"the tag *", apis.Code_OK, func(m *apis.Message) { m.SystemProperties.Tag = new("*") }},
		{"two tags", apis.Code_ILLEGAL_MESSAGE_TAG, func(m *apis.Message) { m.SystemProperties.Tag = new("a|b") }},
		{"a blank key", apis.Code_ILLEGAL_MESSAGE_KEY, func(m *apis.Message) { m.SystemProperties.Keys = []string{"k", " "} }},
		{"no id", apis.Code_ILLEGAL_MESSAGE_ID, func(m *apis.Message) { m.SystemProperties.MessageId = " " }},
		{"a long recovery", apis.Code_BAD_REQUEST, func(m *apis.Message) {
			m.SystemProperties.OrphanedTransactionRecoveryDuration = durationpb.New(time.Hour + time.Second)
		}},
		{"a message group on a topic that takes none", apis.Code_MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, func(m *apis.Message) { m.SystemProperties.MessageGroup = new("g") }},
		{"a long message group", apis.Code_ILLEGAL_MESSAGE_GROUP, func(m *apis.Message) { m.SystemProperties.MessageGroup = new(strings.Repeat("g", 64)) }},
		{"a delivery time too far ahead", apis.Code_ILLEGAL_DELIVERY_TIME, func(m *apis.Message) { m.SystemProperties.DeliveryTimestamp = far }},
	}
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c1")
		defer c.close()
		for _, tt := range cases {
			m := c.message("t", "id", "x")
			tt.change(m)
			a, err := c.SendMessage(c.ctx, &apis.SendMessageRequest{Messages: []*apis.Message{m}})
			if err != nil || a.Status.Code != tt.want {
				t.Errorf("%s: answered %v, %v; want %v", tt.name, a.GetStatus(), err, tt.want)
			}
		}
	})
}

func numbered(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint("k", i)] = "v"
	}
	return m
}

// PHP's samples send no header that says who they are.
func TestSendWithoutAClientID(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("")
		defer c.close()
		c.send(apis.Code_OK, c.message("t", "id", "x"))
	})
}

func TestSendsBeyondTheBudgetAreToldToBackOff(t *testing.T) {
	bubbleWith(t, Config{RequestBytes: 1000}, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c1")
		defer c.close()
		r.server.requestBytes.Add(900)
		c.send(apis.Code_TOO_MANY_REQUESTS, c.message("t", "id", strings.Repeat("x", 200)))
		r.server.requestBytes.Add(-900)
		c.send(apis.Code_OK, c.message("t", "id", strings.Repeat("x", 2000)))
		if n := r.server.requestBytes.Load(); n != 0 {
			t.Errorf("%d bytes are still counted", n)
		}
	})
}
