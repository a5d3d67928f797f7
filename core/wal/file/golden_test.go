package file_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/vfs"
	"github.com/gantrymq/gantry/core/wal/waltest"
)

// The order of the changes is what makes the log safe: read a difference as a
// change of the design.

// Room for the next MANIFEST is reserved as soon as this one has its name.
const goldenOpen = `
mkdir /data
mkdir shard
mkdir log
mkdir parts
syncdir /data
syncdir shard
syncdir /
syncdir log
create MANIFEST.tmp
write MANIFEST.tmp at 0 len 50
truncate MANIFEST.tmp to 50
sync MANIFEST.tmp
rename MANIFEST.tmp -> MANIFEST
syncdir shard
create MANIFEST.tmp
allocate MANIFEST.tmp to 4096
`

// A new segment: nothing of it is durable before its content, its name and its
// line in MANIFEST are, in this order.
const goldenFirstFrame = `
create log/00000000000000000000.log
allocate log/00000000000000000000.log to 65536
write log/00000000000000000000.log at 0 len 4096
write log/00000000000000000000.log at 4096 len 52
= flush
sync log/00000000000000000000.log
syncdir log
write MANIFEST.tmp at 0 len 58
truncate MANIFEST.tmp to 58
sync MANIFEST.tmp
rename MANIFEST.tmp -> MANIFEST
syncdir shard
create MANIFEST.tmp
allocate MANIFEST.tmp to 4096
`

const goldenFrame = `
write log/00000000000000000000.log at 4148 len 52
= flush
sync log/00000000000000000000.log
= flush
`

// The old segment is synced before the new one.
const goldenRoll = `
write log/00000000000000000000.log at 4200 len 52
create log/00000000000000000156.log
allocate log/00000000000000000156.log to 65536
write log/00000000000000000156.log at 0 len 4096
write log/00000000000000000156.log at 4096 len 52
= flush
truncate log/00000000000000000000.log to 4252
sync log/00000000000000000000.log
sync log/00000000000000000156.log
syncdir log
write MANIFEST.tmp at 0 len 66
truncate MANIFEST.tmp to 66
sync MANIFEST.tmp
rename MANIFEST.tmp -> MANIFEST
syncdir shard
create MANIFEST.tmp
allocate MANIFEST.tmp to 4096
`

const goldenClose = `
write log/00000000000000000156.log at 4148 len 52
= close
sync log/00000000000000000156.log
write MANIFEST.tmp at 0 len 66
truncate MANIFEST.tmp to 66
sync MANIFEST.tmp
rename MANIFEST.tmp -> MANIFEST
syncdir shard
create MANIFEST.tmp
allocate MANIFEST.tmp to 4096
`

// After an orderly stop only MANIFEST changes. That there is room behind the end
// of the last segment is made sure of: a copy of the folder may have none.
const goldenReopen = `
mkdir /data
mkdir shard
mkdir log
mkdir parts
syncdir /data
syncdir shard
syncdir /
syncdir log
write MANIFEST.tmp at 0 len 66
truncate MANIFEST.tmp to 66
sync MANIFEST.tmp
rename MANIFEST.tmp -> MANIFEST
syncdir shard
create MANIFEST.tmp
allocate MANIFEST.tmp to 4096
allocate log/00000000000000000156.log to 65536
`

// After a crash: what was torn is cut off, so that the rest of the file reads as
// zeros. The idle mark proves what lies before it, not itself: it is written again.
const goldenRecovery = `
mkdir /data
mkdir shard
mkdir log
mkdir parts
syncdir /data
syncdir shard
syncdir /
truncate log/00000000000000000156.log to 4248
write log/00000000000000000156.log at 4200 len 48
sync log/00000000000000000156.log
syncdir log
write MANIFEST.tmp at 0 len 66
truncate MANIFEST.tmp to 66
sync MANIFEST.tmp
rename MANIFEST.tmp -> MANIFEST
syncdir shard
create MANIFEST.tmp
allocate MANIFEST.tmp to 4096
allocate log/00000000000000000156.log to 65536
`

const goldenPrepare = `
create log/spare.log
allocate log/spare.log to 65536
`

// A roll with a spare segment allocates nothing.
const goldenSpareRoll = `
write log/spare.log at 0 len 4096
rename log/spare.log -> log/00000000000000000360.log
write log/00000000000000000360.log at 4096 len 52
= flush
truncate log/00000000000000000156.log to 4300
sync log/00000000000000000156.log
sync log/00000000000000000360.log
syncdir log
write MANIFEST.tmp at 0 len 74
truncate MANIFEST.tmp to 74
sync MANIFEST.tmp
rename MANIFEST.tmp -> MANIFEST
syncdir shard
create MANIFEST.tmp
allocate MANIFEST.tmp to 4096
`

// MANIFEST says where the log begins before the first file goes.
const goldenTrim = `
= trimmed
write MANIFEST.tmp at 0 len 58
truncate MANIFEST.tmp to 58
sync MANIFEST.tmp
rename MANIFEST.tmp -> MANIFEST
syncdir shard
create MANIFEST.tmp
allocate MANIFEST.tmp to 4096
= step
remove log/00000000000000000000.log
= step
remove log/00000000000000000156.log
= step
`

// A large file goes in steps: a sync waits for one of them at most.
const goldenTrimLarge = `
truncate log/00000000000000000000.log to 67113008
= step
truncate log/00000000000000000000.log to 33558576
= step
truncate log/00000000000000000000.log to 4144
= step
remove log/00000000000000000000.log
= step
`

// A part has its name when all of it is durable.
const goldenPut = `
create parts/snap.1~
write parts/snap.1~ at 0 len 7
sync parts/snap.1~
rename parts/snap.1~ -> parts/snap
syncdir parts
`

const goldenDelete = `
remove parts/snap
`

// tracer writes down the changes that a log makes to a disk.
type tracer struct {
	t     *testing.T
	disk  *vfs.Mem
	lines []string
	log   *file.Log
	lsn   wal.LSN
}

func (c *tracer) note(line string) { c.lines = append(c.lines, shorten.Replace(line)) }

func (c *tracer) start() {
	c.t.Helper()
	log, err := file.New(memOptions(vfs.Wrap(c.disk, vfs.Record(c.note)), 0, true)).Open(0, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := log.Recover(0, func(wal.Frame) error { return nil }); err != nil {
		c.t.Fatal(err)
	}
	c.log = log.(*file.Log)
}

// want compares the changes since the last call.
func (c *tracer) want(name, golden string) {
	c.t.Helper()
	if diff := cmp.Diff(strings.TrimPrefix(golden, "\n"), strings.Join(c.lines, "\n")+"\n"); diff != "" {
		c.t.Errorf("%s (-want +got):\n%s", name, diff)
	}
	c.lines = nil
}

func (c *tracer) add(flags uint16, payload string) {
	c.t.Helper()
	b := waltest.Frame(c.lsn, 0, flags, []byte(payload))
	if err := c.log.Append(c.lsn, b); err != nil {
		c.t.Fatal(err)
	}
	c.lsn += wal.LSN(len(b))
}

func (c *tracer) flush() {
	c.note("= flush")
	c.log.Flush()
	c.log.SyncStep()
}

func TestOrderOfChanges(t *testing.T) {
	c := &tracer{t: t, disk: vfs.NewMem()}
	c.start()
	c.want("open", goldenOpen)
	c.add(wal.FlagSegmentStart, "abcd")
	c.flush()
	c.want("first frame", goldenFirstFrame)
	c.add(0, "abcd")
	c.flush()
	c.flush() // there is nothing to sync
	c.want("frame", goldenFrame)
	c.add(0, "abcd")
	c.add(wal.FlagSegmentStart, "abcd")
	c.flush()
	c.want("roll", goldenRoll)
	c.add(0, "abcd")
	c.note("= close")
	if err := c.log.Close(true); err != nil {
		t.Fatal(err)
	}
	c.want("close", goldenClose)

	c.start()
	c.want("reopen", goldenReopen)
	c.add(wal.FlagIdleMark, "")
	c.add(0, "abcd")
	c.lines = nil
	whole := c.disk.ProcessCrash()
	c.disk = c.disk.ProcessCrash()
	if err := c.disk.Rot(logDir+"/00000000000000000156.log", func(b []byte) []byte { b[4250]++; return b }); err != nil {
		t.Fatal(err)
	}
	c.start()
	c.want("recovery", goldenRecovery)

	c.disk = whole
	c.start()
	c.lsn = 360
	testForgetting(c)
}

// testForgetting goes on with the log of TestOrderOfChanges: segments at 0 and 156.
func testForgetting(c *tracer) {
	c.lines = nil
	c.log.Prepare()
	c.log.Prepare()
	c.log.SyncStep()
	c.log.Prepare() // there is one
	c.log.SyncStep()
	c.want("prepare", goldenPrepare)
	third := c.lsn
	c.add(wal.FlagSegmentStart, "abcd")
	c.flush()
	c.want("roll with a spare segment", goldenSpareRoll)
	if err := c.log.Trim(third); err != nil {
		c.t.Fatal(err)
	}
	c.note("= trimmed")
	for c.log.SyncStep() {
		c.note("= step")
	}
	c.want("trim", goldenTrim)
	if err := c.log.Parts().Put("snap", strings.NewReader("content")); err != nil {
		c.t.Fatal(err)
	}
	c.want("put", goldenPut)
	if err := c.log.Parts().Delete("snap"); err != nil {
		c.t.Fatal(err)
	}
	c.want("delete", goldenDelete)
}

func TestRemovalInSteps(t *testing.T) {
	c := &tracer{t: t, disk: vfs.NewMem()}
	c.start()
	c.add(wal.FlagSegmentStart, "")
	for range 12 {
		c.add(0, string(make([]byte, wal.MaxFrame-wal.HeaderSize)))
	}
	second := c.lsn
	c.add(wal.FlagSegmentStart, "")
	c.flush()
	if err := c.log.Trim(second); err != nil {
		t.Fatal(err)
	}
	c.log.SyncStep() // notes it
	c.lines = nil
	for c.log.SyncStep() {
		c.note("= step")
	}
	c.want("removal", goldenTrimLarge)
}

var shorten = strings.NewReplacer(
	shardDir+"/parts/", "parts/", shardDir+"/parts", "parts",
	logDir+"/", "log/", logDir, "log",
	shardDir+"/", "", shardDir, "shard",
)
