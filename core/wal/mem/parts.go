package mem

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"syscall"

	"github.com/gantrymq/gantry/core/wal"
)

// parts are a shard's parts as one owner sees them.
type parts struct{ log *Log }

var _ wal.Parts = parts{}

// Parts returns the shard's parts. See wal.Log.
func (l *Log) Parts() wal.Parts { return parts{l} }

func (p parts) Put(name string, r io.Reader) error {
	if err := wal.CheckPartName(name); err != nil {
		return err
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("put part %s: %w", name, err)
	}
	return p.with(func(s *store) error {
		// As a file that is written beside the old one, and takes its name then.
		if int64(len(content)) > p.log.wal.room() {
			return fmt.Errorf("put part %s: %w", name, syscall.ENOSPC)
		}
		s.parts[name] = content
		return nil
	})
}

func (p parts) Open(name string) (part wal.Part, err error) {
	if err := wal.CheckPartName(name); err != nil {
		return nil, err
	}
	err = p.with(func(s *store) error {
		content, ok := s.parts[name]
		if !ok {
			return fmt.Errorf("open part %s: %w", name, fs.ErrNotExist)
		}
		part = memPart{bytes.NewReader(content)}
		return nil
	})
	return part, err
}

func (p parts) List(prefix string) (names []string, err error) {
	err = p.with(func(s *store) error {
		names = slices.Sorted(maps.Keys(s.parts))
		names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, prefix) })
		return nil
	})
	return names, err
}

func (p parts) Delete(name string) error {
	if err := wal.CheckPartName(name); err != nil {
		return err
	}
	return p.with(func(s *store) error {
		delete(s.parts, name)
		return nil
	})
}

func (p parts) with(do func(*store) error) error {
	p.log.wal.mu.Lock()
	defer p.log.wal.mu.Unlock()
	if p.log.stage == stageClosed {
		return wal.ErrClosed
	}
	return do(p.log.store)
}

// memPart is an open part.
type memPart struct{ *bytes.Reader }

func (memPart) Close() error { return nil }
