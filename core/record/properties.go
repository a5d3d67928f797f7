package record

import "bytes"

// The text form of properties: key \x01 value \x02 key \x01 value \x02 ...; the
// last \x02 may be missing (Java 4.9 drops it).
const (
	nameEnd  = '\x01'
	valueEnd = '\x02'
)

// Properties that core reads or writes.
const (
	PropTags             = "TAGS"
	PropUniqueKey        = "UNIQ_KEY"
	PropKeys             = "KEYS"
	PropShardingKey      = "__SHARDINGKEY"
	PropDelayLevel       = "DELAY"
	PropTimerDelaySec    = "TIMER_DELAY_SEC"
	PropTimerDelayMs     = "TIMER_DELAY_MS"
	PropTimerDeliverMs   = "TIMER_DELIVER_MS"
	PropStartDeliverTime = "__STARTDELIVERTIME"
	PropTimerOut         = "TIMER_OUT_MS"      // when a delayed message was due
	PropTimerDelete      = "TIMER_DEL_UNIQKEY" // a message that takes another back
	PropTransaction      = "TRAN_MSG"
	PropProducerGroup    = "PGROUP"
	PropImmunity         = "CHECK_IMMUNITY_TIME_IN_SECONDS" // a transaction is not asked about before
	PropCheckTimes       = "TRANSACTION_CHECK_TIMES"        // how often it was
	PropRealTopic        = "REAL_TOPIC"                     // of a message that was put elsewhere
	PropRealQueue        = "REAL_QID"
	PropRetryTopic       = "RETRY_TOPIC"       // where a message to retry came from
	PropOriginID         = "ORIGIN_MESSAGE_ID" // what it was called there
	PropDeadTopic        = "DLQ_ORIGIN_TOPIC"
	PropDeadMessageID    = "DLQ_ORIGIN_MESSAGE_ID"
)

// NextProperty splits the first property off text; ok is false at the end. What
// stands between two ends and has no value is passed over, as clients do.
func NextProperty(text []byte) (key, value, rest []byte, ok bool) {
	for len(text) > 0 {
		piece := text
		text = nil
		if end := bytes.IndexByte(piece, valueEnd); end >= 0 {
			piece, text = piece[:end], piece[end+1:]
		}
		if name := bytes.IndexByte(piece, nameEnd); name >= 0 {
			return piece[:name], piece[name+1:], text, true
		}
	}
	return nil, nil, nil, false
}

// Property returns the value of a property, nil if it is absent.
func Property(text []byte, key string) []byte {
	for {
		k, v, rest, ok := NextProperty(text)
		if !ok {
			return nil
		}
		if string(k) == key {
			return v
		}
		text = rest
	}
}

// AppendProperty adds a property to text, ending the one before if need be.
func AppendProperty(text []byte, key string, value []byte) []byte {
	if n := len(text); n > 0 && text[n-1] != valueEnd {
		text = append(text, valueEnd)
	}
	text = append(text, key...)
	text = append(text, nameEnd)
	text = append(text, value...)
	return append(text, valueEnd)
}
