package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// manifest is what a shard's folder knows about itself beside the frames. The
// file is small and replaced as a whole, atomically.
type manifest struct {
	epoch    uint32    // of the last owner; each start raises it before its first frame
	clean    bool      // the last owner stopped in order, and nobody has written since
	proven   wal.LSN   // everything below was durable once
	boot     string    // the boot of the last owner that wrote a frame
	segments []wal.LSN // base LSNs, rising
}

const (
	manifestMagic   = "GANTRYMF"
	manifestVersion = 1
	manifestHeader  = 40
	manifestClean   = 1 << 0
	maxBootID       = 255
	maxManifest     = 64 << 20
)

// encode returns the file: magic 8, version u32, flags u32, epoch u32, boot
// length u32, proven u64, segment count u64, boot id, base LSNs u64, crc u32.
func (m *manifest) encode() []byte {
	b := make([]byte, 0, manifestHeader+len(m.boot)+8*len(m.segments)+4)
	b = append(b, manifestMagic...)
	b = binary.LittleEndian.AppendUint32(b, manifestVersion)
	var flags uint32
	if m.clean {
		flags |= manifestClean
	}
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = binary.LittleEndian.AppendUint32(b, m.epoch)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(m.boot)))
	b = binary.LittleEndian.AppendUint64(b, uint64(m.proven))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(m.segments)))
	b = append(b, m.boot...)
	for _, base := range m.segments {
		b = binary.LittleEndian.AppendUint64(b, uint64(base))
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// decodeManifest reads a MANIFEST, all of it: it refuses what encode would not write.
func decodeManifest(b []byte) (manifest, error) {
	if len(b) < manifestHeader+4 {
		return manifest{}, fmt.Errorf("%d bytes are too few", len(b))
	}
	if string(b[:8]) != manifestMagic {
		return manifest{}, errors.New("wrong magic number")
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return manifest{}, errors.New("wrong checksum")
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != manifestVersion {
		return manifest{}, fmt.Errorf("format version %d; this program knows %d", v, manifestVersion)
	}
	flags := binary.LittleEndian.Uint32(b[12:])
	m := manifest{
		epoch:  binary.LittleEndian.Uint32(b[16:]),
		clean:  flags&manifestClean != 0,
		proven: wal.LSN(binary.LittleEndian.Uint64(b[24:])),
	}
	bootLen := binary.LittleEndian.Uint32(b[20:])
	count := binary.LittleEndian.Uint64(b[32:])
	rest := body[manifestHeader:]
	if flags&^manifestClean != 0 || bootLen > maxBootID || int(bootLen) > len(rest) {
		return manifest{}, errors.New("impossible flags or boot id")
	}
	m.boot, rest = string(rest[:bootLen]), rest[bootLen:]
	if len(rest)%8 != 0 || count != uint64(len(rest)/8) {
		return manifest{}, fmt.Errorf("%d segments in %d bytes", count, len(rest))
	}
	for ; len(rest) > 0; rest = rest[8:] {
		m.segments = append(m.segments, wal.LSN(binary.LittleEndian.Uint64(rest)))
	}
	return m, m.check()
}

func (m *manifest) check() error {
	if m.proven < 0 {
		return errors.New("negative LSN")
	}
	last := wal.LSN(-1)
	for _, base := range m.segments {
		if base <= last {
			return errors.New("segments are not in order")
		}
		last = base
	}
	// A segment is listed when something in it is durable.
	if last >= m.proven && len(m.segments) > 0 {
		return errors.New("nothing of the last segment is proven")
	}
	return nil
}

// lists reports whether the segment at base is in the manifest.
func (m *manifest) lists(base wal.LSN) bool {
	_, found := slices.BinarySearch(m.segments, base)
	return found
}

// readManifest reads a shard's MANIFEST; found is false if there is none.
func readManifest(fsys vfs.FS, dir string) (m manifest, found bool, err error) {
	name := path.Join(dir, manifestName)
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return manifest{}, false, nil
	}
	if err != nil {
		return manifest{}, false, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return manifest{}, false, err
	}
	if size > maxManifest {
		return manifest{}, false, &wal.CorruptError{Place: name, Why: fmt.Sprintf("%d bytes are too many", size)}
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, size), b); err != nil {
		return manifest{}, false, fmt.Errorf("read %s: %w", name, err)
	}
	m, err = decodeManifest(b)
	if err != nil {
		return manifest{}, false, &wal.CorruptError{Place: name, Why: err.Error()}
	}
	return m, true, nil
}

// writeManifest replaces a shard's MANIFEST. It is durable on return.
func writeManifest(fsys vfs.FS, dir string, m *manifest) error {
	temp := path.Join(dir, manifestTemp)
	if err := fsys.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := fsys.Create(temp)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(m.encode(), 0)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", temp, err)
	}
	if err := fsys.Rename(temp, path.Join(dir, manifestName)); err != nil {
		return err
	}
	return fsys.SyncDir(dir)
}
