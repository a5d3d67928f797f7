package sdk5

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
	"github.com/gantrymq/gantry/conformance/rawclient"
)

// TestMatrix has each 4.x client send what each v5 SDK receives, and the reverse, all through a topic that has no message
// type of its own, as those are that 4.x clients make by a send. Its table says what came through; GANTRY_MATRIX=file writes it there.
func TestMatrix(t *testing.T) {
	old := olds(t)
	m := &matrix{cells: map[string]map[string]string{}}
	t.Cleanup(func() { m.write(t) })
	for _, k := range old {
		for _, s := range sdks {
			if lab.skipped[s] != "" {
				continue
			}
			t.Run(k.String()+" "+s.String(), func(t *testing.T) {
				t.Parallel()
				topic := newTopic(t, "MIXED")
				toNew(t, m, k, s, topic)
				toOld(t, m, k, s, topic)
			})
		}
	}
}

// olds builds the 4.x programs: Go, and in a full run Java.
func olds(t *testing.T) []harness.Kind {
	t.Helper()
	kinds := []harness.Kind{{Lang: "go", Version: "2.1.2", Serialization: "JSON"}}
	if !testing.Short() && sdks[2].missing() == "" {
		kinds = append(kinds, harness.Kind{Lang: "java", Version: "4.9.8", Serialization: "JSON"})
	}
	builds, err := harness.BuildClients(t.Context(), harness.ModuleDir(), lab.out, kinds)
	if err != nil {
		t.Fatal(err)
	}
	lab.old = builds
	return kinds
}

// sample is one message of the matrix.
type sample struct {
	name string
	cmd  harness.Cmd
}

// samples are what is sent each way. at is a time that is not yet.
func samples(at int64) []sample {
	return []sample{
		{"plain", harness.Cmd{Tag: "tag", Keys: "k1 k2", Props: map[string]string{"p": "v 值 🙂"}}},
		{"group", harness.Cmd{MessageGroup: "g"}},
		{"large", harness.Cmd{Size: 20_000}}, // 4.x clients compress it
		{"delayed", harness.Cmd{DeliverAt: at}},
	}
}

func toNew(t *testing.T, m *matrix, k harness.Kind, s *sdk, topic string) {
	t.Helper()
	from, to := lab.old.Start(t, k, lab.namesrv), s.start(t)
	consumer := s.simple(to, topic, newGroup(t, topic, rawclient.Group{}))
	at := time.Now().Add(4*time.Second).Unix() * 1000
	sent := map[string]harness.Event{}
	for _, p := range samples(at) {
		p.cmd.Topic, p.cmd.Prefix = topic, p.name
		sent[p.name] = from.Send(p.cmd)[0]
	}
	got := collect(t, to, consumer, len(sent), 30*time.Second)
	ack(to, consumer, got)
	m.compare(t, fmt.Sprintf("%v → %v", k, s), samples(at), sent, got, 1)
}

func toOld(t *testing.T, m *matrix, k harness.Kind, s *sdk, topic string) {
	t.Helper()
	from, to := s.start(t), lab.old.Start(t, k, lab.namesrv)
	group := newGroup(t, topic, rawclient.Group{})
	// What the other direction left in the topic comes too, and is not looked at: bodies have names of their own.
	consumer := to.Do(harness.Cmd{Op: "push", Topic: topic, Group: group, From: "CONSUME_FROM_FIRST_OFFSET"}).ID
	sender := producer(from, topic)
	at := time.Now().Add(4*time.Second).Unix() * 1000
	sent := map[string]harness.Event{}
	var all []harness.Event
	for _, p := range samples(at) {
		p.cmd.Target, p.cmd.Topic, p.cmd.Prefix = sender, topic, "new-"+p.name
		sent[p.name] = from.Send(p.cmd)[0]
		all = append(all, sent[p.name])
	}
	got := to.WaitReceived(3*arrival, consumer, all)
	m.compare(t, fmt.Sprintf("%v → %v", s, k), samples(at), sent, got, 0)
}

// matrix collects what came through, a row a pair of clients, a column a property.
type matrix struct {
	mu    sync.Mutex
	rows  []string                     // guarded by mu, like all below
	cells map[string]map[string]string // by row and column
}

var columns = []string{"body", "compressed body", "id", "tag", "keys", "properties", "message group", "attempt", "born", "delivery time"}

// compare fills a row. attempt is what the receiver calls a first delivery.
func (m *matrix) compare(t *testing.T, row string, all []sample, sent map[string]harness.Event, received []harness.Event, attempt int) {
	t.Helper()
	got := map[string]harness.Event{}
	for _, e := range received {
		got[e.Body] = e
	}
	cell := map[string]string{}
	for _, c := range columns {
		cell[c] = "kept"
	}
	check := func(column string, kept bool, format string, args ...any) {
		if kept {
			return
		}
		cell[column] = fmt.Sprintf(format, args...)
		t.Errorf("%s, %s: %s", row, column, cell[column])
	}
	for _, p := range all {
		s := sent[p.name]
		r, ok := got[s.Body]
		check("body", ok, "%s did not come", p.name)
		if !ok {
			continue
		}
		body := "body"
		if p.name == "large" {
			body = "compressed body"
		}
		check(body, r.Size == s.Size && r.CRC == s.CRC, "%d bytes of %d", r.Size, s.Size)
		check("id", r.MsgID == s.MsgID, "%s, was %s", r.MsgID, s.MsgID)
		check("tag", r.Tag == p.cmd.Tag, "%q, was %q", r.Tag, p.cmd.Tag)
		check("keys", sorted(r.Keys) == sorted(p.cmd.Keys), "%q, was %q", r.Keys, p.cmd.Keys)
		check("properties", r.Props["p"] == p.cmd.Props["p"], "%q, was %q", r.Props["p"], p.cmd.Props["p"])
		check("message group", r.MessageGroup == p.cmd.MessageGroup, "%q, was %q", r.MessageGroup, p.cmd.MessageGroup)
		check("attempt", r.Attempt == attempt, "%d, want %d", r.Attempt, attempt)
		age := s.At.Sub(time.UnixMilli(r.Born))
		check("born", age > -time.Second && age < 5*time.Second, "%v before the answer to the send", age)
		if due := time.UnixMilli(p.cmd.DeliverAt); p.name == "delayed" {
			late := r.At.Sub(due)
			check("delivery time", late >= 0 && late < lateness()+time.Second, "came %v after it", late)
			if attempt == 1 { // a v5 SDK shows it
				check("delivery time", r.DeliverAt == p.cmd.DeliverAt, "%d, was %d", r.DeliverAt, p.cmd.DeliverAt)
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = append(m.rows, row)
	m.cells[row] = cell
}

func (m *matrix) write(t *testing.T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "| sender → receiver | %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, row := range m.rows {
		fmt.Fprintf(&b, "| %s |", row)
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", m.cells[row][c])
		}
		b.WriteByte('\n')
	}
	t.Logf("\n%s", b.String())
	if path := os.Getenv("GANTRY_MATRIX"); path != "" {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
}
