package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/remoting/client"
	"github.com/gantrymq/gantry/remoting/wire"
)

func TestGroupDelete(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	defer s.stop()
	s.must("", "send", "orders", "a", "b", "--queue", "0")
	equal(t, s.must("", "receive", "orders", "--group", "readers"), "a", "b")
	equal(t, s.must("", "receive", "orders", "--group", "readers"), "")

	if got := s.gantry("readers\n", "group", "delete", "readers"); got.code != exitUsage || !strings.Contains(got.stderr, "write --yes to delete it with all its offsets") {
		t.Errorf("without a terminal: %+v", got)
	}
	if got := s.gantry("", "group", "delete", "readers", "--yes"); got != (result{stderr: "group readers is deleted\n"}) {
		t.Errorf("delete: %+v", got)
	}
	equal(t, s.must("", "receive", "orders", "--group", "readers"), "a", "b") // its offset has gone
	s.must("", "group", "delete", "readers", "--yes")
	if got := s.gantry("", "group", "delete", "readers", "--yes"); got.code != exitNotFound || !strings.Contains(got.stderr, `group "readers" does not exist on `+s.addr) {
		t.Errorf("deleted twice: %+v", got)
	}
}

// TestGroupWithLiveConsumersIsNotDeleted: it would be there again at once.
func TestGroupWithLiveConsumersIsNotDeleted(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	defer s.stop()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := client.Dial(ctx, s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	beat := &wire.Command{Code: int32(wire.HeartBeat), Body: []byte(`{"clientID":"192.0.2.1@7","producerDataSet":[],"consumerDataSet":[` +
		`{"groupName":"readers","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING","consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET",` +
		`"subscriptionDataSet":[{"topic":"orders","subString":"*","expressionType":"TAG","tagsSet":[],"codeSet":[],"subVersion":1}],"unitMode":false}]}`)}
	if a, err := conn.Call(ctx, beat); err != nil || a.Code != int32(wire.Success) {
		t.Fatalf("heartbeat: %+v, %v", a, err)
	}
	got := s.gantry("", "group", "delete", "readers", "--yes")
	if got.code != exitFailed || !strings.Contains(got.stderr, "stop [192.0.2.1@7] first") {
		t.Errorf("with a live consumer: %+v", got)
	}
	conn.Close()
	for {
		if got = s.gantry("", "group", "delete", "readers", "--yes"); got.code == exitDone || ctx.Err() != nil {
			break
		}
	}
	if got.code != exitDone {
		t.Errorf("without it: %+v", got)
	}
	if got := s.gantry("", "topic", "show", "%RETRY%readers"); got.code != exitNotFound {
		t.Errorf("the topic of its retries: %+v", got)
	}
}
