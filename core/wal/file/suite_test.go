package file_test

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/vfs"
	"github.com/gantrymq/gantry/core/wal/waltest"
)

func TestSuiteOnDisk(t *testing.T) {
	waltest.Run(t, waltest.Features{}, func(t *testing.T) *waltest.Machine {
		w := file.New(file.Options{Dir: t.TempDir() + "/data", SegmentSize: 1 << 20})
		return &waltest.Machine{Start: func() wal.WAL { return w }}
	})
}

const smallDir = "GANTRY_WAL_SMALL_DIR"

// TestSuiteOnSmallDisk fills a real file system of its own, some 64 MB large, that
// the environment names. Run it with -parallel 1.
func TestSuiteOnSmallDisk(t *testing.T) {
	parent := os.Getenv(smallDir)
	if parent == "" {
		t.Skip(smallDir + " names no folder on a small file system")
	}
	waltest.Run(t, waltest.Features{Full: true}, func(t *testing.T) *waltest.Machine {
		dir, err := os.MkdirTemp(parent, "wal")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		w := file.New(file.Options{Dir: dir + "/data", SegmentSize: 1 << 20})
		return &waltest.Machine{
			Start: func() wal.WAL { return w },
			Fill:  func() { fill(t, dir+"/filler") },
		}
	})
}

// fill writes to a file until the disk is full, to the last block.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 1<<20); len(chunk) >= 512; {
		if _, err := f.Write(chunk); err == nil {
			continue
		} else if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		chunk = chunk[:len(chunk)/2]
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
}

// TestSuite runs on the file system model, which can lose power.
func TestSuite(t *testing.T) {
	for _, manual := range []bool{false, true} {
		t.Run(fmt.Sprintf("Manual=%v", manual), func(t *testing.T) {
			waltest.Run(t, waltest.Features{Kill: true, PowerCut: true, Full: true}, func(*testing.T) *waltest.Machine {
				return newMachine(manual)
			})
		})
	}
}

// newMachine returns a machine on a vfs.Mem. Its logs live in /data.
func newMachine(manual bool) *waltest.Machine {
	disk := vfs.NewMem()
	boot := 0
	m := &waltest.Machine{
		Start: func() wal.WAL { return file.New(memOptions(disk, boot, manual)) },
		Kill:  func() { disk = disk.ProcessCrash() },
		PowerCut: func(seed uint64) {
			disk = disk.PowerCut(seed)
			boot++
		},
		Fill: func() { disk.Limit(vfs.Limits{Bytes: disk.Used().Bytes}) },
	}
	if manual {
		m.Step = func(l wal.Log) bool { return l.(*file.Log).SyncStep() }
	}
	return m
}

// memOptions are those of a small log on a model, without randomness.
func memOptions(disk vfs.FS, boot int, manual bool) file.Options {
	salt := uint32(boot)
	return file.Options{
		Dir:         "/data",
		FS:          disk,
		SegmentSize: 64 << 10,
		BootID:      fmt.Sprint("boot ", boot),
		Salt:        func() uint32 { salt += 0x9e3779b9; return salt },
		Manual:      manual,
	}
}
