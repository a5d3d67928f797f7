package model

import (
	"errors"
	"fmt"
)

// Code says why the core refused or failed a call. Codes are as fine as the
// finest protocol needs; each listener maps all of them in its status.go.
type Code uint8

// The codes. Zero is no error.
const (
	OK Code = iota
	InvalidTopic
	InvalidGroup
	InvalidMessage // a property, a kind or a shape the server cannot take
	InvalidQueue
	InvalidFilter
	InvalidOffset // an offset or a time that cannot be one
	TooLarge      // a message, its properties, or a Unit above its limit
	TopicNotFound
	GroupNotFound
	OffsetNotFound // the group has no committed offset there
	MessageNotFound
	// InvalidTransaction: there is no such transaction, it is another group's, or it
	// was decided otherwise.
	InvalidTransaction
	TransactionTooLate // the time is over that the transaction reserved for its own end
	InvalidReceipt     // of a delivery that is over: settled, expired, or delivered again
	InvalidDelay       // a delivery time beyond the server's limit
	KindConflict       // a message of a kind that its topic does not take
	NoPermission       // the topic does not allow reading or writing
	Unauthenticated
	Forbidden
	Busy         // too much is queued; try again later
	DiskFull     // no room for messages; what frees room still works
	FlushTimeout // stored, but not synced within its time: the outcome on disk is unknown
	Unavailable  // the shard has failed or is not owned here
	Unsupported
	Conflict
	Internal
	ShuttingDown
	codeEnd
)

var codeText = [codeEnd]string{
	OK:                 "ok",
	InvalidTopic:       "invalid topic",
	InvalidGroup:       "invalid group",
	InvalidMessage:     "invalid message",
	InvalidQueue:       "invalid queue",
	InvalidFilter:      "invalid filter",
	InvalidOffset:      "invalid offset",
	TooLarge:           "too large",
	TopicNotFound:      "topic not found",
	GroupNotFound:      "group not found",
	OffsetNotFound:     "offset not found",
	MessageNotFound:    "message not found",
	InvalidTransaction: "invalid transaction",
	TransactionTooLate: "transaction too late",
	InvalidReceipt:     "invalid receipt",
	InvalidDelay:       "invalid delay",
	KindConflict:       "kind conflict",
	NoPermission:       "no permission",
	Unauthenticated:    "unauthenticated",
	Forbidden:          "forbidden",
	Busy:               "busy",
	DiskFull:           "disk full",
	FlushTimeout:       "flush timeout",
	Unavailable:        "unavailable",
	Unsupported:        "unsupported",
	Conflict:           "conflict",
	Internal:           "internal error",
	ShuttingDown:       "shutting down",
}

func (c Code) String() string {
	if c < codeEnd {
		return codeText[c]
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// Codes returns every code but OK, for tests that prove a mapping total.
func Codes() []Code {
	all := make([]Code, 0, codeEnd-1)
	for c := OK + 1; c < codeEnd; c++ {
		all = append(all, c)
	}
	return all
}

// Error is what a call into core fails with. Detail is safe to show to the
// client that made the call: it names what was wrong and with which value.
type Error struct {
	Code     Code
	Definite bool // the operation did not and will not happen
	Detail   string
	Err      error // the cause, for logs only; may be nil
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Code.String()
	}
	return e.Detail
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf returns a definite error: the operation did not and will not happen.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Definite: true, Detail: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of err: OK for nil, Internal for what is no Error.
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
