package grpcv5

import (
	"math"
	"testing"

	"github.com/gantrymq/gantry/core"
)

var receipts = []core.Receipt{
	{},
	{
		Cursor: core.CursorID{Group: 7, Queue: core.Queue{Shard: 1, Topic: 300, Num: 4}},
		Offset: 1 << 40, PopTime: 1_790_000_000_000, Invisible: 30_000, Attempt: 3,
	},
	{
		Cursor: core.CursorID{Group: math.MaxUint32, Queue: core.Queue{Shard: math.MaxUint16, Topic: math.MaxUint32, Num: math.MaxInt32}},
		Offset: math.MaxInt64, PopTime: math.MaxInt64, Invisible: math.MaxInt64, Attempt: math.MaxInt32,
	},
}

func TestHandlesAreReadBack(t *testing.T) {
	for _, want := range receipts {
		text := handleText(&want)
		if got, ok := parseHandle(text); !ok || got != want {
			t.Errorf("%s is %+v, %v; want %+v", text, got, ok, want)
		}
	}
	if n := len(handleText(&receipts[1])); n > 40 {
		t.Errorf("a usual handle has %d characters", n)
	}
}

func FuzzHandle(f *testing.F) {
	for _, r := range receipts {
		f.Add(handleText(&r))
	}
	for _, text := range []string{"", "AA", "AQ", "AQAAAAAAAAAA", "AQAAAAAAAAAAAA", "not base64!", "AYAAAAAAAAAA"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, ok := parseHandle(text)
		if ok && handleText(&r) != text {
			t.Errorf("%q is read as %+v, whose handle is %q", text, r, handleText(&r))
		}
	})
}

func FuzzRecallHandle(f *testing.F) {
	f.Add(recallText("t", "gantry-0", 1_790_000_000_000, "01AA"))
	f.Add("djEgdA==")
	f.Fuzz(func(t *testing.T, text string) {
		topic, broker, at, id, ok := parseRecall(text)
		if !ok {
			return
		}
		topic2, broker2, at2, id2, ok := parseRecall(recallText(topic, broker, at, id))
		if !ok || topic2 != topic || broker2 != broker || at2 != at || id2 != id {
			t.Errorf("%q is not read back", text)
		}
	})
}
