package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// details is what topic show prints.
func (s *serving) details(topic string) topicDetails {
	s.t.Helper()
	var all []topicDetails
	if err := json.Unmarshal([]byte(strings.Join(s.must("", "topic", "show", topic, "-o", "json"), "\n")), &all); err != nil {
		s.t.Fatal(err)
	}
	if len(all) != 1 {
		s.t.Fatalf("show printed %d topics", len(all))
	}
	return all[0]
}

func TestTopicSettings(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	defer s.stop()
	s.must("", "topic", "create", "orders", "-q", "2", "--retention", "24h", "--retention-bytes", "10GiB", "--consumed", "--attribute", "message.type=FIFO")
	s.must("", "send", "orders", "a", "b", "c", "--queue", "1")
	equal(t, s.must("", "topic", "show", "orders"),
		"topic orders: 2 queues to read, 2 to write, permission RW-",
		"message.type: FIFO",
		"retention: consumed",
		"retention.bytes: 10737418240",
		"retention.ms: 86400000 (24h0m0s)",
		"queue 0: first offset 0, next 0",
		"queue 1: first offset 0, next 3")

	// What is not said stays; what is said changes.
	s.must("", "topic", "create", "orders", "--retention", "0", "--no-consumed", "--without", "retention.bytes")
	want := topicDetails{
		Topic: "orders", ReadQueues: 2, WriteQueues: 2, Perm: 6,
		Attributes: map[string]string{"message.type": "FIFO", "retention": "time", "retention.ms": "0"},
		Queues:     []queueDetails{{0, 0, 0}, {1, 0, 3}},
	}
	if d := cmp.Diff(want, s.details("orders")); d != "" {
		t.Errorf("changed (-want +got):\n%s", d)
	}
	s.must("", "topic", "create", "orders", "-q", "3")
	if got := s.details("orders"); got.ReadQueues != 3 || got.WriteQueues != 3 || got.Attributes["message.type"] != "FIFO" {
		t.Errorf("with another queue: %+v", got)
	}

	got := s.gantry("", "topic", "create", "other", "--attribute", "retention=sometimes")
	if got.code != exitFailed || !strings.Contains(got.stderr, `retention is "sometimes"; it is time or consumed`) {
		t.Errorf("an attribute that cannot be: %+v", got)
	}
	if got := s.gantry("", "topic", "show", "other"); got.code != exitNotFound || !strings.Contains(got.stderr, `topic "other" does not exist`) {
		t.Errorf("show of no topic: %+v", got)
	}
}

func TestTopicDelete(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	defer s.stop()
	s.must("", "send", "orders", "a", "b", "--queue", "0")

	got := s.gantry("orders\n", "topic", "delete", "orders")
	if got.code != exitUsage || !strings.Contains(got.stderr, "there is no terminal to ask at; write --yes") {
		t.Errorf("without a terminal: %+v", got)
	}
	at := func(typed string) result {
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"topic", "delete", "orders", "-s", s.addr}, &surroundings{
			stdin: strings.NewReader(typed), stdout: &out, stderr: &errs, terminal: true,
			getenv: func(string) (string, bool) { return "", false },
		})
		return result{code, out.String(), errs.String()}
	}
	const question = "The messages of topic orders and the offsets of its groups go for good. Type its name to delete it: "
	for _, typed := range []string{"order\n", "y\n", "\n"} {
		if got := at(typed); got != (result{code: exitFailed, stderr: question + "gantry: topic \"orders\" was not deleted: that is not its name\n"}) {
			t.Errorf("typed %q: %+v", typed, got)
		}
	}
	equal(t, s.must("", "receive", "orders"), "a", "b")
	if got := at("orders\n"); got != (result{stderr: question + "topic orders is deleted\n"}) {
		t.Errorf("typed the name: %+v", got)
	}
	if got := s.gantry("", "receive", "orders"); got.code != exitNotFound {
		t.Errorf("receive from the deleted topic: %+v", got)
	}
	if got := s.gantry("", "topic", "delete", "orders", "--yes"); got.code != exitNotFound {
		t.Errorf("deleted twice: %+v", got)
	}
	// Made anew it has none of the old messages, and goes on with the offsets.
	s.must("", "send", "orders", "c", "--queue", "0")
	equal(t, s.must("", "receive", "orders"), "c")
	if q := s.details("orders").Queues[0]; q != (queueDetails{0, 2, 3}) {
		t.Errorf("made anew: %+v", q)
	}
	s.must("", "topic", "delete", "orders", "--yes")
}

func TestFind(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	defer s.stop()
	var first stored
	if err := json.Unmarshal([]byte(s.must("", "send", "orders", "one", "--key", "k1", "--key", "both", "-o", "jsonl")[0]), &first); err != nil {
		t.Fatal(err)
	}
	s.must("", "send", "orders", "two", "--key", "k2", "--key", "both", "--property", "UNIQ_KEY=0A0B")
	equal(t, s.must("", "find", "--id", first.ID), "one")
	equal(t, s.must("", "find", "--topic", "orders", "--key", "both"), "one", "two")
	equal(t, s.must("", "find", "--topic", "orders", "--key", "both", "--max", "1"), "two")
	equal(t, s.must("", "find", "--topic", "orders", "--key", "0A0B"), "two")

	missing := first.ID[:16] + "00000000000F4240"
	tests := []struct {
		args string
		code int
		want string
	}{
		{"find --id " + missing, exitNotFound, "no message on " + s.addr + " has the id " + missing + "; an id that a producer gave is found with --topic T --key " + missing},
		{"find --id xyz", exitUsage, "find: message id of 3 characters: it has 32 or 56"},
		{"find --topic orders --key k3", exitNotFound, `topic "orders" has no message with the key "k3" on ` + s.addr},
		{"find --topic orders", exitUsage, "find: write either --id ID, or --topic T with --key K (see gantry --help)"},
		{"find --id " + missing + " --topic orders", exitUsage, "find: write either --id ID, or --topic T with --key K (see gantry --help)"},
	}
	for _, tt := range tests {
		if got := s.gantry("", strings.Fields(tt.args)...); got != (result{code: tt.code, stderr: "gantry: " + tt.want + "\n"}) {
			t.Errorf("%s: %+v\nwant %d %s", tt.args, got, tt.code, tt.want)
		}
	}
}
