package file

import (
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// load reads MANIFEST and opens the segments, and refuses a folder that neither
// this program nor a crash can have left.
func (r *recovery) load() error {
	l := r.log
	var err error
	if r.manifest, r.existed, err = readManifest(l.opt.FS, l.dir); err != nil {
		return err
	}
	bases, err := r.list()
	if err != nil {
		return err
	}
	for _, base := range bases {
		if err := r.open(base); err != nil {
			return err
		}
	}
	return nil
}

// list returns the base LSNs of the segments that are there, after comparing
// them with MANIFEST.
func (r *recovery) list() ([]wal.LSN, error) {
	l := r.log
	names, err := l.opt.FS.List(l.logDir)
	if err != nil {
		return nil, err
	}
	if len(names) > 0 && !r.existed {
		return nil, &wal.CorruptError{Place: path.Join(l.dir, manifestName), Why: "it is missing, but there are segments"}
	}
	var bases []wal.LSN // rising, as the names are
	listed := 0
	for _, name := range names {
		base, ok := parseSegmentName(name)
		switch {
		case name == spareName:
			r.spare = true
			continue
		case !ok:
			return nil, &wal.CorruptError{Place: path.Join(l.logDir, name), Why: "this is no segment: take it away"}
		case r.manifest.lists(base):
			listed++
		case r.manifest.givesUp(base):
			r.doomed = append(r.doomed, base)
			continue
		case base < r.manifest.proven:
			return nil, &wal.CorruptError{
				Place: path.Join(l.logDir, name), LSN: base,
				Why: fmt.Sprintf("this segment is not in %s: take it away", manifestName),
			}
		}
		bases = append(bases, base)
	}
	if listed < len(r.manifest.segments) {
		return nil, r.missing(bases)
	}
	return bases, nil
}

// missing names the first segment that MANIFEST lists and the folder lacks.
func (r *recovery) missing(bases []wal.LSN) error {
	there := make(map[wal.LSN]bool, len(bases))
	for _, base := range bases {
		there[base] = true
	}
	for _, base := range r.manifest.segments {
		if !there[base] {
			return &wal.CorruptError{Place: path.Join(r.log.logDir, segmentName(base)), LSN: base, Why: "this segment is missing"}
		}
	}
	return nil
}

// open opens the segment at base and checks its header page.
func (r *recovery) open(base wal.LSN) error {
	l := r.log
	s := &segment{path: path.Join(l.logDir, segmentName(base)), listed: r.manifest.lists(base)}
	s.base = base
	s.end.Store(openEnd)
	var err error
	if s.file, err = r.openFile(s.path); err != nil {
		return err
	}
	r.segments = append(r.segments, s)
	r.broken = append(r.broken, "")
	if s.allocated, err = s.file.Size(); err != nil {
		return err
	}
	page, err := readHeaderPage(s.file, s.allocated)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.path, err)
	}
	h, err := decodeSegmentHeader(page)
	if err == nil {
		s.segmentHeader, err = h, r.checkHeader(base, h)
	} else if !s.listed && !errors.Is(err, errVersion) {
		// The creation of this file was interrupted. Nothing in it was durable.
		r.broken[len(r.broken)-1] = err.Error()
		return nil
	}
	if err != nil {
		return &wal.CorruptError{Place: s.path, LSN: base, Why: err.Error()}
	}
	return nil
}

// readHeaderPage reads as much of a header page as a file of that size has.
func readHeaderPage(f vfs.File, size int64) ([]byte, error) {
	page := make([]byte, min(headerPage, size))
	_, err := io.ReadFull(io.NewSectionReader(f, 0, headerPage), page)
	return page, err
}

func (r *recovery) checkHeader(base wal.LSN, h segmentHeader) error {
	switch {
	case h.base != base:
		return fmt.Errorf("the file's name says LSN %d, its header %d", base, h.base)
	case h.shard != r.log.shard:
		return fmt.Errorf("the file belongs to shard %d", h.shard)
	case h.epoch > r.manifest.epoch:
		return fmt.Errorf("the file has epoch %d, but %s knows of %d only: is it an old copy?", h.epoch, manifestName, r.manifest.epoch)
	}
	return nil
}
