package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrymq/gantry/internal/ops"
)

func TestGroupCreateAndShow(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	defer s.stop()
	s.must("", "topic", "create", "orders", "--queues", "1", "--type", "fifo")
	equal(t, s.must("", "topic", "show", "orders")[1:2], "message.type: FIFO")
	s.must("", "group", "create", "workers", "--attempts", "3", "--from", "earliest")
	equal(t, s.must("", "group", "list"), "workers  order auto, from earliest, 3 attempts")
	s.must("", "send", "orders", "a", "b")
	equal(t, s.must("", "receive", "orders", "--group", "workers"), "a", "b")

	var g ops.GroupDetails
	if err := json.Unmarshal([]byte(strings.Join(s.must("", "group", "show", "workers", "-o", "json"), "\n")), &g); err != nil {
		t.Fatal(err)
	}
	want := []ops.GroupQueue{{Topic: "orders", First: 0, Next: 2, Floor: 2, Read: 2}}
	if diff := cmp.Diff(want, g.Queues); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
	if got := s.must("", "group", "show", "workers"); !strings.HasPrefix(got[1], "TOPIC ") || len(got) != 3 {
		t.Errorf("for people: %q", got)
	}
	if got := s.gantry("", "group", "show", "nobody"); got.code != exitNotFound || !strings.Contains(got.stderr, "there is no group nobody") {
		t.Errorf("of no group: %+v", got)
	}
	if got := s.gantry("", "topic", "create", "other", "--type", "ODD"); got.code != exitFailed || !strings.Contains(got.stderr, "ODD") {
		t.Errorf("of no kind: %+v", got)
	}
}
