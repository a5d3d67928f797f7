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
	"syscall"

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
	trimmed  bool      // there were segments before the first, and they were given up
	segments []wal.LSN // base LSNs, rising
}

const (
	manifestMagic   = "GANTRYMF"
	manifestVersion = 1
	manifestHeader  = 40
	manifestClean   = 1 << 0
	manifestTrimmed = 1 << 1
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
	if m.trimmed {
		flags |= manifestTrimmed
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
		epoch:   binary.LittleEndian.Uint32(b[16:]),
		clean:   flags&manifestClean != 0,
		trimmed: flags&manifestTrimmed != 0,
		proven:  wal.LSN(binary.LittleEndian.Uint64(b[24:])),
	}
	bootLen := binary.LittleEndian.Uint32(b[20:])
	count := binary.LittleEndian.Uint64(b[32:])
	rest := body[manifestHeader:]
	if flags&^(manifestClean|manifestTrimmed) != 0 || bootLen > maxBootID || int(bootLen) > len(rest) {
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
	if m.trimmed && len(m.segments) == 0 {
		return errors.New("trimmed, but there is no segment")
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

// givesUp reports whether a segment at base was given up.
func (m *manifest) givesUp(base wal.LSN) bool { return m.trimmed && base < m.segments[0] }

// trim gives up the segments before an LSN that is the base of one.
func (m *manifest) trim(before wal.LSN) {
	i, _ := slices.BinarySearch(m.segments, before)
	m.segments = slices.Clone(m.segments[i:])
	m.trimmed = true
}

// readManifest reads a shard's MANIFEST; found is false if there is none.
func readManifest(fsys vfs.FS, dir string) (m manifest, found bool, err error) {
	name := path.Join(dir, manifestName)
	f, err := fsys.OpenRead(name)
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

// saveManifest replaces the log's MANIFEST. It is durable on return. Then room for
// the next one is reserved, where there is some: a full disk must not hinder the
// next segment, or a trim. Recover, then whoever syncs, then Close call it.
func (l *Log) saveManifest() error {
	if err := replaceManifest(l.opt.FS, l.dir, &l.manifest); err != nil {
		return err
	}
	if err := l.reserveManifest(); !isFull(err) {
		return err
	}
	return nil
}

// reserveManifest reserves room for the next MANIFEST.
func (l *Log) reserveManifest() error {
	err := reserveManifest(l.opt.FS, path.Join(l.dir, manifestTemp), l.manifest.nextSize())
	l.mu.Lock()
	l.reserved = err == nil
	l.mu.Unlock()
	return err
}

// nextSize is enough for a MANIFEST with some more segments.
func (m *manifest) nextSize() int64 {
	const block, more = 4096, 16
	size := manifestHeader + len(m.boot) + 8*(len(m.segments)+more) + 4
	return int64(size/block+1) * block
}

// replaceManifest writes a MANIFEST beside the old one, into the room that was
// reserved for it if there is some, and gives it its name.
func replaceManifest(fsys vfs.FS, dir string, m *manifest) error {
	temp := path.Join(dir, manifestTemp)
	f, err := fsys.Open(temp)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = fsys.Create(temp)
	}
	if err != nil {
		return err
	}
	b := m.encode()
	_, err = f.WriteAt(b, 0)
	if err == nil {
		err = f.Truncate(int64(len(b)))
	}
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

func reserveManifest(fsys vfs.FS, temp string, size int64) error {
	f, err := fsys.Create(temp)
	if errors.Is(err, fs.ErrExist) {
		f, err = fsys.Open(temp)
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Allocate(size), f.Close())
}

// isFull reports whether an error is that of a full disk.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
