package core_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal/file"
)

// update makes the data folder of this version anew. Do it for a new version of
// the format, into a folder of its own: the old ones stay, and are opened for ever.
var update = flag.Bool("update-golden", false, "write testdata/golden anew")

const (
	goldenFolder  = "testdata/golden/v1"
	goldenText    = "testdata/golden/v1.golden"
	goldenSegment = 16 << 10
	forEver       = 100 * 365 * 24 * time.Hour // the folder ages; what it holds must not expire under the test
)

// TestDataOfEarlierVersions opens a data folder that was written by the first
// version: two boots of the machine, an unclean stop, sealed segments, snapshots,
// forgotten messages, a deleted topic, a reset.
func TestDataOfEarlierVersions(t *testing.T) {
	if *update {
		writeGolden(t)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(goldenFolder)); err != nil {
		t.Fatal(err)
	}
	e := openGolden(t, dir, "boot-2", forEver)
	got := export(t, e)
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(goldenText, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenText)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Fatalf("the folder holds\n%s\nwant\n%s", got, want)
	}
	e = openGolden(t, dir, "boot-2", forEver) // and again, after what this version wrote
	defer e.Close(t.Context())
	if again := export(t, e); again != got {
		t.Fatalf("after a restart the folder holds\n%s", again)
	}
}

func openGolden(t *testing.T, dir, boot string, age time.Duration) *core.Engine {
	t.Helper()
	config := core.Config{SegmentBytes: goldenSegment, SnapshotBytes: goldenSegment, Retention: core.Retention{Age: age}}
	e, err := core.Open(config, file.New(file.Options{Dir: dir, SegmentSize: goldenSegment, BootID: boot}), core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// export writes down what can be read of the golden topics.
func export(t *testing.T, e *core.Engine) string {
	t.Helper()
	c := e.Connect(core.ClientInfo{})
	var b strings.Builder
	for _, info := range e.Topics() {
		fmt.Fprintf(&b, "topic %s id %d queues %d\n", info.Name, info.ID, info.ReadQueues)
		q := core.Queue{Topic: info.ID}
		fmt.Fprintf(&b, "  group g: %s\n", committed(t, c, q))
		for next := core.Offset(0); ; {
			a := await(t, pull(c, core.Pull{Queue: q, Offset: next, MaxMessages: 50}))
			if a.status == core.PullNotFound {
				fmt.Fprintf(&b, "  from %d to %d\n", a.min, a.max)
				break
			}
			if a.bodies != "" {
				fmt.Fprintf(&b, "  %d to %d: %s\n", next, a.next, a.bodies)
			}
			next = a.next
		}
	}
	return b.String()
}

// writeGolden makes the folder.
func writeGolden(t *testing.T) {
	dir := t.TempDir()
	e := openGolden(t, dir, "boot-1", forEver)
	c := e.Connect(core.ClientInfo{})
	long := core.TopicConfig{Name: "kept", ReadQueues: 2, WriteQueues: 2, Perm: 6, Attributes: map[string]string{"message.type": "NORMAL"}}
	wait(t, c, func(done func(error)) { c.Admin(core.PutTopic{Config: long}, done) })
	fill(t, c, "kept", 0, 300)
	fill(t, c, "gone", 0, 3)
	wait(t, c, func(done func(error)) { c.Admin(core.DeleteTopic{Name: "gone"}, done) })
	q := queueOf(t, e, "kept", 0)
	wait(t, c, func(done func(error)) {
		c.Commit([]core.CursorOffset{{Group: "g", Queue: q, Offset: 7}}, done)
	})
	until(t, "sealed segments", func() bool { return e.Stats().Sealed > 2 })
	// As if the power had gone: the folder is copied as it is, and opened on another boot.
	cut := t.TempDir()
	if err := os.CopyFS(cut, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	e.Close(t.Context())

	e = openGolden(t, cut, "boot-2", time.Millisecond)
	c = e.Connect(core.ClientInfo{})
	fill(t, c, "kept", 300, 400)
	fill(t, c, "gone", 3, 5)
	until(t, "forgotten segments", func() bool { return e.Stats().Forgotten > 1 })
	wait(t, c, func(done func(error)) {
		c.Commit([]core.CursorOffset{{Group: "g", Queue: q, Offset: 9, Reset: true}}, done)
	})
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(goldenFolder); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"spare.log", "LOCK"} {
		matches, _ := filepath.Glob(filepath.Join(cut, "shard-0000", "*", name))
		for _, m := range matches {
			os.Remove(m)
		}
	}
	if err := os.CopyFS(goldenFolder, os.DirFS(cut)); err != nil {
		t.Fatal(err)
	}
}

func fill(t *testing.T, c *core.Client, topic string, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		m := message(topic, fmt.Sprint("m", i), "tag")
		m.Queue = 0
		m.Properties = record.AppendProperty(m.Properties, record.PropKeys, fmt.Append(nil, "k", i))
		send(t, c, m)
	}
}
