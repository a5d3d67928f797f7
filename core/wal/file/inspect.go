package file

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// Inspection is a look at a shard's folder from outside, for tools. It changes
// nothing and needs no more than to read.
type Inspection struct {
	Dir      string // of the shard
	InUse    bool   // a process has it open: it changes while it is looked at
	Manifest *ManifestInfo
	Segments []SegmentInfo // rising base
	Parts    []PartInfo    // by name
	// SpareBytes is how long the file is that waits to become a segment; 0 if there
	// is none.
	SpareBytes int64
	// Damage is the first that shows without reading frames.
	Damage *wal.CorruptError

	opt   Options
	shard wal.ShardID
}

// ManifestInfo is what MANIFEST says.
type ManifestInfo struct {
	Epoch    uint32
	Clean    bool    // the last owner stopped in order
	Trimmed  bool    // the log began with another segment once
	Proven   wal.LSN // everything below was durable once
	BootID   string
	Segments []wal.LSN
}

// SegmentInfo is a segment file.
type SegmentInfo struct {
	File    string
	Base    wal.LSN
	End     wal.LSN // of the last segment, and of one whose header is bad: what there is room for
	Bytes   int64   // of the file
	Epoch   uint32
	Created int64 // ms since 1970
	Listed  bool  // in MANIFEST
	GivenUp bool  // before the first that MANIFEST lists: about to be removed
	Bad     string
}

// PartInfo is a part.
type PartInfo struct {
	Name  string
	Bytes int64
}

// Shards returns the shards of a data folder.
func Shards(opt Options) ([]wal.ShardID, error) {
	opt = opt.withDefaults()
	names, err := opt.FS.List(opt.Dir)
	if err != nil {
		return nil, err
	}
	var shards []wal.ShardID
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, "shard-")
		n, err := strconv.ParseUint(digits, 10, 16)
		if ok && err == nil && name == shardName(wal.ShardID(n)) {
			shards = append(shards, wal.ShardID(n))
		}
	}
	return shards, nil
}

// Inspect looks at a shard's folder. Of opt it takes Dir and FS. A folder that a
// process has open is refused with wal.ErrLocked, unless force is set: then what
// it says is true of some moment each, not of one.
func Inspect(opt Options, shard wal.ShardID, force bool) (*Inspection, error) {
	opt = opt.withDefaults()
	i := &Inspection{Dir: path.Join(opt.Dir, shardName(shard)), opt: opt, shard: shard}
	if err := i.look(force); err != nil {
		return nil, fmt.Errorf("inspect log: %w", err)
	}
	return i, nil
}

func (i *Inspection) look(force bool) (err error) {
	fsys := i.opt.FS
	names, err := fsys.List(path.Join(i.Dir, logName))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s holds no log of shard %d", i.opt.Dir, i.shard)
	}
	if err != nil {
		return err
	}
	if i.InUse, err = fsys.Locked(path.Join(i.Dir, lockName)); err != nil {
		return err
	}
	if i.InUse && !force {
		return fmt.Errorf("%s: %w", i.Dir, wal.ErrLocked)
	}
	m, found, err := readManifest(fsys, i.Dir)
	if err := i.note(err); err != nil {
		return err
	}
	if found {
		i.Manifest = &ManifestInfo{m.epoch, m.clean, m.trimmed, m.proven, m.boot, m.segments}
	}
	if err := i.segments(names, &m); err != nil {
		return err
	}
	return i.parts()
}

// note takes damage out of an error.
func (i *Inspection) note(err error) error {
	corrupt, ok := errors.AsType[*wal.CorruptError](err)
	if !ok {
		return err
	}
	if i.Damage == nil {
		i.Damage = corrupt
	}
	return nil
}

func (i *Inspection) segments(names []string, m *manifest) error {
	for _, name := range names {
		file := path.Join(i.Dir, logName, name)
		base, ok := parseSegmentName(name)
		if name == spareName {
			var err error
			if i.SpareBytes, err = fileSize(i.opt.FS, file); err != nil {
				return err
			}
		}
		if !ok {
			continue
		}
		s := SegmentInfo{File: file, Base: base, Listed: m.lists(base), GivenUp: m.givesUp(base)}
		if err := i.segment(&s); err != nil {
			return err
		}
		if n := len(i.Segments); n > 0 {
			before := &i.Segments[n-1]
			before.End = min(before.End, base)
		}
		i.Segments = append(i.Segments, s)
	}
	// What a start would say of the folder, before it reads any frame.
	r, done := i.recovery(math.MaxInt64, nil)
	defer done()
	return i.note(r.load())
}

func (i *Inspection) segment(s *SegmentInfo) error {
	f, err := i.opt.FS.OpenRead(s.File)
	if err != nil {
		return err
	}
	defer f.Close()
	if s.Bytes, err = f.Size(); err != nil {
		return err
	}
	s.End = s.Base + wal.LSN(max(0, s.Bytes-headerPage))
	page, err := readHeaderPage(f, s.Bytes)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.File, err)
	}
	h, err := decodeSegmentHeader(page)
	if err != nil {
		s.Bad = err.Error()
		return nil
	}
	s.Epoch, s.Created = h.epoch, h.created
	return nil
}

func (i *Inspection) parts() error {
	dir := path.Join(i.Dir, partsName)
	names, err := i.opt.FS.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // of an earlier version
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if wal.CheckPartName(name) != nil {
			continue // being written
		}
		size, err := fileSize(i.opt.FS, path.Join(dir, name))
		if err != nil {
			return err
		}
		i.Parts = append(i.Parts, PartInfo{name, size})
	}
	return nil
}

func fileSize(fsys vfs.FS, name string) (int64, error) {
	f, err := fsys.OpenRead(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Size()
}

// Place is where a frame lies.
type Place struct {
	File string
	Pos  int64
}

// Tail is where the frames of a log end.
type Tail struct {
	End    wal.LSN
	Torn   int64             // bytes behind it that the next start will cut off
	Damage *wal.CorruptError // why the next start will refuse the log; nil if it will not
}

// Walk hands the frames from an LSN on to fn, from the one that holds it, as far
// as they can be verified, and tells what the next start would make of the rest.
// What lies before the segment with that LSN is not read; 0 stands for the
// beginning. A frame is valid during the call only. An error is fn's, or says that
// a file could not be read.
func (i *Inspection) Walk(from wal.LSN, fn func(Place, wal.Frame) error) (Tail, error) {
	var first wal.LSN
	for _, s := range i.Segments {
		if s.Base <= from && !s.GivenUp {
			first = s.Base
		}
	}
	r, done := i.recovery(first, nil)
	defer done()
	r.fn = func(f wal.Frame) error {
		if f.End() <= from {
			return nil
		}
		return fn(r.place(f.LSN), f)
	}
	_, err := r.read()
	tail := Tail{End: r.seq.End, Torn: r.torn}
	if corrupt, ok := errors.AsType[*wal.CorruptError](err); ok {
		tail.Damage = corrupt
		return tail, nil
	}
	if err != nil {
		return tail, fmt.Errorf("inspect log: %w", err)
	}
	return tail, nil
}

// recovery returns one that only reads, and what ends it.
func (i *Inspection) recovery(from wal.LSN, fn func(wal.Frame) error) (r *recovery, done func()) {
	r = &recovery{
		log:      newLog(i.opt, i.shard, i.Dir, nil),
		openFile: i.opt.FS.OpenRead,
		from:     from,
		fn:       fn,
	}
	return r, func() {
		for _, s := range r.segments {
			if s.file != nil {
				s.file.Close()
			}
		}
	}
}

// place returns where an LSN lies, which an accepted frame has.
func (r *recovery) place(lsn wal.LSN) Place {
	i, found := slices.BinarySearchFunc(r.segments, lsn, func(s *segment, lsn wal.LSN) int { return cmp.Compare(s.base, lsn) })
	if !found {
		i--
	}
	return Place{r.segments[i].path, r.segments[i].pos(lsn)}
}
