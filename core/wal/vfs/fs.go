package vfs

import (
	"errors"
	"io"
)

// SectorSize is what a disk writes whole or not at all.
const SectorSize = 512

// ErrLocked is returned by Lock when somebody else holds the lock.
var ErrLocked = errors.New("locked")

// FS is a file system. Paths are separated by slashes. Errors match those of
// io/fs: fs.ErrExist, fs.ErrNotExist; a full disk is syscall.ENOSPC, for want of
// bytes or of inodes, and one that must not be changed is syscall.EROFS. All methods may be called concurrently.
//
// Nothing but SyncDir makes the names in a directory durable: neither the
// creation of a file or directory, nor a rename, nor a removal survives a power
// cut for certain before the directory that holds the name was synced.
type FS interface {
	// Mkdir makes one directory; its parent exists.
	Mkdir(path string) error
	// Create makes a new empty file and opens it for reading and writing. It
	// fails with fs.ErrExist if there is one.
	Create(path string) (File, error)
	// Open opens an existing file for reading and writing.
	Open(path string) (File, error)
	// OpenRead opens an existing file for reading only. It works where nothing may
	// be changed.
	OpenRead(path string) (File, error)
	// Rename gives a file another name in the same directory. It replaces what
	// had that name, atomically.
	Rename(from, to string) error
	// Remove removes a file.
	Remove(path string) error
	// List returns the names in a directory, sorted.
	List(dir string) ([]string, error)
	// SyncDir makes the names in a directory durable, not what they name.
	SyncDir(dir string) error
	// Lock takes the lock that path stands for, making an empty file there if
	// there is none. It does not wait: it fails with ErrLocked. The lock goes with
	// Close, and with the process.
	Lock(path string) (io.Closer, error)
	// Locked reports whether somebody holds that lock. It changes nothing.
	Locked(path string) (bool, error)
}

// File is an open file. Reads and writes at different places may be concurrent.
type File interface {
	// ReadAt reads as io.ReaderAt says.
	io.ReaderAt
	// WriteAt writes as io.WriterAt says, past the end too: what lies between
	// reads as zeros. What it wrote survives the process, not yet a power cut.
	io.WriterAt
	io.Closer

	// Size returns the length.
	Size() (int64, error)
	// Truncate sets the length. What was cut off reads as zeros if the file grows again.
	Truncate(size int64) error
	// Allocate reserves room for size bytes from the start and sets the length to
	// size if it was less. New bytes read as zeros.
	Allocate(size int64) error
	// Sync makes content and length durable (fdatasync), not the file's name.
	// After an error nothing is known of what was written since the last success,
	// and another Sync would not tell: the system may have dropped it.
	Sync() error
}
