package file_test

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/waltest"
)

const killDir = "GANTRY_WAL_KILL_DIR"

// TestKillProcess kills a process that appends, a few times, on the real file
// system. What it said was written must be there.
func TestKillProcess(t *testing.T) {
	if dir := os.Getenv(killDir); dir != "" {
		appendForever(t, dir)
		return
	}
	dir := t.TempDir()
	for round := range 4 {
		child := exec.Command(os.Args[0], "-test.run=^TestKillProcess$")
		child.Env = append(os.Environ(), killDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		last := wal.LSN(0)
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if n == 200+round*50 {
				child.Process.Kill() // the lines that it wrote before are still read
			}
			if lsn, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
				last = wal.LSN(lsn)
			}
		}
		if child.Wait() == nil {
			t.Fatal("the child ended by itself")
		}
		log, err := file.New(file.Options{Dir: dir, SegmentSize: 1 << 20}).Open(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := log.Recover(0, func(wal.Frame) error { return nil })
		if err != nil || got.End < last || got.Clean || !got.SameBoot {
			t.Fatalf("after %d was written: %+v, %v", last, got, err)
		}
		if err := log.Close(false); err != nil {
			t.Fatal(err)
		}
	}
}

// appendForever is the child: it prints the end of each frame once it is written.
func appendForever(t *testing.T, dir string) {
	log, err := file.New(file.Options{Dir: dir, SegmentSize: 1 << 20}).Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := log.Recover(0, func(wal.Frame) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for lsn, n := got.End, 0; ; n++ {
		var flags uint16
		if lsn == 0 || n%100 == 50 {
			flags = wal.FlagSegmentStart
		}
		b := waltest.Frame(lsn, got.StoreTime, flags, make([]byte, n%3000))
		if err := log.Append(lsn, b); err != nil {
			t.Fatal(err)
		}
		lsn += wal.LSN(len(b))
		os.Stdout.WriteString(strconv.FormatInt(int64(lsn), 10) + "\n")
		if n%20 == 0 {
			log.Flush()
		}
	}
}
