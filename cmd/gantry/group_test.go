package main

import (
	"context"
	"encoding/json"
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

func TestGroupSettings(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	defer s.stop()
	if got := s.gantry("", "group", "create", "readers", "--retries", "3", "--fifo", "--attribute", "team=billing"); got.code != exitDone || got.stderr != "group readers: 3 retries, in order\n" {
		t.Errorf("create: %+v", got)
	}
	equal(t, s.must("", "group", "list"), "readers                                  3 retries, in order")
	s.must("", "topic", "create", "orders", "-q", "2", "--type", "mixed")
	s.must("", "send", "orders", "a", "b", "c", "--queue", "1")
	equal(t, s.must("", "receive", "orders", "--group", "readers", "--max", "2"), "a", "b")
	equal(t, s.must("", "group", "show", "readers"),
		"group readers: 3 retries, in order; 1 messages behind",
		"team: billing",
		"orders queue 0: committed 0 of 0, 0 behind",
		"orders queue 1: committed 2 of 3, 1 behind")

	// What is not said stays.
	s.must("", "group", "create", "readers", "--disabled", "--no-fifo", "--without", "team")
	equal(t, s.must("", "group", "list"), "readers                                  3 retries, disabled")
	if got := s.gantry("", "receive", "orders", "--group", "readers"); got.code == exitDone || !strings.Contains(got.stderr, "it is disabled") {
		t.Errorf("a disabled group receives: %+v", got)
	}
	var all []groupDetails
	if err := json.Unmarshal([]byte(strings.Join(s.must("", "group", "show", "readers", "-o", "json"), "\n")), &all); err != nil {
		t.Fatal(err)
	}
	if g := all[0]; !g.Disabled || g.FIFO || g.MaxRetries != 3 || g.Lag != 1 || len(g.Queues) != 2 || g.Queues[1].Consumed.IsZero() {
		t.Errorf("as JSON: %+v", g)
	}
	if got := s.gantry("", "group", "show", "none"); got.code != exitNotFound || !strings.Contains(got.stderr, `group "none" does not exist`) {
		t.Errorf("show of no group: %+v", got)
	}
}
