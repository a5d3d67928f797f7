package grpcv5

import (
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// What a delivered message and a send cost besides grpc-go: a gate for the hot
// path, where each allocation is paid for every message.
func TestAllocations(t *testing.T) {
	m := record.Message{
		Topic: "t", Body: make([]byte, 1024), Born: 1_700_000_000_123,
		Properties: []byte("k\x01v\x02TAGS\x01tag\x02KEYS\x01a b\x02UNIQ_KEY\x0101AABB\x02__BORNHOST\x01host\x02"),
	}
	w := record.Wire(m.Append(nil))
	d := &core.Delivery{Receipt: core.Receipt{PopTime: 1_700_000_000_456, Invisible: 30_000, Attempt: 1}}
	var e encoder
	deliver := func() {
		e.begin(apis.DigestType_MD5, &apis.Resource{Name: "t"})
		b := e.message(w, d)
		b.Free()
	}
	deliver() // makes its room
	if n := testing.AllocsPerRun(100, deliver); n > 1 {
		t.Errorf("a delivered message costs %v allocations", n)
	}

	raw, err := proto.Marshal(fullRequest())
	if err != nil {
		t.Fatal(err)
	}
	var r sendRequest
	send := func() {
		if err := r.read(mem.BufferSlice{mem.SliceBuffer(raw)}); err != nil {
			t.Fatal(err)
		}
		r.free()
	}
	send()
	if n := testing.AllocsPerRun(100, send); n > 2 {
		t.Errorf("reading a send of two messages costs %v allocations", n)
	}
}
