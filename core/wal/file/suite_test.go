package file_test

import (
	"fmt"
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
