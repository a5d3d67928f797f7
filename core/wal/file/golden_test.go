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

func TestOrderOfChanges(t *testing.T) {
	var lines []string
	note := func(line string) { lines = append(lines, shorten.Replace(line)) }
	disk := vfs.NewMem()
	start := func() *file.Log {
		log, err := file.New(memOptions(vfs.Wrap(disk, vfs.Record(note)), 0, true)).Open(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Recover(0, func(wal.Frame) error { return nil }); err != nil {
			t.Fatal(err)
		}
		return log.(*file.Log)
	}
	want := func(name, golden string) {
		t.Helper()
		if diff := cmp.Diff(strings.TrimPrefix(golden, "\n"), strings.Join(lines, "\n")+"\n"); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		lines = nil
	}
	var log *file.Log
	var lsn wal.LSN
	add := func(flags uint16, payload string) {
		t.Helper()
		b := waltest.Frame(lsn, 0, flags, []byte(payload))
		if err := log.Append(lsn, b); err != nil {
			t.Fatal(err)
		}
		lsn += wal.LSN(len(b))
	}
	flush := func() {
		note("= flush")
		log.Flush()
		log.SyncStep()
	}

	log = start()
	want("open", goldenOpen)
	add(wal.FlagSegmentStart, "abcd")
	flush()
	want("first frame", goldenFirstFrame)
	add(0, "abcd")
	flush()
	flush() // there is nothing to sync
	want("frame", goldenFrame)
	add(0, "abcd")
	add(wal.FlagSegmentStart, "abcd")
	flush()
	want("roll", goldenRoll)
	add(0, "abcd")
	note("= close")
	if err := log.Close(true); err != nil {
		t.Fatal(err)
	}
	want("close", goldenClose)

	log = start()
	want("reopen", goldenReopen)
	add(wal.FlagIdleMark, "")
	add(0, "abcd")
	lines = nil
	disk = disk.ProcessCrash()
	if err := disk.Rot(logDir+"/00000000000000000156.log", func(c []byte) []byte { c[4250]++; return c }); err != nil {
		t.Fatal(err)
	}
	start()
	want("recovery", goldenRecovery)
}

var shorten = strings.NewReplacer(
	logDir+"/", "log/", logDir, "log",
	shardDir+"/", "", shardDir, "shard",
)
