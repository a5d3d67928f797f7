package kafka

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"path"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// witness remembers on this machine how far the log was acknowledged: a Kafka that
// holds less has lost something. Without it, with the folder deleted, the newest
// snapshot tells as much, but for what came after it.
type witness struct {
	file vfs.File // nil: the disk does not take it
	lsn  wal.LSN
}

const witnessName = "ACKED"

// openWitness reads what an earlier process has seen. A file that is damaged has
// seen nothing.
func openWitness(fsys vfs.FS, dir string) (witness, error) {
	name := path.Join(dir, witnessName)
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = fsys.Create(name)
	}
	if err != nil {
		return witness{}, err
	}
	w := witness{file: f}
	b := make([]byte, 12)
	if n, _ := f.ReadAt(b, 0); n == len(b) && crc32.ChecksumIEEE(b[:8]) == binary.LittleEndian.Uint32(b[8:]) {
		w.lsn = wal.LSN(binary.LittleEndian.Uint64(b))
	}
	return w, nil
}

// note writes down how far it is now. That it survives the process will do.
func (w *witness) note(lsn wal.LSN) {
	if lsn <= w.lsn || w.file == nil {
		return
	}
	w.lsn = lsn
	b := binary.LittleEndian.AppendUint64(nil, uint64(lsn))
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	if _, err := w.file.WriteAt(b, 0); err != nil {
		w.close() // a full disk: it is a help, not a promise
	}
}

func (w *witness) close() {
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
}
