package remoting

import (
	"errors"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// status maps every code of core to the client's. A test proves it total.
var status = map[core.Code]wire.ResponseCode{
	core.InvalidTopic:       wire.InvalidParameter,
	core.InvalidGroup:       wire.InvalidParameter,
	core.InvalidMessage:     wire.MessageIllegal,
	core.InvalidQueue:       wire.InvalidParameter,
	core.InvalidFilter:      wire.SubscriptionParseFailed,
	core.InvalidOffset:      wire.InvalidParameter,
	core.TooLarge:           wire.MessageIllegal,
	core.TopicNotFound:      wire.TopicNotExist,
	core.GroupNotFound:      wire.SubscriptionGroupNotExist,
	core.OffsetNotFound:     wire.QueryNotFound,
	core.MessageNotFound:    wire.QueryNotFound,
	core.InvalidTransaction: wire.SystemError,
	core.TransactionTooLate: wire.IllegalOperation,
	core.InvalidReceipt:     wire.InvalidParameter,
	core.InvalidDelay:       wire.MessageIllegal,
	core.KindConflict:       wire.MessageIllegal,
	core.NoPermission:       wire.NoPermission,
	core.Unauthenticated:    wire.NoPermission,
	core.Forbidden:          wire.NoPermission,
	core.Busy:               wire.SystemBusy,
	core.DiskFull:           wire.ServiceNotAvailable,
	core.FlushTimeout:       wire.FlushDiskTimeout,
	core.Unavailable:        wire.ServiceNotAvailable,
	core.Unsupported:        wire.RequestCodeNotSupported,
	core.Conflict:           wire.SystemError,
	core.Internal:           wire.SystemError,
	core.ShuttingDown:       wire.GoAway,
}

// statusOf returns the code for a client of that version, and the text it is
// shown: the detail of a core error, never another error's text.
func statusOf(err error, version int32) (wire.ResponseCode, string) {
	if f, ok := errors.AsType[*wire.FieldError](err); ok {
		if f.Missing {
			return wire.SystemError, f.Error()
		}
		return wire.InvalidParameter, f.Error()
	}
	e, ok := errors.AsType[*core.Error](err)
	if !ok {
		return wire.SystemError, core.Internal.String()
	}
	code, known := status[e.Code]
	switch {
	case !known:
		code = wire.SystemError
	case code == wire.SystemBusy && version < wire.VersionBusyRetried:
		// Older producers throw SYSTEM_BUSY at their user; this one they retry.
		code = wire.ServiceNotAvailable
	case code == wire.GoAway && version <= wire.VersionGoAway:
		code = wire.ServiceNotAvailable
	}
	if e.Code == core.Internal {
		return code, core.Internal.String()
	}
	return code, e.Error()
}
