package wal

import (
	"fmt"
	"io"
)

// Parts are immutable named blobs that were derived from the log: snapshots, the
// indexes of segments. What is in them is their owner's business, and so is
// verifying it: the log could be read again, so damage here is no damage of the
// log. A name has letters, digits, dots, dashes and underscores, 100 at most, and
// begins with a letter or a digit.
//
// All methods may be called by any goroutine, concurrently. All calls have
// returned before the log is closed; a Part that was opened may be used longer.
type Parts interface {
	// Put makes a part of all that r gives. It is durable on return and replaces a
	// part of that name, atomically: a crash leaves the old one or the new. An error,
	// be it r's or a full disk, leaves nothing behind and does the log no harm.
	Put(name string, r io.Reader) error
	// Open opens a part. It fails with fs.ErrNotExist if there is none.
	Open(name string) (Part, error)
	// List returns the names that begin with prefix, sorted.
	List(prefix string) ([]string, error)
	// Delete removes a part; it is no error if there is none. After a power cut it
	// may be there again, whole.
	Delete(name string) error
}

// Part is an open part. It stays readable when its name is deleted or replaced.
type Part interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// maxPartName bounds the length of a part's name.
const maxPartName = 100

// CheckPartName says what is wrong with a part's name.
func CheckPartName(name string) error {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && (c == '-' || c == '_' || c == '.'):
		default:
			return fmt.Errorf("part %q: no such name is allowed", name)
		}
	}
	if len(name) == 0 || len(name) > maxPartName {
		return fmt.Errorf("part %q: a name has 1 to %d bytes", name, maxPartName)
	}
	return nil
}
