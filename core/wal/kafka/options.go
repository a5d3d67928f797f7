package kafka

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/gantrymq/gantry/core/wal/vfs"
)

// Options say where the log lives and how it is reached.
type Options struct {
	Brokers []string // host:port, some of the cluster's
	// Topic holds the log, a partition a shard; Topic + "-parts" what is derived
	// from it. Default: gantry-wal.
	Topic string
	// Cluster names whose log this is. Another cluster's is refused.
	Cluster string
	// Node names this process in the log, for operators.
	Node string
	// Shards is how many partitions a new topic gets. Default: 1.
	Shards int32
	// Replication of a topic that is made, and the least of one that is there. Default: 3.
	Replication int
	// NoCreate has a missing topic refuse the start.
	NoCreate bool
	// AcceptTopic takes a topic that is another one than the last time.
	AcceptTopic bool
	// Compression of frames on their way and in Kafka: none, lz4, zstd, snappy. Default: none.
	Compression string

	TLS  *tls.Config // nil: no TLS
	SASL SASL
	// Dial opens connections. Default: the net package's.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Dir is the folder of the cache, FS the file system it is on. Default: the
	// current folder, the operating system's.
	Dir string
	FS  vfs.FS
	// CacheBytes bounds the segments that are kept in Dir. Default: 8 GiB.
	CacheBytes int64

	// StartTimeout is how long Open and Recover try to reach Kafka. Default: 30 s.
	StartTimeout time.Duration
	// CloseTimeout is how long an orderly Close waits for acknowledgements. Default: 15 s.
	CloseTimeout time.Duration

	Logger *slog.Logger // nil discards
	// Manual leaves out the keeper: the owner calls Log.Step. For simulations.
	Manual bool
	// Random fills a slice. Default: crypto/rand.
	Random func([]byte)

	verbose bool // the client's own remarks are wanted
}

// SASL are the credentials that brokers ask for.
type SASL struct {
	Mechanism      string // one of Mechanisms; "": none
	User, Password string
}

func (o Options) withDefaults() Options {
	o.Topic = orDefault(o.Topic, "gantry-wal")
	o.Cluster = orDefault(o.Cluster, "DefaultCluster")
	o.Shards = orDefault(o.Shards, 1)
	o.Replication = orDefault(o.Replication, 3)
	o.Dir = orDefault(o.Dir, ".")
	o.CacheBytes = orDefault(o.CacheBytes, 8<<30)
	o.StartTimeout = orDefault(o.StartTimeout, 30*time.Second)
	o.CloseTimeout = orDefault(o.CloseTimeout, 15*time.Second)
	if o.FS == nil {
		o.FS = vfs.OS()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Random == nil {
		o.Random = systemRandom
	}
	return o
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
