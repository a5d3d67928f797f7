package core

import (
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// The nouns. Their documentation is with their declaration.
type (
	ShardID     = model.ShardID
	LSN         = model.LSN
	Address     = model.Address
	Offset      = model.Offset
	TopicID     = model.TopicID
	GroupID     = model.GroupID
	Queue       = model.Queue
	CursorID    = model.CursorID
	Perm        = model.Perm
	Durability  = model.Durability
	TopicConfig = model.TopicConfig
	GroupConfig = model.GroupConfig
	GroupOrder  = model.GroupOrder
	StartFrom   = model.StartFrom
	Backoff     = model.Backoff
	Kind        = model.Kind
)

// Permissions and durability levels.
const (
	PermInherit       = model.PermInherit
	PermWrite         = model.PermWrite
	PermRead          = model.PermRead
	DurabilityDefault = model.DurabilityDefault
	Written           = model.Written
	Synced            = model.Synced
	RetryPrefix       = model.RetryPrefix
	DeadLetterPrefix  = model.DeadLetterPrefix
	MaxQueues         = model.MaxQueues
)

// Requests and results.
type (
	Message      = shard.Message
	Batch        = shard.Batch
	SendResult   = shard.SendResult
	Pull         = shard.Pull
	PullStatus   = shard.PullStatus
	Records      = shard.Records
	CursorOffset = shard.CursorOffset
	OffsetKind   = shard.OffsetKind
	OffsetQuery  = shard.OffsetQuery
	OffsetInfo   = shard.OffsetInfo
	ClientInfo   = shard.ClientInfo
	ClientState  = shard.ClientState
	Consumer     = shard.Consumer
	Subscription = shard.Subscription
	UpdateResult = shard.UpdateResult
	Member       = shard.Member
	Command      = shard.Command
	CommandKind  = shard.CommandKind
	AdminOp      = shard.AdminOp
	PutTopic     = shard.PutTopic
	PutGroup     = shard.PutGroup
	DeleteTopic  = shard.DeleteTopic
	DeleteGroup  = shard.DeleteGroup
	PutSetting   = shard.PutSetting
	Setting      = shard.Setting
	KeyQuery     = shard.KeyQuery
	Retention    = model.Retention
	TopicInfo    = shard.TopicInfo
	GroupInfo    = shard.GroupInfo
	Receive      = shard.Receive
	Receipt      = shard.Receipt
	Delivery     = shard.Delivery
	Do           = shard.Do
	Settlement   = shard.Settlement
	Settled      = shard.Settled
	Recall       = shard.Recall
	TxnEnd       = shard.TxnEnd
	Check        = shard.Check
	Resolution   = model.Resolution
	SendBack     = shard.SendBack
	Locks        = shard.Locks
	CursorQuery  = shard.CursorQuery
	CursorInfo   = shard.CursorInfo
	LiveClient   = shard.LiveClient
	GroupQuery   = shard.GroupQuery
	Progress     = shard.Progress
	InFlight     = shard.InFlight
)

// How a pull ended, which offset is asked for, what is pushed.
const (
	PullFound       = shard.PullFound
	PullNotFound    = shard.PullNotFound
	PullNoMatch     = shard.PullNoMatch
	PullOffsetMoved = shard.PullOffsetMoved

	OffsetMin          = shard.OffsetMin
	OffsetMax          = shard.OffsetMax
	OffsetCommitted    = shard.OffsetCommitted
	OffsetByTime       = shard.OffsetByTime
	OffsetEarliestTime = shard.OffsetEarliestTime
	OffsetTimeAt       = shard.OffsetTimeAt

	MembersChanged   = shard.MembersChanged
	CheckTransaction = shard.CheckTransaction

	Unresolved = model.Unresolved
	Commit     = model.Commit
	Rollback   = model.Rollback

	Ack    = shard.Ack
	Change = shard.Change
	Dead   = shard.Dead
)

// Kinds of messages and groups.
const (
	KindAny         = model.KindAny
	KindNormal      = model.KindNormal
	KindFIFO        = model.KindFIFO
	KindDelay       = model.KindDelay
	KindTransaction = model.KindTransaction
	KindPriority    = model.KindPriority
	KindLite        = model.KindLite
	AttrKind        = model.AttrKind

	OrderAuto    = model.OrderAuto
	OrderFIFO    = model.OrderFIFO
	OrderNone    = model.OrderNone
	FromLatest   = model.FromLatest
	FromEarliest = model.FromEarliest
)

// DelayLevels returns RocketMQ's delay levels, level 1 first.
func DelayLevels() []time.Duration { return model.DelayLevels() }

// ValidTopic reports whether name may be a topic.
func ValidTopic(name string) error { return model.ValidTopic(name) }

// ValidGroup reports whether name may be a consumer or producer group.
func ValidGroup(name string) error { return model.ValidGroup(name) }
