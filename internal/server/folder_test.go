package server

import (
	"encoding/binary"
	"hash/crc32"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/core/wal/vfs"
	"github.com/gantrymq/gantry/remoting/wire"
)

const (
	shardDir     = "/data/shard-0000"
	logDir       = shardDir + "/log"
	partsDir     = shardDir + "/parts"
	firstSegment = logDir + "/00000000000000000000.log"
)

// filledDisk is a disk with a data folder of several segments, closed in order.
func filledDisk(t *testing.T) *vfs.Mem {
	t.Helper()
	disk := vfs.NewMem()
	p := serveRocketMQ(t, disk, map[string]string{"wal.snapshot_bytes": "1MiB"})
	c := p.connect()
	for body := make([]byte, 64<<10); len(segments(t, disk)) < 3; {
		if a := c.call(sendRequest("t", body)); a.Code != int32(wire.Success) {
			t.Fatal(a.Code, a.Remark)
		}
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	return disk
}

func segments(t *testing.T, disk *vfs.Mem) (files []string) {
	t.Helper()
	for _, name := range list(t, disk, logDir) {
		if !strings.HasPrefix(name, "spare") {
			files = append(files, path.Join(logDir, name))
		}
	}
	return files
}

func list(t *testing.T, disk *vfs.Mem, dir string) []string {
	t.Helper()
	names, err := disk.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// newestSnapshot returns the file of the newest snapshot.
func newestSnapshot(t *testing.T, disk *vfs.Mem) string {
	t.Helper()
	newest := ""
	for _, name := range list(t, disk, partsDir) {
		if strings.HasPrefix(name, "snap-") {
			newest = path.Join(partsDir, name)
		}
	}
	if newest == "" {
		t.Fatal("there is no snapshot")
	}
	return newest
}

// rewrite changes a header field and the checksum at sum, which covers all before it.
func rewrite(t *testing.T, disk *vfs.Mem, name string, at int, value uint32, sum func(size int) int) {
	t.Helper()
	err := disk.Rot(name, func(b []byte) []byte {
		binary.LittleEndian.PutUint32(b[at:], value)
		end := sum(len(b))
		binary.LittleEndian.PutUint32(b[end:], crc32.ChecksumIEEE(b[:end]))
		return b
	})
	if err != nil {
		t.Fatal(err)
	}
}

func atEnd(size int) int { return size - 4 }
func atPage(int) int     { return 4092 }
func atSnapshot(int) int { return 44 }
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lsn is an LSN within a text: where frames end depends on when they were made.
var lsn = regexp.MustCompile(`0*[1-9][0-9]{5,}`)

// TestFoldersThatAreRefused is the golden list of what a start says of data that
// is not its own: one line, nothing served, nothing lost.
func TestFoldersThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(t *testing.T, disk *vfs.Mem)
		want  string
	}{
		{
			"newer MANIFEST", func(t *testing.T, disk *vfs.Mem) { rewrite(t, disk, shardDir+"/MANIFEST", 8, 2, atEnd) },
			"/data/shard-0000/MANIFEST: format version 2; this program knows 1; the log was left as it is",
		},
		{
			"newer segment", func(t *testing.T, disk *vfs.Mem) { rewrite(t, disk, firstSegment, 8, 2, atPage) },
			firstSegment + ": unknown format version 2; this program knows 1; the log was left as it is",
		},
		{
			"newer snapshot", func(t *testing.T, disk *vfs.Mem) { rewrite(t, disk, newestSnapshot(t, disk), 8, 2, atSnapshot) },
			"recover shard 0: snapshot snap-N: format version 2; this program knows 1",
		},
		{
			"segments of another shard", func(t *testing.T, disk *vfs.Mem) { rewrite(t, disk, firstSegment, 12, 1, atPage) },
			firstSegment + ": the file belongs to shard 1; the log was left as it is",
		},
		{
			"snapshot of another shard", func(t *testing.T, disk *vfs.Mem) { rewrite(t, disk, newestSnapshot(t, disk), 12, 1, atSnapshot) },
			"recover shard 0: snapshot snap-N: it is that of shard 1 at LSN N",
		},
		{
			"first segment missing", func(t *testing.T, disk *vfs.Mem) { must(t, disk.Remove(firstSegment)) },
			firstSegment + ": this segment is missing; the log was left as it is",
		},
		{"last segment missing", func(t *testing.T, disk *vfs.Mem) {
			all := segments(t, disk)
			must(t, disk.Remove(all[len(all)-1]))
		}, logDir + "/N.log at LSN N: this segment is missing; the log was left as it is"},
		{"half a segment", func(t *testing.T, disk *vfs.Mem) {
			all := segments(t, disk)
			must(t, disk.Rot(all[len(all)-1], func(b []byte) []byte { return b[:8192] }))
		}, logDir + "/N.log at LSN N: the frame passes the end of the file, but the log was durable up to LSN N; the log was left as it is"},
		{
			"no MANIFEST", func(t *testing.T, disk *vfs.Mem) { must(t, disk.Remove(shardDir+"/MANIFEST")) },
			"/data/shard-0000/MANIFEST: it is missing, but there are segments; the log was left as it is",
		},
		{
			"a foreign file in log", func(t *testing.T, disk *vfs.Mem) { must(t, disk.WriteFile(logDir+"/notes.txt", []byte("x"))) },
			logDir + "/notes.txt: this is no segment: take it away; the log was left as it is",
		},
		{
			"read-only", func(_ *testing.T, disk *vfs.Mem) { disk.SetReadOnly(true) },
			"open the log of shard 0: open log: lock /data/shard-0000/LOCK: read-only file system",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			disk := filledDisk(t)
			tt.spoil(t, disk)
			before := strings.Join(append(segments(t, disk), list(t, disk, partsDir)...), " ")
			err := serveRocketMQ(t, disk, map[string]string{}).end()
			if err == nil {
				t.Fatal("it started")
			}
			if got, want := lsn.ReplaceAllString(err.Error(), "N"), "cannot start: "+tt.want; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if after := strings.Join(append(segments(t, disk), list(t, disk, partsDir)...), " "); after != before {
				t.Errorf("there was %s\nthere is  %s", before, after)
			}
		})
	}
}
