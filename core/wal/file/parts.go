package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// parts are files in a folder of a shard. A part that is being written has a
// name that ends in tempSuffix, which no part may have.
type parts struct {
	fs     vfs.FS
	dir    string
	closed atomic.Bool
	writes atomic.Uint64 // numbers the temporary files
}

var _ wal.Parts = (*parts)(nil)

const (
	partsName  = "parts"
	tempSuffix = "~" // in no part's name
)

const (
	partChunk = 256 << 10
	// partSyncStep is how much of a part is written before it is synced: so that
	// a sync of the log never waits for much of it.
	partSyncStep = 8 << 20
)

// clear removes what a crash has left of parts that were being written.
func (p *parts) clear() error {
	names, err := p.fs.List(p.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, tempSuffix) {
			if err := p.fs.Remove(path.Join(p.dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *parts) check(name string) error {
	if p.closed.Load() {
		return wal.ErrClosed
	}
	return wal.CheckPartName(name)
}

func (p *parts) Put(name string, r io.Reader) error {
	if err := p.check(name); err != nil {
		return err
	}
	temp := path.Join(p.dir, fmt.Sprintf("%s.%d%s", name, p.writes.Add(1), tempSuffix))
	err := p.write(temp, r)
	if err == nil {
		err = p.fs.Rename(temp, path.Join(p.dir, name))
	}
	if err != nil {
		if left := p.fs.Remove(temp); left != nil && !errors.Is(left, fs.ErrNotExist) {
			err = errors.Join(err, left)
		}
		return fmt.Errorf("put part %s: %w", name, err)
	}
	if err := p.fs.SyncDir(p.dir); err != nil {
		return fmt.Errorf("put part %s: %w", name, err)
	}
	return nil
}

// write writes and syncs a file.
func (p *parts) write(name string, r io.Reader) error {
	f, err := p.fs.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(copyPart(f, r), f.Close())
}

func copyPart(f vfs.File, r io.Reader) error {
	buf := make([]byte, partChunk)
	var size, synced int64
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if _, err := f.WriteAt(buf[:n], size); err != nil {
				return err
			}
			size += int64(n)
		}
		end := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !end {
			return err
		}
		if end || size-synced >= partSyncStep {
			if err := f.Sync(); err != nil {
				return err
			}
			synced = size
		}
		if end {
			return nil
		}
	}
}

func (p *parts) Open(name string) (wal.Part, error) {
	if err := p.check(name); err != nil {
		return nil, err
	}
	f, err := p.fs.OpenRead(path.Join(p.dir, name))
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &part{f, size}, nil
}

func (p *parts) List(prefix string) ([]string, error) {
	if p.closed.Load() {
		return nil, wal.ErrClosed
	}
	names, err := p.fs.List(p.dir)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return wal.CheckPartName(name) != nil || !strings.HasPrefix(name, prefix)
	}), nil
}

func (p *parts) Delete(name string) error {
	if err := p.check(name); err != nil {
		return err
	}
	if err := p.fs.Remove(path.Join(p.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// part is an open part.
type part struct {
	vfs.File
	size int64
}

func (p *part) Size() int64 { return p.size }
