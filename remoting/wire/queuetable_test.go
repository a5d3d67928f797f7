package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQueueTable(t *testing.T) {
	want := []QueueEntry[int64]{
		{MessageQueue{Broker: "b", Queue: 0, Topic: "t"}, 1},
		{MessageQueue{Broker: "b", Queue: 1, Topic: `odd":}{`}, -2},
	}
	b := AppendQueueTable(nil, want)
	if text := string(b[:60]); text != `{{"brokerName":"b","queueId":0,"topic":"t"}:1,{"brokerName":` {
		t.Errorf("begins with %s", text)
	}
	got, err := DecodeQueueTable[int64](b)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	body := append(append([]byte(`{ "a":[1,{"b":"}"}], "messageQueueTable" : `), b...), `, "c":null}`...)
	member, err := Member(body, "messageQueueTable")
	if string(member) != string(b) || err != nil {
		t.Errorf("member %s, %v", member, err)
	}
	quoted, err := DecodeQueueTable[int64]([]byte(`{"{\"brokerName\":\"b\",\"queueId\":0,\"topic\":\"t\"}":1}`))
	if diff := cmp.Diff(want[:1], quoted); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"", "{", "[]", `{"a"}`, `{"a":}`, `{"a":1`, `{:1}`, `{"a":1 2}`, `{"a`, `{{}:1}x`, `{,}`} {
		if got, err := DecodeQueueTable[int64]([]byte(bad)); err == nil && len(got) > 0 && bad != `{{}:1}x` {
			t.Errorf("%s is read as %v", bad, got)
		}
	}
	if got, err := DecodeQueueTable[int64]([]byte("{}")); err != nil || got != nil {
		t.Errorf("empty: %v, %v", got, err)
	}
}

func FuzzQueueTable(f *testing.F) {
	f.Add([]byte(`{{"brokerName":"b","queueId":0,"topic":"t"}:1,{"brokerName":"b","queueId":1,"topic":"t"}:{"x":[1,2]}}`))
	f.Add([]byte(`{"a":"\"}","b":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = DecodeQueueTable[any](b)
		_, _ = Member(b, "b")
	})
}
