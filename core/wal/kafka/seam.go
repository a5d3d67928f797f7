package kafka

import (
	"context"
	"fmt"
)

// Partition is what a log needs of the Kafka partition that holds it. Its methods
// may be called by any goroutine. Beside the one over franz-go there is one that a
// simulation plays.
type Partition interface {
	// NewProducer returns a producer that Kafka has never heard of before.
	NewProducer() (Producer, error)
	// Fetch returns records from offset on, from the leader: about as many as limit
	// bytes hold, one at least, none if there are none yet. It fails with a *RangeError if the
	// partition does not reach from offset on, with a *FatalError if asking again is
	// of no use, and with other errors if it may be.
	Fetch(ctx context.Context, offset int64, limit int) (Batch, error)
	// Bounds returns the first offset and the one behind the last.
	Bounds(ctx context.Context) (start, end int64, err error)
	// DeleteBefore gives up all records below offset.
	DeleteBefore(ctx context.Context, offset int64) error
}

// Producer writes to a partition.
type Producer interface {
	// Produce hands in one record. done is called once, from another goroutine, in
	// the order of the calls. That err is nil does not prove that the record is at
	// offset; an offset of -1 is one that nobody knows. The value stays unchanged.
	Produce(value []byte, storeTime int64, done func(offset int64, err error))
	// LeaderEpoch returns the newest known number of the partition's leader, -1 if
	// none is known. It asks nobody.
	LeaderEpoch() int32
	// Close gives up all that was not acknowledged: it may still arrive. It waits
	// for no promise.
	Close()
}

// Batch is what a fetch returns.
type Batch struct {
	Records []Record
	Next    int64 // where to go on: behind the last record, or what was skipped
	Start   int64 // first offset of the partition
	High    int64 // offset behind the last record that every replica has
}

// Record is a Kafka record. One that Kafka wrote for itself has Control.
type Record struct {
	Offset  int64
	Value   []byte
	Control bool
}

// RangeError tells of an offset that the partition does not hold.
type RangeError struct{ Offset, Start, End int64 }

func (e *RangeError) Error() string {
	return fmt.Sprintf("offset %d is outside the partition, which holds %d to %d", e.Offset, e.Start, e.End)
}

// FatalError tells of a failure that trying again does not mend: something was
// refused, or is no longer what it was.
type FatalError struct{ Err error }

func (e *FatalError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *FatalError) Unwrap() error { return e.Err }
