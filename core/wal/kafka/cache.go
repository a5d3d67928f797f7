package kafka

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
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
	files []*cachedSegment // rising base
	bytes int64
}

// cachedSegment holds the log from base to end.
type cachedSegment struct {
	base, end wal.LSN
	file      vfs.File
	broken    bool
}

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
	return &cache{fs: fsys, dir: dir, limit: limit, logger: logger}, nil
}

// write adds a frame. It follows the last one of its segment, or begins another.
func (c *cache) write(base wal.LSN, f savedFrame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.last()
	if s == nil || s.base != base {
		if f.lsn != base {
			return // the segment's beginning is not here
		}
		s = c.begin(base)
	}
	if s.broken || f.lsn != s.end {
		return
	}
	if _, err := s.file.WriteAt(f.value, int64(f.lsn-base)); err != nil {
		c.giveUp(s, err)
		return
	}
	s.end += wal.LSN(len(f.value))
	c.bytes += int64(len(f.value))
	c.shrink()
}

func (c *cache) last() *cachedSegment {
	if n := len(c.files); n > 0 {
		return c.files[n-1]
	}
	return nil
}

func (c *cache) begin(base wal.LSN) *cachedSegment {
	s := &cachedSegment{base: base, end: base}
	var err error
	if s.file, err = c.fs.Create(c.name(base)); err != nil {
		c.giveUp(s, err)
	}
	c.files = append(c.files, s)
	return s
}

func (c *cache) name(base wal.LSN) string { return path.Join(c.dir, fmt.Sprintf("%020d", base)) }

// giveUp leaves a segment to Kafka. Caller holds mu.
func (c *cache) giveUp(s *cachedSegment, err error) {
	c.logger.Warn("the cache of the log cannot be written; what is cold is fetched from Kafka", "dir", c.dir, "err", err)
	s.broken = true
	c.drop(s)
}

// drop removes a segment's file. Caller holds mu.
func (c *cache) drop(s *cachedSegment) {
	if s.file == nil {
		return
	}
	c.bytes -= int64(s.end - s.base)
	s.file.Close()
	s.file, s.end = nil, s.base
	if err := c.fs.Remove(c.name(s.base)); err != nil {
		c.logger.Warn("a file of the log's cache cannot be removed", "file", c.name(s.base), "err", err)
	}
}

// shrink drops the oldest segments beyond the limit, but not the one that grows.
func (c *cache) shrink() {
	for len(c.files) > 1 && c.bytes > c.limit {
		c.drop(c.files[0])
		c.files = c.files[1:]
	}
}

// read fills p from the cache, if it is there.
func (c *cache) read(p []byte, lsn wal.LSN) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.files) - 1; i >= 0; i-- {
		s := c.files[i]
		if s.base > lsn {
			continue
		}
		if s.file == nil || lsn+wal.LSN(len(p)) > s.end {
			return false
		}
		n, _ := s.file.ReadAt(p, int64(lsn-s.base))
		return n == len(p)
	}
	return false
}

// trim drops the segments before an LSN.
func (c *cache) trim(before wal.LSN) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.files) > 0 && c.files[0].base < before {
		c.drop(c.files[0])
		c.files = c.files[1:]
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
	c.files = nil
}
