package shard

import (
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
)

// Config is a shard's configuration. The zero value of a field takes its default.
type Config struct {
	Shard   model.ShardID
	Cluster string // name of the cluster, fixed at the first start; default DefaultCluster
	// Flush is the server's durability of a send; default Written (RocketMQ's ASYNC_FLUSH).
	Flush model.Durability
	// SegmentBytes is where a segment of the log ends; default 256 MiB, at most 1 GiB.
	SegmentBytes int64
	// CacheBytes is how much of the log's end is kept in memory; default 64 MiB.
	CacheBytes int64
	// ColdReadBytes is how much a consumer group may read a second of what is no longer
	// in memory; default 256 MiB, below 0: as much as it likes.
	ColdReadBytes int64
	// InboxBytes is how much may wait for the loop before Submit blocks; default 32 MiB.
	InboxBytes int
	// MaxMessageBytes bounds a body; default 4 MiB, at most 6 MiB less 64 KiB.
	MaxMessageBytes int
	// NoAutoTopics refuses sends to unknown topics instead of creating them.
	NoAutoTopics bool
	// NoAutoGroups refuses unknown consumer groups instead of creating them.
	NoAutoGroups bool
	// MaxTopics bounds the topics that sends may create; default 100,000. MaxGroups the groups.
	MaxTopics int
	MaxGroups int
	// SnapshotBytes of log make a snapshot due; default 64 MiB.
	SnapshotBytes int64
	// Retention of topics that have none of their own; default 72 h.
	Retention model.Retention
	// MaxDelay bounds how far ahead a message may be delayed; default 40 days.
	MaxDelay time.Duration
	// TransactionTimeout is how long a transaction may be open before its producer is asked
	// about it, unless the message says otherwise; default 6 s. TransactionInterval is when
	// it is asked again; default 30 s. TransactionChecks is how often it is asked before
	// the transaction is given up; default 15, at most 255.
	TransactionTimeout  time.Duration
	TransactionInterval time.Duration
	TransactionChecks   int
	// SystemTopics are made at start where they do not exist.
	SystemTopics []model.TopicConfig
}

func (c Config) withDefaults() Config {
	c.Cluster = orDefault(c.Cluster, "DefaultCluster")
	c.Flush = orDefault(c.Flush, model.Written)
	c.SegmentBytes = min(orDefault(c.SegmentBytes, 256<<20), 1<<30)
	c.CacheBytes = orDefault(c.CacheBytes, 64<<20)
	c.ColdReadBytes = orDefault(c.ColdReadBytes, 256<<20)
	c.InboxBytes = orDefault(c.InboxBytes, 32<<20)
	c.MaxMessageBytes = min(orDefault(c.MaxMessageBytes, 4<<20), maxUnit-64<<10)
	c.SnapshotBytes = orDefault(c.SnapshotBytes, snapshotBytes)
	c.Retention = orDefault(c.Retention, model.Retention{Age: 72 * time.Hour})
	c.MaxDelay = orDefault(c.MaxDelay, 40*24*time.Hour)
	c.TransactionTimeout = orDefault(c.TransactionTimeout, 6*time.Second)
	c.TransactionInterval = orDefault(c.TransactionInterval, 30*time.Second)
	c.TransactionChecks = min(orDefault(c.TransactionChecks, 15), 255)
	c.MaxTopics = orDefault(c.MaxTopics, 100_000)
	c.MaxGroups = orDefault(c.MaxGroups, 100_000)
	return c
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// Instant is a moment, in ms: by the wall clock (since 1970), which may step, and
// by one that only runs forward.
type Instant struct{ Wall, Mono int64 }

// Env is what a shard takes from its surroundings.
type Env struct {
	Logger *slog.Logger // nil discards
	// Now reads the clocks; nil: the system's. The loop alone calls it.
	Now func() Instant
	// Random fills a slice with random bytes; nil: the system's.
	Random func([]byte)
	// Apart runs a job that blocks on files; nil: on the shard's own workers. A
	// simulation runs it when it likes.
	Apart func(job func())
}

func (e Env) withDefaults() Env {
	if e.Logger == nil {
		e.Logger = slog.New(slog.DiscardHandler)
	}
	if e.Now == nil {
		e.Now = systemClock(time.Now())
	}
	if e.Random == nil {
		e.Random = func(b []byte) { rand.Read(b) } // never fails
	}
	return e
}

func systemClock(start time.Time) func() Instant {
	return func() Instant {
		t := time.Now()
		return Instant{Wall: t.UnixMilli(), Mono: t.Sub(start).Milliseconds()}
	}
}
