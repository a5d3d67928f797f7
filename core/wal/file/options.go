package file

import (
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"path"

	"github.com/gantrymq/gantry/core/wal/vfs"
)

// Options say where a log lives and what it takes from its surroundings.
type Options struct {
	// Dir is the data folder. It is made if it is not there. Default: the current one.
	Dir string
	// FS holds Dir. Default: the operating system's.
	FS vfs.FS
	// SegmentSize is how many bytes a new segment file reserves, 256 MiB by
	// default. It limits nothing: the owner decides where a segment ends.
	SegmentSize int64
	// BootID names this run of the operating system. Default: ask it. If that
	// fails too, every unclean start counts as one after a power cut.
	BootID string
	// Salt returns a random number for each new segment. Default: crypto/rand.
	Salt func() uint32
	// Manual leaves out the syncer: the owner calls SyncStep.
	Manual bool
	// Logger hears of torn tails and interrupted creations. Default: nobody.
	Logger *slog.Logger
}

const defaultSegmentSize = 256 << 20

func (o Options) withDefaults() Options {
	o.Dir = path.Clean(o.Dir)
	if o.FS == nil {
		o.FS = vfs.OS()
	}
	if o.SegmentSize == 0 {
		o.SegmentSize = defaultSegmentSize
	}
	if o.BootID == "" {
		o.BootID = systemBootID()
	}
	o.BootID = o.BootID[:min(len(o.BootID), maxBootID)]
	if o.Salt == nil {
		o.Salt = randomSalt
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func randomSalt() uint32 {
	var b [4]byte
	rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint32(b[:])
}
