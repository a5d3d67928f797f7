package shard

import (
	"context"
	"log/slog"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/wal"
)

// Config is a shard's configuration. The zero value of a field takes its default.
type Config struct {
	Shard   model.ShardID
	Cluster string // name of the cluster, fixed at the first start; default DefaultCluster
	// Flush is the server's durability of a send; default Written (RocketMQ's ASYNC_FLUSH).
	Flush model.Durability
	// SegmentBytes is where a segment of the log ends; default 256 MiB.
	SegmentBytes int64
	// CacheBytes is how much of the log's end is kept in memory; default 64 MiB.
	CacheBytes int64
	// InboxBytes is how much may wait for the loop before Submit blocks; default 32 MiB.
	InboxBytes int
	// MaxMessageBytes bounds a body; default 4 MiB.
	MaxMessageBytes int
	// NoAutoTopics refuses sends to unknown topics instead of creating them.
	NoAutoTopics bool
	// NoAutoGroups refuses unknown consumer groups instead of creating them.
	NoAutoGroups bool
	// MaxTopics bounds the topics of the shard; default 100,000.
	MaxTopics int
	// SystemTopics are made at start where they do not exist.
	SystemTopics []model.TopicConfig
}

// Env is what a shard takes from its surroundings.
type Env struct {
	Logger *slog.Logger // nil discards
	// Now returns ms since 1970; nil: the system's clock. The loop alone calls it.
	Now func() int64
}

// TopicInfo is a topic as listeners see it. It is immutable.
type TopicInfo struct {
	model.TopicConfig
	ID model.TopicID
}

// Stats are a shard's counters since its start.
type Stats struct {
	Sent, SentBytes                 int64 // messages stored
	Delivered, DeliveredBytes       int64 // messages handed out by pulls
	Refused                         int64 // sends refused
	Frames, FrameBytes              int64
	Written, Durable                model.LSN
	Topics, Queues, Groups, Cursors int64
	Clients, Members, Waiting       int64
	InboxBytes                      int64 // waiting for the loop now
}

// Shard is one shard.
type Shard struct{}

// Client is a connected client: see core.Client.
type Client struct{}

func Open(cfg Config, w wal.WAL, env Env) (*Shard, error)                      { panic("not built yet") }
func (s *Shard) Start()                                                        {}
func (s *Shard) Close(ctx context.Context) error                               { return nil }
func (s *Shard) Connect(info ClientInfo) *Client                               { return nil }
func (s *Shard) ID() model.ShardID                                             { return 0 }
func (s *Shard) BrokerName() string                                            { return "" }
func (s *Shard) Cluster() string                                               { return "" }
func (s *Shard) Topic(name string) (*TopicInfo, bool)                          { return nil, false }
func (s *Shard) Topics() []*TopicInfo                                          { return nil }
func (s *Shard) Failed() <-chan struct{}                                       { return nil }
func (s *Shard) Err() error                                                    { return nil }
func (s *Shard) Stats() Stats                                                  { return Stats{} }
func (r *Records) Release()                                                    {}
func (c *Client) Submit()                                                      {}
func (c *Client) Close()                                                       {}
func (c *Client) Send(b *Batch, done func([]SendResult, error))                {}
func (c *Client) Pull(p Pull, done func(*Records, error)) func()               { return nil }
func (c *Client) Commit(o []CursorOffset, done func(error))                    {}
func (c *Client) Offsets(q []OffsetQuery, done func([]OffsetInfo, error))      {}
func (c *Client) Update(st ClientState, done func(UpdateResult, error))        {}
func (c *Client) Leave(p, g string, done func(error))                          {}
func (c *Client) Members(group string, done func([]Member, error))             {}
func (c *Client) Admin(op AdminOp, done func(error))                           {}
func (c *Client) SendWait(ctx context.Context, b *Batch) ([]SendResult, error) { return nil, nil }
