package wal

import (
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/core/internal/model"
)

// LSN is a position in a shard's log, counted in bytes of frames.
type LSN = model.LSN

// ShardID numbers the shards of a server.
type ShardID = model.ShardID

// WAL keeps the logs of one process.
type WAL interface {
	// Open returns the log of a shard, not yet readable: Recover comes first.
	// It fails with ErrLocked if another process has it.
	//
	// notify is called from any goroutine after Progress or Room has changed other
	// than within Append, and when a Trim has given back disk space. It must not block.
	Open(shard ShardID, notify func()) (Log, error)

	// Close releases what Open and the WAL itself took. All logs are closed before.
	Close() error
}

// Log is one shard's log. It has one owner, which is its only writer: Recover,
// Append, Flush, Trim, Room, Prepare and Close are called by one goroutine at a
// time. ReadAt, Start and Progress may be called by any goroutine at any time
// after Recover; Parts by any goroutine between Open and Close.
type Log interface {
	// Recover hands every live frame from LSN `from` on to fn, in order, and
	// prepares the log for appending. from is 0, which stands for the first frame
	// that is kept, or an LSN that was durable, the end of a frame: if the log turns
	// out to end before it, it is damaged. A from below Start is an error. The frame
	// passed to fn is valid during the call only.
	//
	// It cuts off a torn tail, and makes durable what it accepted before it returns
	// (a later power cut must not take what this run served). Bytes that were once
	// durable and cannot be verified are never cut: then it fails with a
	// *CorruptError that names the place. It also fails with what fn returns. After
	// an error only Close remains.
	Recover(from LSN, fn func(Frame) error) (Recovery, error)

	// Append adds one frame at lsn: the end of the previous one or, for a frame
	// with FlagSegmentStart, any position from there on. The first frame of a log
	// carries that flag. The caller has filled the header with PutHeader; the log
	// fills Epoch, DurableLSN, Chain and CRC in place; one that has to write the frame
	// again, under another epoch, fills them in a copy. The frame must stay unchanged
	// until Progress says it is written: on return, or some time after. An error, be it for a frame that breaks
	// these rules, is final: the log takes nothing more, and Progress repeats it.
	Append(lsn LSN, frame []byte) error

	// Flush asks that all that was appended becomes durable soon, and returns at once.
	Flush()

	// Progress returns the two watermarks and the error that ended the log, if
	// any. Everything below written survives the process (wal/file: it is in the
	// page cache); everything below durable survives a power cut. (wal/kafka: both
	// are what every in-sync replica has.) Both only grow,
	// and neither moves once err is set.
	Progress() (written, durable LSN, err error)

	// ReadAt fills p with the log's bytes from lsn on; the range must lie below
	// the written end and within one segment. It verifies nothing: records carry
	// their own CRC.
	ReadAt(p []byte, lsn LSN) (int, error)

	// Trim gives up all segments that end at or below before, which is the first
	// LSN of a segment and itself durable. The owner has made its reason durable in
	// the log first: after a crash the log may still begin where it did, and the
	// owner trims again. It returns at once; the files go in the background, a step
	// at a time. From then on ReadAt below before is ErrRange. The segment that grows
	// is never among them. A before at or below Start changes nothing.
	//
	// A refused call is an error of that call only, and the log goes on.
	Trim(before LSN) error

	// Start returns the first LSN that is kept: where Recover(0) begins, known from
	// Open on. It is 0 while the log is empty.
	Start() LSN

	// Room returns how many bytes can certainly be appended, whatever becomes of
	// the disk: what is allocated and unused in the segment that grows, and the
	// spare one. A frame that finds no room there may still be appended; if the disk
	// is full then, that ends the log as every failed write does. So an owner that
	// watches Room, and stops in time, outlives a full disk. A log whose room is
	// somebody else's business says math.MaxInt64. preparing tells that a
	// spare was asked for, and it is not known yet whether there is room for it.
	Room() (bytes int64, preparing bool)

	// Prepare asks for a spare segment, which the next Append with FlagSegmentStart
	// takes: so that this neither waits for an allocation nor fails of a full disk.
	// It is made in the background; notify tells when that is done, or found to be
	// impossible. There is one spare at most: another call changes nothing. A full
	// disk is no failure of the log: Room stays as it is, and the owner asks again
	// when it likes.
	Prepare()

	// Parts returns the shard's parts. They can be used before Recover.
	Parts() Parts

	// Close ends the log. With clean set it first makes everything durable and
	// leaves the mark that tells the next Recover that nothing can be missing.
	Close(clean bool) error
}

// Recovery tells what Recover found.
type Recovery struct {
	End      LSN   // where the next frame goes
	Clean    bool  // the last owner stopped in order: nothing can be missing
	SameBoot bool  // this operating system has run since the last owner wrote, or its end takes nothing from the log
	Torn     int64 // bytes of a torn tail that were cut off
	// StoreTime is that of the last frame, in ms: the next must not be earlier.
	StoreTime int64
}

// Frame is one frame as Recover reports it.
type Frame struct {
	Header
	Payload []byte
}

// ErrLocked is returned by Open when another process owns the log.
var ErrLocked = errors.New("in use by another process")

// ErrClosed is returned by calls after Close.
var ErrClosed = errors.New("log is closed")

// ErrRange is returned by ReadAt for bytes that the log does not hold: not yet
// written, no longer kept, in a gap, or across the end of a segment.
var ErrRange = errors.New("outside the log")

// CorruptError reports bytes that were once durable and cannot be verified now.
type CorruptError struct {
	Place string // the file or object, for the operator
	Pos   int64  // the byte in it; 0 if it is bad as a whole
	LSN   LSN
	Why   string
}

func (e *CorruptError) Error() string {
	if e.Pos > 0 {
		return fmt.Sprintf("corrupt log: %s at byte %d, LSN %d: %s", e.Place, e.Pos, e.LSN, e.Why)
	}
	return fmt.Sprintf("corrupt log: %s at LSN %d: %s", e.Place, e.LSN, e.Why)
}
