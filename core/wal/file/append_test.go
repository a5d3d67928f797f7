package file_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/vfs"
	"github.com/gantrymq/gantry/core/wal/waltest"
)

// open returns an empty log, ready.
func open(t testing.TB, opt file.Options, notify func()) *file.Log {
	t.Helper()
	log, err := file.New(opt).Open(0, notify)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close(false) })
	if _, err := log.Recover(0, func(wal.Frame) error { return nil }); err != nil {
		t.Fatal(err)
	}
	return log.(*file.Log)
}

// appender appends the same frame again and again.
type appender struct {
	log   *file.Log
	frame []byte
	lsn   wal.LSN
}

func newAppender(t testing.TB, size int) *appender {
	opt := file.Options{Dir: t.TempDir(), SegmentSize: 1 << 30}
	return &appender{log: open(t, opt, nil), frame: make([]byte, size)}
}

func (a *appender) append(t testing.TB) {
	var flags uint16
	if a.lsn == 0 {
		flags = wal.FlagSegmentStart
	}
	wal.PutHeader(a.frame, a.lsn, 0, flags, 1)
	if err := a.log.Append(a.lsn, a.frame); err != nil {
		t.Fatal(err)
	}
	a.lsn += wal.LSN(len(a.frame))
}

func TestAppendAllocatesNothing(t *testing.T) {
	a := newAppender(t, 400)
	a.append(t)
	a.append(t)
	if n := testing.AllocsPerRun(200, func() {
		a.append(t)
		a.log.Progress()
	}); n != 0 {
		t.Errorf("Append and Progress: %v allocations", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, bench := range []struct {
		name string
		size int
	}{{"400B", 400}, {"4KB", 4 << 10}, {"64KB", 64 << 10}} {
		b.Run(bench.name, func(b *testing.B) {
			a := newAppender(b, bench.size)
			b.SetBytes(int64(bench.size))
			b.ReportAllocs()
			for b.Loop() {
				if a.lsn > 512<<20 { // stay within the segment, and within the disk
					b.StopTimer()
					a = newAppender(b, bench.size)
					b.StartTimer()
				}
				a.append(b)
			}
		})
	}
}

// TestFailedSync: the syncer's failure reaches the owner through notify and
// Progress, and ends the log.
func TestFailedSync(t *testing.T) {
	fail := false
	notified := make(chan struct{}, 1)
	opt := memOptions(vfs.Wrap(vfs.NewMem(), func(op vfs.Op) vfs.Verdict {
		if fail && op.Kind == vfs.OpSync {
			return vfs.Verdict{Err: syscall.EIO}
		}
		return vfs.Verdict{}
	}), 0, false)
	log := open(t, opt, func() { notified <- struct{}{} })
	if err := log.Append(0, waltest.Frame(0, 0, wal.FlagSegmentStart, nil)); err != nil {
		t.Fatal(err)
	}
	fail = true
	log.Flush()
	<-notified
	written, durable, err := log.Progress()
	if written != wal.HeaderSize || durable != 0 || !errors.Is(err, syscall.EIO) {
		t.Errorf("Progress: %d, %d, %v", written, durable, err)
	}
	if err := log.Append(written, waltest.Frame(written, 0, 0, nil)); !errors.Is(err, syscall.EIO) {
		t.Errorf("Append: %v", err)
	}
	log.Flush() // not tried again: nobody would notify
	if err := log.Close(true); !errors.Is(err, syscall.EIO) {
		t.Errorf("Close: %v", err)
	}
}

// TestFlushWithoutWork: idle means idle.
func TestFlushWithoutWork(t *testing.T) {
	changes := 0
	opt := memOptions(vfs.Wrap(vfs.NewMem(), vfs.Record(func(string) { changes++ })), 0, true)
	log := open(t, opt, func() { t.Error("notified, though nothing happened") })
	before := changes
	log.Flush()
	if log.SyncStep() || changes != before {
		t.Errorf("SyncStep with nothing unsynced made %d changes", changes-before)
	}
}

// BenchmarkRecover replays 64 MiB of frames after a kill, in a segment with
// reserved room behind them.
func BenchmarkRecover(b *testing.B) {
	for _, bench := range []struct {
		name string
		size int
	}{{"400B", 400}, {"64KB", 64 << 10}} {
		b.Run(bench.name, func(b *testing.B) {
			const total = 64 << 20
			opt := file.Options{Dir: b.TempDir()}
			a := &appender{log: open(b, opt, nil), frame: make([]byte, bench.size)}
			for a.lsn < total {
				a.append(b)
			}
			a.log.Close(false)
			b.SetBytes(total)
			b.ReportAllocs()
			for b.Loop() {
				log, err := file.New(opt).Open(0, nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := log.Recover(0, func(wal.Frame) error { return nil }); err != nil {
					b.Fatal(err)
				}
				log.Close(false)
			}
		})
	}
}
