package kafka

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"sort"
	"sync"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// cache keeps segments in files, so that reading them asks Kafka nothing. It is
// emptied at the start: what is in it is what this process has seen. A file that
// cannot be written is given up; what it would hold is fetched.
type cache struct {
	fs     vfs.FS
	dir    string
	limit  int64
	logger *slog.Logger

	mu    sync.Mutex
	files map[wal.LSN]*cachedSegment // by base
	bytes int64
	clock int64 // counts uses
}

// cachedSegment holds parts of a segment.
type cachedSegment struct {
	base wal.LSN
	file vfs.File // nil: it cannot be written
	have []lsnSpan
	used int64
}

// lsnSpan is a range of the log. Those of a segment are in order and do not touch.
type lsnSpan struct{ from, end wal.LSN }

// savedFrame is a frame that counts, on its way to the cache.
type savedFrame struct {
	lsn   wal.LSN
	value []byte
}

// openCache makes the folder and empties it.
func openCache(fsys vfs.FS, dir string, limit int64, logger *slog.Logger) (*cache, error) {
	if err := fsys.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	names, err := fsys.List(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := fsys.Remove(path.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	return &cache{fs: fsys, dir: dir, limit: limit, logger: logger, files: map[wal.LSN]*cachedSegment{}}, nil
}

// write adds a frame of the segment that begins at base.
func (c *cache) write(base wal.LSN, f savedFrame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.files[base]
	if s == nil {
		s = c.begin(base)
	}
	end := f.lsn + wal.LSN(len(f.value))
	if s.file == nil || s.holds(f.lsn, end) {
		return
	}
	if _, err := s.file.WriteAt(f.value, int64(f.lsn-base)); err != nil {
		c.giveUp(s, err)
		return
	}
	c.bytes += s.add(lsnSpan{f.lsn, end})
	c.touch(s)
	c.shrink(s)
}

func (c *cache) begin(base wal.LSN) *cachedSegment {
	s := &cachedSegment{base: base}
	var err error
	if s.file, err = c.fs.Create(c.name(base)); err != nil {
		s.file = nil
		c.giveUp(s, err)
	}
	c.files[base] = s
	return s
}

func (c *cache) name(base wal.LSN) string { return path.Join(c.dir, fmt.Sprintf("%020d", base)) }

func (c *cache) touch(s *cachedSegment) {
	c.clock++
	s.used = c.clock
}

// at returns the first span that ends behind an LSN.
func (s *cachedSegment) at(lsn wal.LSN) int {
	return sort.Search(len(s.have), func(i int) bool { return s.have[i].end > lsn })
}

func (s *cachedSegment) holds(from, end wal.LSN) bool {
	i := s.at(from)
	return i < len(s.have) && s.have[i].from <= from && end <= s.have[i].end
}

// add adds a span of which nothing is there, and joins it with those that it touches.
// It returns how much longer they are.
func (s *cachedSegment) add(x lsnSpan) (bytes int64) {
	bytes = int64(x.end - x.from)
	i := s.at(x.from)
	if i > 0 && s.have[i-1].end == x.from {
		i--
		x.from = s.have[i].from
		s.have = slices.Delete(s.have, i, i+1)
	}
	if i < len(s.have) && s.have[i].from == x.end {
		x.end = s.have[i].end
		s.have = slices.Delete(s.have, i, i+1)
	}
	s.have = slices.Insert(s.have, i, x)
	return bytes
}

// giveUp leaves a segment to Kafka. Caller holds mu.
func (c *cache) giveUp(s *cachedSegment, err error) {
	c.logger.Warn("the cache of the log cannot be written; what is cold is fetched from Kafka", "dir", c.dir, "err", err)
	c.drop(s)
}

// drop removes a segment's file. Caller holds mu.
func (c *cache) drop(s *cachedSegment) {
	if s.file == nil {
		return
	}
	for _, x := range s.have {
		c.bytes -= int64(x.end - x.from)
	}
	s.file.Close()
	s.file, s.have = nil, nil
	if err := c.fs.Remove(c.name(s.base)); err != nil {
		c.logger.Warn("a file of the log's cache cannot be removed", "file", c.name(s.base), "err", err)
	}
}

// shrink drops the segments that were not used for longest, beyond the limit, but
// not the one that is being written.
func (c *cache) shrink(writing *cachedSegment) {
	for c.bytes > c.limit {
		var oldest *cachedSegment
		for _, s := range c.files {
			if s != writing && (oldest == nil || s.used < oldest.used) {
				oldest = s
			}
		}
		if oldest == nil {
			return
		}
		c.drop(oldest)
		delete(c.files, oldest.base)
	}
}

// read fills p from the cache, if it is there.
func (c *cache) read(p []byte, base, lsn wal.LSN) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.files[base]
	if s == nil || s.file == nil || !s.holds(lsn, lsn+wal.LSN(len(p))) {
		return false
	}
	c.touch(s)
	n, _ := s.file.ReadAt(p, int64(lsn-base))
	return n == len(p)
}

// trim drops the segments before an LSN.
func (c *cache) trim(before wal.LSN) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for base, s := range c.files {
		if base < before {
			c.drop(s)
			delete(c.files, base)
		}
	}
}

func (c *cache) size() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

func (c *cache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.files {
		if s.file != nil {
			s.file.Close()
			s.file = nil
		}
	}
	clear(c.files)
}
