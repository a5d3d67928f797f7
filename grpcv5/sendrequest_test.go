package grpcv5

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/gantrymq/gantry/grpcv5/apis"
)

func fullRequest() *apis.SendMessageRequest {
	full := &apis.Message{
		Topic: &apis.Resource{ResourceNamespace: "ns", Name: "t"}, Body: []byte("body"),
		UserProperties: map[string]string{"a": "1", "b": ""},
		SystemProperties: &apis.SystemProperties{
			Tag: new("tag"), Keys: []string{"k1", "k2"}, MessageId: "id", BodyEncoding: apis.Encoding_GZIP,
			MessageType: apis.MessageType_TRANSACTION, BornTimestamp: timestamppb.New(time.UnixMilli(1234567890123)), BornHost: "h",
			StoreTimestamp: timestamppb.Now(), DeliveryTimestamp: timestamppb.New(time.UnixMilli(-1500)), ReceiptHandle: new("r"),
			QueueId: 3, QueueOffset: new(int64(4)), InvisibleDuration: durationpb.New(time.Second), DeliveryAttempt: new(int32(2)),
			MessageGroup: new("mg"), TraceContext: new("tc"), OrphanedTransactionRecoveryDuration: durationpb.New(90 * time.Second),
			DeadLetterQueue: &apis.DeadLetterQueue{Topic: "d"}, LiteTopic: new("lt"), Priority: new(int32(5)),
			BodyDigest: &apis.Digest{Type: apis.DigestType_CRC32, Checksum: "1"}, StoreHost: "s",
		},
	}
	return &apis.SendMessageRequest{Messages: []*apis.Message{full, {Topic: &apis.Resource{Name: "u"}}}}
}

// What is read by hand is what protobuf reads.
func TestSendRequestsAreReadAsProtobufDoes(t *testing.T) {
	want := fullRequest()
	raw, err := proto.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var r sendRequest
	for range 2 { // the second time in used room
		if err := r.read(mem.BufferSlice{mem.SliceBuffer(raw)}); err != nil {
			t.Fatal(err)
		}
		if r.unknown || len(r.messages) != 2 {
			t.Fatalf("%+v", r)
		}
		m, p := r.messages[0], want.Messages[0].SystemProperties
		if string(m.namespace) != "ns" || string(m.topic) != "t" || string(m.body) != "body" || len(m.user) != 2 || string(m.tag) != "tag" || len(m.keys) != 2 ||
			string(m.keys[1]) != "k2" || string(m.id) != "id" || m.encoding != p.BodyEncoding || m.kind != p.MessageType || m.born != 1234567890123 ||
			string(m.bornHost) != "h" || !m.hasDeliverAt || m.deliverAt != -1500 || string(m.group) != "mg" || string(m.trace) != "tc" || m.recovery != 90_000 ||
			string(m.liteTopic) != "lt" || m.priority != 5 || !m.hasTag || !m.hasGroup || !m.hasLiteTopic || !m.hasPriority {
			t.Errorf("%+v", m)
		}
		if m := r.messages[1]; string(m.topic) != "u" || m.body != nil || m.hasTag || m.hasDeliverAt || len(m.user) != 0 {
			t.Errorf("the second: %+v", m)
		}
	}
	r.free()
}

// FuzzSendRequest compares with protobuf: what it reads is read, with the same
// bodies and ids.
func FuzzSendRequest(f *testing.F) {
	raw, err := proto.Marshal(fullRequest())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{0x0a, 0x02, 0x22, 0x00})
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r sendRequest
		err := r.read(mem.BufferSlice{mem.SliceBuffer(bytes.Clone(raw))})
		want := &apis.SendMessageRequest{}
		if proto.Unmarshal(raw, want) != nil {
			return
		}
		if err != nil {
			t.Fatalf("protobuf reads it, and here: %v", err)
		}
		if len(r.messages) != len(want.Messages) {
			t.Fatalf("%d messages, protobuf has %d", len(r.messages), len(want.Messages))
		}
		for i := range r.messages {
			if got := r.messages[i]; !slices.Equal(got.body, want.Messages[i].Body) {
				t.Fatalf("body %d is %q, protobuf has %q", i, got.body, want.Messages[i].Body)
			}
		}
	})
}
