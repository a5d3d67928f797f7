package kafka

import (
	"context"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"path"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/core/wal/vfs"
)

// chunkBytes is how much of a part one record holds.
const chunkBytes = 256 << 10

// partTopicBytes is the least max.message.bytes of the topic of parts: a manifest
// of a large part is larger than a chunk.
const (
	partTopicBytes = 1 << 20
	partBatchBytes = partTopicBytes - 16<<10
)

// partDir is where parts are kept on this machine.
type partDir struct {
	fs  vfs.FS
	dir string
}

// content is a part: its manifest, and what of it is here. A file that cannot be
// written is done without.
type content struct {
	manifest *manifest
	dir      partDir
	opened   atomic.Int32

	mu     sync.Mutex
	chunks []chunk // of the manifest
	file   vfs.File
	here   []bool         // in the file
	spare  map[int][]byte // chunks for which there is no room in it
	recent int            // the chunk that was read last, where there is no file
	bytes  []byte
}

func (d partDir) content(m *manifest, spooling bool) *content {
	c := &content{manifest: m, dir: d, chunks: m.chunks, recent: -1}
	if f, err := d.fs.Create(c.name()); err == nil {
		c.file = f
	}
	if !spooling {
		c.here = make([]bool, len(m.chunks))
	}
	return c
}

func (c *content) name() string {
	return path.Join(c.dir.dir, "part-"+hex.EncodeToString(c.manifest.id[:]))
}

// spool reads a part whole before any of it goes to Kafka.
func (d partDir) spool(m *manifest, r io.Reader) (*content, error) {
	c := d.content(m, true)
	c.spare = map[int][]byte{}
	for {
		buf := make([]byte, chunkBytes)
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			c.append(buf[:n])
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			m.chunks = c.chunks
			return c, nil
		}
		if err != nil {
			return c, err
		}
	}
}

func (c *content) append(b []byte) {
	i := len(c.chunks)
	c.chunks = append(c.chunks, chunk{offset: -1, crc: crc32.ChecksumIEEE(b)})
	c.manifest.size += int64(len(b))
	c.here = append(c.here, c.keep(i, b))
	if !c.here[i] {
		c.spare[i] = b
	}
}

// keep writes a chunk to the file, if that can be.
func (c *content) keep(i int, b []byte) bool {
	if c.file == nil {
		return false
	}
	_, err := c.file.WriteAt(b, int64(i)*chunkBytes)
	return err == nil
}

// local returns a chunk that is here, nil if it is not. Caller holds mu.
func (c *content) local(i int) []byte {
	if b := c.spare[i]; b != nil {
		return b
	}
	if c.recent == i {
		return c.bytes
	}
	if !c.here[i] {
		return nil
	}
	b := make([]byte, min(chunkBytes, c.manifest.size-int64(i)*chunkBytes))
	if n, _ := c.file.ReadAt(b, int64(i)*chunkBytes); n < len(b) || crc32.ChecksumIEEE(b) != c.chunks[i].crc {
		c.here[i] = false
		return nil
	}
	return b
}

var errChunk = errors.New("a chunk is not what was stored")

// chunk returns a chunk, fetched if need be. Only verified bytes leave here.
func (c *content) chunk(ctx context.Context, s *store, i int) ([]byte, error) {
	c.mu.Lock()
	b := c.local(i)
	if b != nil {
		c.recent, c.bytes = i, b
	}
	c.mu.Unlock()
	if b != nil {
		return b, nil
	}
	b, err := s.fetchChunk(ctx, c.manifest, i)
	if err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(b) != c.chunks[i].crc {
		return nil, errChunk
	}
	c.mu.Lock()
	c.here[i] = c.keep(i, b)
	c.recent, c.bytes = i, b
	c.mu.Unlock()
	return b, nil
}

// complete brings all of a part here.
func (c *content) complete(ctx context.Context, s *store) error {
	for i := range c.chunks {
		b, err := c.chunk(ctx, s, i)
		if err != nil {
			return err
		}
		c.mu.Lock()
		if !c.here[i] {
			if c.spare == nil {
				c.spare = map[int][]byte{}
			}
			c.spare[i] = b
		}
		c.mu.Unlock()
	}
	return nil
}

// unlink removes the file's name. Whoever has the part open goes on reading.
func (c *content) unlink() {
	if c.file == nil {
		return
	}
	// It is a cache: what stays behind goes at the next start.
	_ = c.dir.fs.Remove(c.name())
}

// drop gives a part up that never came to be.
func (c *content) drop() {
	c.unlink()
	if c.file != nil {
		c.file.Close()
	}
}
