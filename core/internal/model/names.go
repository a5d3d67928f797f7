package model

import "strings"

// ShardID numbers the shards of a server from 0. A shard is what RocketMQ calls
// a broker: the unit of order, recovery, ownership and routing.
type ShardID uint16

// LSN is a position in a shard's log, counted in bytes from the log's first
// frame. It only grows and is never reused; RocketMQ's physical offset is one.
type LSN int64

// Offset is a message's position in its queue. Offsets only grow: neither
// retention nor deletion, a restart or a power cut gives one to another message.
type Offset int64

// TopicID names one generation of a topic within a shard. The fold gives ids in
// order and never reuses one; a topic deleted and made anew has a new id.
type TopicID uint32

// GroupID names one generation of a consumer group within a shard.
type GroupID uint32

// Queue names one queue of a topic.
type Queue struct {
	Shard ShardID
	Topic TopicID
	Num   int32
}

// CursorID names a group's progress in one queue.
type CursorID struct {
	Group GroupID
	Queue Queue
}

// addressShift leaves the low 53 bits to the LSN: tools written in languages
// whose numbers are doubles keep physical offsets of shard 0 exact.
const addressShift = 53

// Address is a message's identity for ever: its LSN, with the shard in the bits
// from 53 up. RocketMQ clients know it as commitLogOffset.
type Address int64

// AddressOf returns the address of the record at lsn in shard.
func AddressOf(shard ShardID, lsn LSN) Address {
	return Address(int64(shard)<<addressShift | int64(lsn))
}

// Shard returns the shard an address points into.
func (a Address) Shard() ShardID { return ShardID(a >> addressShift) }

// LSN returns the position an address names within its shard.
func (a Address) LSN() LSN { return LSN(a & (1<<addressShift - 1)) }

const (
	// RetryPrefix begins the name of the topic that holds a group's messages to retry.
	RetryPrefix = "%RETRY%"
	// DeadLetterPrefix begins the name of the topic that holds a group's dead letters.
	DeadLetterPrefix = "%DLQ%"

	maxTopicName   = 127 // longer ones need magic V2, which Go and C++ clients cannot read
	maxSystemTopic = 255 // %RETRY% and %DLQ% names carry a group
	maxGroupName   = 120
)

// ValidTopic reports whether name may be a topic, by the rule of every RocketMQ
// client: letters, digits, %, |, - and _, at most 127 of them (255 for the
// retry and dead-letter topics of a group).
func ValidTopic(name string) error {
	limit := maxTopicName
	if IsGroupTopic(name) {
		limit = maxSystemTopic
	}
	return validName("topic", name, limit, InvalidTopic)
}

// ValidGroup reports whether name may be a consumer or producer group.
func ValidGroup(name string) error {
	return validName("group", name, maxGroupName, InvalidGroup)
}

// IsGroupTopic reports whether name is a group's retry or dead-letter topic.
func IsGroupTopic(name string) bool {
	return strings.HasPrefix(name, RetryPrefix) || strings.HasPrefix(name, DeadLetterPrefix)
}

func validName(kind, name string, limit int, code Code) error {
	if name == "" {
		return Errorf(code, "%s name is empty", kind)
	}
	if len(name) > limit {
		return Errorf(code, "%s name has %d bytes, at most %d are allowed", kind, len(name), limit)
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return Errorf(code, "%s name %q has %q at byte %d: only letters, digits, %%, |, - and _ are allowed", kind, name, name[i], i)
		}
	}
	return nil
}

func nameByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '%' || c == '|' || c == '-' || c == '_'
}
