package file

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// WAL is a data folder with a log for each shard.
type WAL struct {
	opt Options
}

var _ wal.WAL = (*WAL)(nil)

// New returns the logs in a data folder. It touches nothing: Open does.
func New(opt Options) *WAL { return &WAL{opt.withDefaults()} }

// Open takes a shard's folder, making it if need be. The log it returns is a *Log.
func (w *WAL) Open(shard wal.ShardID, notify func()) (wal.Log, error) {
	dir := path.Join(w.opt.Dir, shardName(shard))
	l := newLog(w.opt, shard, dir, notify)
	if err := makeFolders(w.opt.FS, w.opt.Dir, l.dir, l.logDir, l.parts.dir); err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	lock, err := w.opt.FS.Lock(path.Join(l.dir, lockName))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("open log: %s: %w", l.dir, wal.ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	l.lock = lock
	if err := l.parts.clear(); err != nil {
		return nil, fmt.Errorf("open log: %w", errors.Join(err, lock.Close()))
	}
	// What is wrong with MANIFEST, Recover tells.
	if m, found, err := readManifest(w.opt.FS, l.dir); err == nil && found && len(m.segments) > 0 {
		l.start.Store(int64(m.segments[0]))
	}
	return l, nil
}

// Close does nothing: each log holds what it took.
func (w *WAL) Close() error { return nil }

const (
	lockName     = "LOCK"
	manifestName = "MANIFEST"
	manifestTemp = "MANIFEST.tmp"
	logName      = "log"
)

func shardName(shard wal.ShardID) string { return fmt.Sprintf("shard-%04d", shard) }

// makeFolders makes the folders that are missing and makes the names of all
// durable: an earlier start may have made one and died before it synced it.
func makeFolders(fsys vfs.FS, data, shard, log, parts string) error {
	for _, dir := range []string{data, shard, log, parts} {
		if err := makeFolder(fsys, dir); err != nil {
			return err
		}
	}
	for _, dir := range []string{data, shard} {
		if err := fsys.SyncDir(dir); err != nil {
			return err
		}
	}
	// The folder that holds the data folder may be none of ours to read.
	if err := fsys.SyncDir(path.Dir(data)); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

func makeFolder(fsys vfs.FS, dir string) error {
	err := fsys.Mkdir(dir)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) || path.Dir(dir) == dir {
		return err
	}
	if err := makeFolder(fsys, path.Dir(dir)); err != nil {
		return err
	}
	if err := fsys.SyncDir(path.Dir(path.Dir(dir))); err != nil {
		return err
	}
	return fsys.Mkdir(dir)
}
