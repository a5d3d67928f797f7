package core

import (
	"context"

	"github.com/gantrymq/gantry/core/internal/shard"
	"github.com/gantrymq/gantry/core/wal"
)

type (
	// Config is the engine's configuration; the zero value works.
	Config = shard.Config
	// Env is what the engine takes from its surroundings: a logger, the clocks.
	Env = shard.Env
	// Instant is a moment by both clocks.
	Instant = shard.Instant
	// Stats is a snapshot of an engine's counters.
	Stats = shard.Stats
	// Kept tells why the log is as long as it is.
	Kept = shard.Kept
	// GroupLag tells how far behind a group is.
	GroupLag = shard.GroupLag
	// StayReason says why a segment of the log stays.
	StayReason = shard.StayReason
)

// StayReasons lists the reasons.
func StayReasons() []StayReason { return shard.StayReasons() }

// Engine stores and delivers. It owns the shard of this process; the WAL is the
// caller's, and is closed after the engine.
type Engine struct {
	shard *shard.Shard
}

// Open recovers the shard and starts its loop. It returns when everything that
// was durable can be served.
func Open(cfg Config, w wal.WAL, env Env) (*Engine, error) {
	s, err := shard.Open(cfg, w, env)
	if err != nil {
		return nil, err
	}
	if err := s.Start(); err != nil {
		return nil, err
	}
	return &Engine{shard: s}, nil
}

// Close stops the intake, completes or fails every done, makes the log durable
// and marks it clean. It is called once the listeners are down.
func (e *Engine) Close(ctx context.Context) error { return e.shard.Close(ctx) }

// Connect makes a client.
func (e *Engine) Connect(info ClientInfo) *Client { return &Client{c: e.shard.Connect(info)} }

// ShardInfo describes a shard of this process.
type ShardInfo struct {
	ID         ShardID
	BrokerName string
}

// Shards lists the shards of this process.
func (e *Engine) Shards() []ShardInfo {
	return []ShardInfo{{ID: e.shard.ID(), BrokerName: e.shard.BrokerName()}}
}

// Config returns the engine's configuration, defaults filled in.
func (e *Engine) Config() Config { return e.shard.Config() }

// Cluster returns the name of the cluster, fixed when the data folder was made.
func (e *Engine) Cluster() string { return e.shard.Cluster() }

// Topic returns a topic by name, as of its last durable change. It never blocks,
// and may be called from any goroutine; the result is immutable.
func (e *Engine) Topic(name string) (*TopicInfo, bool) { return e.shard.Topic(name) }

// Topics returns all topics, ordered by name.
func (e *Engine) Topics() []*TopicInfo { return e.shard.Topics() }

// Group returns a consumer group by name, as of its last durable change. It never
// blocks, and may be called from any goroutine; the result is immutable.
func (e *Engine) Group(name string) (*GroupInfo, bool) { return e.shard.Group(name) }

// Groups returns all consumer groups, ordered by name.
func (e *Engine) Groups() []*GroupInfo { return e.shard.Groups() }

// Setting returns the text that is kept under a key, as of its last durable change.
// It never blocks, and may be called from any goroutine.
func (e *Engine) Setting(key string) (value string, ok bool) { return e.shard.Setting(key) }

// Settings returns the settings whose keys begin with a prefix, ordered by key.
func (e *Engine) Settings(prefix string) []Setting { return e.shard.Settings(prefix) }

// Failed returns a channel that is closed when the shard has failed, and Err the
// reason: nothing is acknowledged after it.
func (e *Engine) Failed() <-chan struct{} { return e.shard.Failed() }

// Err returns why the shard has failed, nil while it works.
func (e *Engine) Err() error { return e.shard.Err() }

// Stats returns the engine's counters.
func (e *Engine) Stats() Stats { return e.shard.Stats() }

// Kept returns why the log is as long as it is.
func (e *Engine) Kept() Kept { return e.shard.Kept() }
