package grpcv5

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// statusCodes maps every code of core to the client's. A test proves it total.
var statusCodes = map[core.Code]apis.Code{
	core.InvalidTopic:       apis.Code_ILLEGAL_TOPIC,
	core.InvalidGroup:       apis.Code_ILLEGAL_CONSUMER_GROUP,
	core.InvalidMessage:     apis.Code_MESSAGE_CORRUPTED,
	core.InvalidQueue:       apis.Code_BAD_REQUEST,
	core.InvalidFilter:      apis.Code_ILLEGAL_FILTER_EXPRESSION,
	core.InvalidOffset:      apis.Code_ILLEGAL_OFFSET,
	core.TooLarge:           apis.Code_MESSAGE_BODY_TOO_LARGE,
	core.TopicNotFound:      apis.Code_TOPIC_NOT_FOUND,
	core.GroupNotFound:      apis.Code_CONSUMER_GROUP_NOT_FOUND,
	core.OffsetNotFound:     apis.Code_OFFSET_NOT_FOUND,
	core.MessageNotFound:    apis.Code_MESSAGE_NOT_FOUND,
	core.InvalidTransaction: apis.Code_INVALID_TRANSACTION_ID,
	core.TransactionTooLate: apis.Code_PRECONDITION_FAILED,
	core.InvalidReceipt:     apis.Code_INVALID_RECEIPT_HANDLE,
	core.InvalidDelay:       apis.Code_ILLEGAL_DELIVERY_TIME,
	core.KindConflict:       apis.Code_MESSAGE_PROPERTY_CONFLICT_WITH_TYPE,
	core.NoPermission:       apis.Code_FORBIDDEN,
	core.Unauthenticated:    apis.Code_UNAUTHORIZED,
	core.Forbidden:          apis.Code_FORBIDDEN,
	core.Busy:               apis.Code_TOO_MANY_REQUESTS, // clients back off, and try again
	core.DiskFull:           apis.Code_INTERNAL_SERVER_ERROR,
	core.FlushTimeout:       apis.Code_MASTER_PERSISTENCE_TIMEOUT,
	core.Unavailable:        apis.Code_HA_NOT_AVAILABLE,
	core.Unsupported:        apis.Code_NOT_IMPLEMENTED,
	core.Conflict:           apis.Code_PRECONDITION_FAILED,
	core.Internal:           apis.Code_INTERNAL_SERVER_ERROR,
	core.ShuttingDown:       apis.Code_HA_NOT_AVAILABLE,
}

// refusal is an error that this package finds itself, with the client's code.
type refusal struct {
	code apis.Code
	text string
}

func (r *refusal) Error() string { return r.text }

func refuse(code apis.Code, format string, args ...any) *refusal {
	return &refusal{code, fmt.Sprintf(format, args...)}
}

// statusOf returns the code of an error and the text that the client is shown:
// the detail of a core error, never another error's text.
func statusOf(err error) (apis.Code, string) {
	if err == nil {
		return apis.Code_OK, ""
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.code, r.text
	}
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Code == core.Internal {
		return apis.Code_INTERNAL_SERVER_ERROR, core.Internal.String()
	}
	code, known := statusCodes[e.Code]
	if !known {
		code = apis.Code_INTERNAL_SERVER_ERROR
	}
	return code, e.Error()
}

// okText is what upstream says with a good answer; some clients log it.
const okText = "OK"

// status is the Status of an answer. Its text is valid UTF-8, whatever it quotes.
func status(err error) *apis.Status {
	code, text := statusOf(err)
	if err == nil {
		text = okText
	}
	return &apis.Status{Code: code, Message: strings.ToValidUTF8(text, "�")}
}

// multipleResults is the status of entries that differ.
func multipleResults() *apis.Status {
	return &apis.Status{Code: apis.Code_MULTIPLE_RESULTS, Message: "the entries have results of their own"}
}
