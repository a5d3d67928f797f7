package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWAL looks at the folder of a server: while it runs, after it stopped, and
// after a byte of it changed.
func TestWAL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serve(t, dir)
	env := []string{"GANTRY_DATA=" + dir}
	if got := gantry(t.Context(), "", nil, "send", "orders", "hello", "-s", s.addr); got.code != exitDone {
		t.Fatalf("send: %+v", got)
	}
	got := gantry(t.Context(), "", env, "wal", "verify")
	if got.code != exitFailed || !strings.Contains(got.stderr, "in use by another process: stop the server, or look at it while it runs with --force") {
		t.Errorf("verify of a running server: %+v", got)
	}
	if got := gantry(t.Context(), "", env, "wal", "verify", "--force"); got.code != exitDone {
		t.Errorf("verify --force of a running server: %+v", got)
	}
	s.stop()

	got = gantry(t.Context(), "", env, "wal", "inspect")
	if got.code != exitDone || !strings.Contains(got.stdout, "stopped in order") || !strings.Contains(got.stdout, "00000000000000000000.log") {
		t.Errorf("inspect: %+v", got)
	}
	got = gantry(t.Context(), "", nil, "wal", "inspect", "--data", dir, "-o", "json")
	var report struct {
		End      int64
		Segments []struct{ Base, End int64 }
	}
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil || len(report.Segments) != 1 || report.Segments[0].End != report.End {
		t.Errorf("inspect -o json: %+v, %v", got, err)
	}
	got = gantry(t.Context(), "", env, "wal", "verify")
	if got.code != exitDone || !strings.Contains(got.stdout, "everything was verified") {
		t.Errorf("verify: %+v", got)
	}
	got = gantry(t.Context(), "", env, "wal", "dump", "--bodies")
	if got.code != exitDone || !strings.Contains(got.stdout, "topic=orders") || !strings.Contains(got.stdout, "body=hello") {
		t.Errorf("dump: %+v", got)
	}
	if got = gantry(t.Context(), "", env, "wal", "dump", "--shard", "3"); got.code != exitFailed || !strings.Contains(got.stderr, "no log of shard 3") {
		t.Errorf("dump of another shard: %+v", got)
	}

	segment := filepath.Join(dir, "shard-0000", "log", "00000000000000000000.log")
	f, err := os.OpenFile(segment, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("rot"), 4096+100); err != nil {
		t.Fatal(err)
	}
	got = gantry(t.Context(), "", env, "wal", "verify")
	if got.code != exitFailed || !strings.Contains(got.stderr, "gantry: the log is damaged: "+segment+": byte 4096, LSN 0: ") {
		t.Errorf("verify of a damaged log: %+v", got)
	}
}
