package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"path"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// headerPage is the length of a segment's header. It is not counted in LSNs.
const headerPage = 4096

const (
	segmentMagic   = "GANTRYLG"
	segmentVersion = 1
	segmentSuffix  = ".log"
	segmentDigits  = 20
)

// segmentHeader is the first page of a segment file. Its creation time is the
// store time of its first frame.
type segmentHeader struct {
	shard   wal.ShardID
	base    wal.LSN
	epoch   uint32
	salt    uint32
	created int64
}

// encode returns the page: magic 8, version u32, shard u32, base u64, epoch u32,
// salt u32, created u64, zeros, crc u32 over all before it.
func (h *segmentHeader) encode() []byte {
	b := make([]byte, headerPage)
	copy(b, segmentMagic)
	binary.LittleEndian.PutUint32(b[8:], segmentVersion)
	binary.LittleEndian.PutUint32(b[12:], uint32(h.shard))
	binary.LittleEndian.PutUint64(b[16:], uint64(h.base))
	binary.LittleEndian.PutUint32(b[24:], h.epoch)
	binary.LittleEndian.PutUint32(b[28:], h.salt)
	binary.LittleEndian.PutUint64(b[32:], uint64(h.created))
	binary.LittleEndian.PutUint32(b[headerPage-4:], crc32.ChecksumIEEE(b[:headerPage-4]))
	return b
}

// errVersion is a whole header of another format: never the trace of a crash.
var errVersion = errors.New("unknown format version")

// decodeSegmentHeader reads a header page.
func decodeSegmentHeader(b []byte) (segmentHeader, error) {
	if len(b) < headerPage {
		return segmentHeader{}, fmt.Errorf("header page has %d bytes", len(b))
	}
	if string(b[:8]) != segmentMagic {
		return segmentHeader{}, errors.New("wrong magic number in the header page")
	}
	if crc32.ChecksumIEEE(b[:headerPage-4]) != binary.LittleEndian.Uint32(b[headerPage-4:]) {
		return segmentHeader{}, errors.New("wrong checksum of the header page")
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != segmentVersion {
		return segmentHeader{}, fmt.Errorf("%w %d; this program knows %d", errVersion, v, segmentVersion)
	}
	shard := binary.LittleEndian.Uint32(b[12:])
	base := binary.LittleEndian.Uint64(b[16:])
	if shard > math.MaxUint16 || base > math.MaxInt64 {
		return segmentHeader{}, errors.New("impossible shard or LSN in the header page")
	}
	return segmentHeader{
		shard:   wal.ShardID(shard),
		base:    wal.LSN(base),
		epoch:   binary.LittleEndian.Uint32(b[24:]),
		salt:    binary.LittleEndian.Uint32(b[28:]),
		created: int64(binary.LittleEndian.Uint64(b[32:])),
	}, nil
}

func segmentName(base wal.LSN) string {
	return fmt.Sprintf("%0*d%s", segmentDigits, base, segmentSuffix)
}

// parseSegmentName returns the base LSN that a file's name stands for.
func parseSegmentName(name string) (wal.LSN, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != segmentDigits {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	return wal.LSN(n), err == nil
}

// openEnd is the end of a segment that may still grow.
const openEnd = math.MaxInt64

// segment is an open segment file.
type segment struct {
	segmentHeader
	path string
	file vfs.File
	// end is the LSN behind its last frame; openEnd in the segment that grows.
	end atomic.Int64

	allocated int64 // how much of the file has room on the disk; owner only
	unsynced  bool  // in Log.unsynced; guarded by Log.mu
	listed    bool  // in MANIFEST; Recover, then whoever syncs
	shrunk    bool  // room past the end was given back; whoever syncs
}

// pos is the place of an LSN in the file.
func (s *segment) pos(lsn wal.LSN) int64 { return int64(lsn-s.base) + headerPage }

// lsn is the LSN at a place in the file.
func (s *segment) lsn(pos int64) wal.LSN { return s.base + wal.LSN(pos-headerPage) }

// close says where a segment that a former run finished ends.
func (s *segment) close(end wal.LSN) {
	s.end.Store(int64(end))
	s.shrunk = true
}

// createSegment makes a segment file with its header and room for size bytes.
// Nothing of it is durable yet.
func createSegment(fsys vfs.FS, dir string, h segmentHeader, size int64) (*segment, error) {
	s := newSegment(dir, h, size)
	var err error
	if s.file, err = fsys.Create(s.path); err != nil {
		return nil, err
	}
	if err = s.file.Allocate(size); err == nil {
		_, err = s.file.WriteAt(h.encode(), 0)
	}
	if err != nil {
		s.file.Close()
		return nil, err
	}
	return s, nil
}

func newSegment(dir string, h segmentHeader, size int64) *segment {
	s := &segment{segmentHeader: h, path: path.Join(dir, segmentName(h.base)), allocated: size}
	s.end.Store(openEnd)
	return s
}

// write puts a frame at its place. A file that turns out too small grows by a
// step, so that its length does not change with every frame: that would put the
// inode into every sync.
func (s *segment) write(lsn wal.LSN, frame []byte) error {
	pos := s.pos(lsn)
	if end := pos + int64(len(frame)); end > s.allocated {
		size := end + growStep
		if err := s.file.Allocate(size); err != nil {
			return err
		}
		s.allocated = size
	}
	_, err := s.file.WriteAt(frame, pos)
	return err
}

const growStep = 4 << 20
