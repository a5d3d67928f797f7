package sim

import (
	"bytes"
	"fmt"
	"syscall"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/mem"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// box is a machine with a log, as scripts see it.
type box interface {
	open() wal.WAL   // for the next process
	sync()           // does what the log wants, unless the disk is held
	hold(held bool)  // nothing becomes durable while it is
	fail(what error) // the next sync does
	kill()           // the process dies
	cut()            // the power goes: all that is not durable is lost
}

// segmentSize is where segments end in scenarios.
const segmentSize = 1 << 20

// stepped is what both logs can do.
type stepped interface{ SyncStep() bool }

// keeper remembers the log that was opened last.
type keeper struct {
	wal.WAL
	log  stepped
	held bool
}

func (k *keeper) Open(shard wal.ShardID, notify func()) (wal.Log, error) {
	log, err := k.WAL.Open(shard, notify)
	if err == nil {
		k.log = log.(stepped)
	}
	return log, err
}

func (k *keeper) sync() {
	for !k.held && k.log != nil && k.log.SyncStep() {
	}
}

func (k *keeper) hold(held bool) { k.held = held }

type memBox struct {
	keeper
	mem *mem.WAL
	err error // of the next sync
}

func newMemBox() *memBox {
	m := mem.New(mem.Options{Manual: true})
	return &memBox{keeper: keeper{WAL: m}, mem: m}
}

func (b *memBox) open() wal.WAL  { return &b.keeper }
func (b *memBox) fail(err error) { b.err = err }
func (b *memBox) kill()          { b.mem.Kill() }
func (b *memBox) cut()           { b.mem.PowerCut() }

func (b *memBox) sync() {
	if b.err != nil && !b.held {
		b.log.(*mem.Log).Fail(b.err)
		b.err = nil
	}
	b.keeper.sync()
}

type fileBox struct {
	keeper
	disk  *vfs.Mem
	boots int
	salt  uint32
	err   error // of the next sync
}

func newFileBox() *fileBox { return &fileBox{disk: vfs.NewMem()} }

func (b *fileBox) open() wal.WAL {
	b.WAL = file.New(file.Options{
		Dir: dataDir, FS: vfs.Wrap(b.disk, b.hook), Manual: true, SegmentSize: segmentSize + headerPage,
		BootID: fmt.Sprint("boot ", b.boots),
		Salt:   func() uint32 { b.salt += 0x9e3779b9; return b.salt },
	})
	return &b.keeper
}

func (b *fileBox) hook(op vfs.Op) vfs.Verdict {
	if b.err == nil || op.Kind != vfs.OpSync {
		return vfs.Verdict{}
	}
	v := vfs.Verdict{Err: b.err}
	b.err = nil
	return v
}

func (b *fileBox) fail(err error) { b.err = err }
func (b *fileBox) kill()          { b.disk = b.disk.ProcessCrash() }

// cut draws until a power cut takes all that it may take of the segments.
func (b *fileBox) cut() {
	b.boots++
	for seed := uint64(0); ; seed++ {
		if after := b.disk.PowerCut(seed); b.lostAll(after) {
			b.disk = after
			return
		}
	}
}

func (b *fileBox) lostAll(after *vfs.Mem) bool {
	names, err := after.List(logDir)
	if err != nil {
		return true // not even the folder
	}
	for _, name := range names {
		got, _ := after.ReadFile(logDir + "/" + name)
		want, _ := b.disk.ReadDurable(logDir + "/" + name)
		if !bytes.Equal(bytes.TrimRight(got, "\x00"), bytes.TrimRight(want, "\x00")) {
			return false
		}
	}
	return true
}

var errDisk = error(syscall.EIO)
