package grpcv5

import (
	"bytes"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// Limits of messages, which the SDKs document.
const (
	maxUserProperties  = 128
	maxPropertiesBytes = 16 << 10 // of user properties, tag and keys
	maxMessageGroup    = 64       // bytes, this many excluded
	maxRecovery        = time.Hour
)

// check says what is wrong with a message, in the order in which upstream looks.
func (m *sentMessage) check(now int64, maxDelay time.Duration, maxBody int) error {
	switch {
	case len(m.body) == 0:
		return refuse(apis.Code_MESSAGE_BODY_EMPTY, "the message has no body")
	case len(m.body) > maxBody:
		return refuse(apis.Code_MESSAGE_BODY_TOO_LARGE, "the body has %d bytes, at most %d are allowed", len(m.body), maxBody)
	}
	if err := m.checkProperties(); err != nil {
		return err
	}
	for _, key := range m.keys {
		if blank(key) || !clean(key) {
			return refuse(apis.Code_ILLEGAL_MESSAGE_KEY, "a key is blank or has control characters")
		}
	}
	switch {
	case m.hasTag && len(m.tag) > 0 && (blank(m.tag) || bytes.IndexByte(m.tag, '|') >= 0 || !clean(m.tag)):
		return refuse(apis.Code_ILLEGAL_MESSAGE_TAG, "the tag %q is blank, or has | or control characters", m.tag)
	case m.hasGroup && (blank(m.group) || len(m.group) >= maxMessageGroup || !clean(m.group)):
		return refuse(apis.Code_ILLEGAL_MESSAGE_GROUP, "the message group %q is blank, longer than %d bytes, or has control characters", m.group, maxMessageGroup-1)
	case blank(m.id) || !clean(m.id):
		return refuse(apis.Code_ILLEGAL_MESSAGE_ID, "the message id %q is blank or has control characters", m.id)
	case m.hasDeliverAt && m.deliverAt-now > maxDelay.Milliseconds():
		return refuse(apis.Code_ILLEGAL_DELIVERY_TIME, "the delivery time is more than %v ahead", maxDelay)
	case m.recovery > maxRecovery.Milliseconds():
		return refuse(apis.Code_BAD_REQUEST, "the recovery duration of a transaction is more than %v", maxRecovery)
	case !clean(m.trace), !clean(m.bornHost), !clean(m.liteTopic):
		return refuse(apis.Code_BAD_REQUEST, "trace context, host and lite topic cannot have control characters")
	}
	return nil
}

func (m *sentMessage) checkProperties() error {
	size := len(m.tag)
	for _, key := range m.keys {
		size += len(key)
	}
	for _, p := range m.user {
		size += len(p.key) + len(p.value)
	}
	if len(m.user) > maxUserProperties || size > maxPropertiesBytes {
		return refuse(apis.Code_MESSAGE_PROPERTIES_TOO_LARGE, "%d properties of %d bytes with tag and keys: at most %d of %d bytes are allowed",
			len(m.user), size, maxUserProperties, maxPropertiesBytes)
	}
	for _, p := range m.user {
		if blank(p.key) || !clean(p.key) || !clean(p.value) || reserved(p.key) {
			return refuse(apis.Code_ILLEGAL_MESSAGE_PROPERTY_KEY, "the property %q is reserved, blank, or has control characters", p.key)
		}
	}
	return nil
}

func blank(text []byte) bool { return len(bytes.TrimSpace(text)) == 0 }

// messageKind is what a message is, by what it has: a topic must take it.
func (m *sentMessage) messageKind() core.Kind {
	switch {
	case m.kind == apis.MessageType_TRANSACTION:
		return core.KindTransaction
	case m.hasDeliverAt:
		return core.KindDelay
	case m.hasGroup:
		return core.KindFIFO
	case m.hasPriority:
		return core.KindPriority
	case m.hasLiteTopic:
		return core.KindLite
	}
	return core.KindNormal
}

// Properties that have a field of their own in a message.
const (
	propBornHost = "__BORNHOST"
	propTrace    = "TRACE_CONTEXT"
	propPriority = "_SYS_MSG_PRIORITY_"
	propLite     = "__LITE_TOPIC"
	propDLQTopic = "DLQ_ORIGIN_TOPIC"
	propDLQID    = "DLQ_ORIGIN_MESSAGE_ID"
)

// reserved reports whether a property's name is the system's: users cannot set
// it, and are not shown it.
func reserved(key []byte) bool {
	switch string(key) {
	case record.PropUniqueKey, record.PropKeys, record.PropTags, record.PropShardingKey, record.PropDelayLevel,
		record.PropTimerDelaySec, record.PropTimerDelayMs, record.PropTimerDeliverMs, record.PropStartDeliverTime,
		record.PropTransaction, propBornHost, propTrace, propPriority, propLite, propDLQTopic, propDLQID,
		"WAIT", "RETRY_TOPIC", "REAL_TOPIC", "REAL_QID", "PGROUP", "MIN_OFFSET", "MAX_OFFSET", "BUYER_ID",
		"ORIGIN_MESSAGE_ID", "TRANSFER_FLAG", "CORRECTION_FLAG", "MQ2_FLAG", "RECONSUME_TIME", "MSG_REGION",
		"TRACE_ON", "MAX_RECONSUME_TIMES", "CONSUME_START_TIME", "POP_CK", "POP_CK_OFFSET", "1ST_POP_TIME",
		"TRAN_PREPARED_QUEUE_OFFSET", "DUP_INFO", "EXTEND_UNIQ_INFO", "__transactionId__",
		"CHECK_IMMUNITY_TIME_IN_SECONDS", "TRANSACTION_CHECK_TIMES", "INSTANCE_ID", "CORRELATION_ID",
		"REPLY_TO_CLIENT", "TTL", "ARRIVE_TIME", "PUSH_REPLY_TIME", "CLUSTER", "MSG_TYPE", "INNER_NUM",
		"INNER_BASE", "INNER_MULTI_DISPATCH", "INNER_MULTI_QUEUE_OFFSET", "__BORNTIMESTAMP", "BORN_TIMESTAMP",
		"TIMER_ENQUEUE_MS", "TIMER_DEQUEUE_MS", "TIMER_ROLL_TIMES", "TIMER_OUT_MS", "TIMER_DEL_UNIQKEY",
		"TIMER_DELAY_LEVEL", "TRANSIENT_GROUP_CONFIG", "CRC32", "__CRC32#":
		return true
	}
	return false
}
