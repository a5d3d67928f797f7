package shard

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

var updateOperations = flag.Bool("update-operations", false, "write testdata/operations.txt anew: read the difference before it is committed")

const operationsFile = "testdata/operations.txt"

// fileStepper is a stepper over the file log, on a file system that writes down
// what is done to it.
type fileStepper struct {
	*stepper
	lines []string
}

func (d *fileStepper) sync() {
	d.Step()
	for d.log.(*file.Log).SyncStep() {
		d.Step()
	}
}

// settle lets everything happen that follows, files included.
func (d *fileStepper) settle() {
	for d.sync(); len(d.jobs) > 0; d.sync() {
		d.runOne()
	}
}

func newFileStepper(t *testing.T, cfg Config) *fileStepper {
	t.Helper()
	d := &fileStepper{stepper: &stepper{t: t, time: Instant{Wall: 1_700_000_000_000, Mono: 1000}}}
	note := vfs.Record(func(line string) { d.lines = append(d.lines, line) })
	log := file.New(file.Options{
		Dir: "data", FS: vfs.Wrap(vfs.NewMem(), note), SegmentSize: cfg.SegmentBytes,
		BootID: "boot", Salt: func() uint32 { return 1 }, Manual: true,
	})
	s, err := Open(cfg, log, Env{
		Now:   func() Instant { return d.time },
		Apart: func(job func()) { d.jobs = append(d.jobs, job) },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Shard = s
	d.settle()
	return d
}

// TestOrderOfFileOperations holds what is done to the disk, and in which order,
// against a list that was read and found right: what names something comes after
// the sync of what it names, and nothing is removed before the record that says so
// is durable.
func TestOrderOfFileOperations(t *testing.T) {
	d := newFileStepper(t, Config{SegmentBytes: 64 << 10, SnapshotBytes: 16 << 10, Retention: model.Retention{Age: time.Hour}})
	c := d.Connect(ClientInfo{})
	var all strings.Builder
	phase := func(name string, do func()) {
		d.lines = nil
		do()
		d.settle()
		all.WriteString("# " + name + "\n" + strings.Join(d.lines, "\n") + "\n\n")
	}
	send := func(n int) func() {
		return func() {
			for range n {
				if outcome := d.send(c, "t", 4000); true {
					d.settle()
					if *outcome != nil {
						t.Fatal(*outcome)
					}
				}
			}
		}
	}
	phase("the send that makes a topic", send(1))
	phase("a send", send(1))
	phase("idle: the last frame is synced, then proven by a mark", func() { d.wait(200); d.sync(); d.wait(200); d.sync(); d.wait(200) })
	phase("sends until a snapshot is due", send(4))
	phase("sends until a segment is full and sealed, with snapshots", send(12))
	send(20)()
	phase("two hours later the oldest segment goes", func() { d.wait(7_200_000); send(4)(); d.wait(retentionEvery) })
	phase("an orderly stop", func() { d.Stop(); d.settle() })
	if *updateOperations {
		if err := os.WriteFile(operationsFile, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(operationsFile)
	if err != nil {
		t.Fatal(err)
	}
	if all.String() != string(want) {
		t.Fatalf("the operations differ from %s; they are\n%s", operationsFile, all.String())
	}
}
