package core

import "github.com/gantrymq/gantry/core/internal/model"

// Error is what a call fails with; Code says why. Every listener maps all codes
// in its status.go.
type (
	Error = model.Error
	Code  = model.Code
)

// The codes: see the model package for what each means.
const (
	OK                 = model.OK
	InvalidTopic       = model.InvalidTopic
	InvalidGroup       = model.InvalidGroup
	InvalidMessage     = model.InvalidMessage
	InvalidQueue       = model.InvalidQueue
	InvalidFilter      = model.InvalidFilter
	InvalidOffset      = model.InvalidOffset
	TooLarge           = model.TooLarge
	TopicNotFound      = model.TopicNotFound
	GroupNotFound      = model.GroupNotFound
	OffsetNotFound     = model.OffsetNotFound
	MessageNotFound    = model.MessageNotFound
	InvalidTransaction = model.InvalidTransaction
	TransactionTooLate = model.TransactionTooLate
	InvalidReceipt     = model.InvalidReceipt
	InvalidDelay       = model.InvalidDelay
	KindConflict       = model.KindConflict
	NoPermission       = model.NoPermission
	Unauthenticated    = model.Unauthenticated
	Forbidden          = model.Forbidden
	Busy               = model.Busy
	DiskFull           = model.DiskFull
	FlushTimeout       = model.FlushTimeout
	Unavailable        = model.Unavailable
	Unsupported        = model.Unsupported
	Conflict           = model.Conflict
	Internal           = model.Internal
	ShuttingDown       = model.ShuttingDown
)

// Codes returns every code but OK, for tests that prove a mapping total.
func Codes() []Code { return model.Codes() }

// CodeOf returns the code of err: OK for nil, Internal for what is no Error.
func CodeOf(err error) Code { return model.CodeOf(err) }

// Errorf returns a definite error: the operation did not and will not happen.
func Errorf(code Code, format string, args ...any) *Error {
	return model.Errorf(code, format, args...)
}
