package kafka

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// WAL is the topic with the logs of all shards.
type WAL struct {
	opt Options
	ctx context.Context

	mu     sync.Mutex
	client *kgo.Client // for requests, and for parts
	topic  [16]byte    // id of the log's topic
	parts  [16]byte
	logs   map[wal.ShardID]*Log
}

var _ wal.WAL = (*WAL)(nil)

// New returns the logs in a topic. It asks nobody: Open does. That ctx ends changes
// nothing: Close ends things.
func New(ctx context.Context, opt Options) *WAL {
	w := &WAL{opt: opt.withDefaults(), ctx: context.WithoutCancel(ctx), logs: map[wal.ShardID]*Log{}}
	w.opt.verbose = w.opt.Logger.Enabled(ctx, slog.LevelDebug)
	return w
}

// Open looks whether the topics will do, making them if need be, and learns what
// there is. The log it returns is a *Log.
func (w *WAL) Open(shard wal.ShardID, notify func()) (wal.Log, error) {
	lock, err := lockFolder(w.opt.FS, w.opt.Dir, shard)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	l, err := w.open(shard, notify)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", errors.Join(err, lock.Close()))
	}
	l.lock = lock
	return l, nil
}

func (w *WAL) open(shard wal.ShardID, notify func()) (*Log, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx, cancel := context.WithTimeout(w.ctx, w.opt.StartTimeout)
	defer cancel()
	if err := w.connect(ctx, shard); err != nil {
		return nil, err
	}
	if err := w.checkFolder(shard); err != nil {
		return nil, err
	}
	part := newPartition(&w.opt, w.client, w.opt.Topic, w.topic, int32(shard))
	l, err := newLog(w.ctx, &w.opt, shard, part, notify)
	if err != nil {
		return nil, err
	}
	p := w.newParts(l, shard)
	if err := p.load(ctx); err != nil {
		return nil, err
	}
	l.parts, l.hints = p, p.store
	l.onEnd = func() {
		p.closed.Store(true)
		w.forget(shard)
	}
	if err := l.findStart(ctx); err != nil {
		return nil, err
	}
	w.logs[shard] = l
	return l, nil
}

// newLog makes a log on a partition. It is not readable yet.
func newLog(ctx context.Context, opt *Options, shard wal.ShardID, part Partition, notify func()) (*Log, error) {
	if notify == nil {
		notify = func() {}
	}
	dir := path.Join(shardDir(opt.Dir, shard), cacheName)
	cache, err := openCache(opt.FS, dir, opt.CacheBytes, opt.Logger)
	if err != nil {
		return nil, err
	}
	witness, err := openWitness(opt.FS, shardDir(opt.Dir, shard))
	if err != nil {
		return nil, err
	}
	l := &Log{
		opt: opt, witness: witness, shard: shard, part: part, notify: notify, cache: cache,
		mine: map[nonce]bool{}, last: -1, leader: -1, wake: make(chan struct{}, 1), fetching: make(chan struct{}, 1),
	}
	l.ctx, l.stop = context.WithCancel(ctx)
	return l, nil
}

func (w *WAL) newParts(l *Log, shard wal.ShardID) *parts {
	s := &store{
		client: w.client, topic: w.partsTopic(), log: w.topic, cluster: w.opt.Cluster, accept: w.opt.AcceptTopic, logger: w.opt.Logger,
		meta: newPartition(&w.opt, w.client, w.partsTopic(), w.parts, metaPartition(shard)),
		bulk: newPartition(&w.opt, w.client, w.partsTopic(), w.parts, bulkPartition(shard)),
	}
	return &parts{store: s, random: w.opt.Random, ctx: l.ctx, dir: partDir{w.opt.FS, l.cache.dir}}
}

func (w *WAL) partsTopic() string { return w.opt.Topic + "-parts" }

// connect makes the client, and looks at the topics, once.
func (w *WAL) connect(ctx context.Context, shard wal.ShardID) error {
	if w.client != nil {
		if int32(shard) >= w.opt.Shards {
			return fmt.Errorf("shard %d: the log was opened for %d", shard, w.opt.Shards)
		}
		return nil
	}
	client, err := kgo.NewClient(w.opt.others()...)
	if err != nil {
		return err
	}
	if err := reach(ctx, client, w.opt.Brokers); err != nil {
		client.Close()
		return err
	}
	check := topicCheck{client: client, replication: w.opt.Replication, noCreate: w.opt.NoCreate}
	check.topic, check.partitions, check.settings = w.opt.Topic, w.opt.Shards, logSettings(w.opt.Replication)
	log, err := check.run(ctx)
	if err == nil {
		check.topic, check.partitions, check.settings = w.partsTopic(), 2*w.opt.Shards, partSettings(w.opt.Replication)
		w.parts, err = check.run(ctx)
	}
	if err != nil {
		client.Close()
		return err
	}
	w.client, w.topic = client, log
	return nil
}

// reach asks any broker for a sign of life.
func reach(ctx context.Context, client *kgo.Client, brokers []string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := client.Ping(ctx)
	if err == nil {
		return nil
	}
	if fatal, ok := errors.AsType[*FatalError](explain(err)); ok {
		return fatal
	}
	return fmt.Errorf("no broker of %v can be reached: %w (where brokers want TLS or credentials, see wal.tls and wal.sasl)", brokers, err)
}

// checkFolder refuses a topic that is another one than the one this folder was
// used with: deleted and made anew, or a copy.
func (w *WAL) checkFolder(shard wal.ShardID) error {
	name := path.Join(shardDir(w.opt.Dir, shard), topicName)
	id := hex.EncodeToString(w.topic[:]) + "\n"
	f, err := w.opt.FS.OpenRead(name)
	if err == nil {
		b := make([]byte, len(id))
		f.ReadAt(b, 0) // what is too short is another one
		f.Close()
		if string(b) == id {
			return nil
		}
		if !w.opt.AcceptTopic {
			return fmt.Errorf("topic %s is not the one that %s was used with: it was deleted and made anew. "+
				"To begin with the topic as it is, remove that folder", w.opt.Topic, w.opt.Dir)
		}
		acked := path.Join(shardDir(w.opt.Dir, shard), witnessName)
		if err := w.opt.FS.Remove(acked); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := w.opt.FS.Remove(name); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err = w.opt.FS.Create(name)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(id), 0)
	return errors.Join(err, f.Close())
}

func (w *WAL) forget(shard wal.ShardID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.logs, shard)
}

// Stats returns what the open log of a shard has counted.
func (w *WAL) Stats(shard wal.ShardID) (Stats, bool) {
	w.mu.Lock()
	l := w.logs[shard]
	w.mu.Unlock()
	if l == nil {
		return Stats{}, false
	}
	return l.Stats(), true
}

// Close ends the connections.
func (w *WAL) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.client != nil {
		w.client.Close()
		w.client = nil
	}
	return nil
}

const (
	lockName  = "LOCK"
	cacheName = "cache"
	topicName = "TOPIC"
)

func shardDir(dir string, shard wal.ShardID) string {
	return path.Join(dir, fmt.Sprintf("shard-%04d", shard))
}

// lockFolder makes a shard's folder and takes it.
func lockFolder(fsys vfs.FS, dir string, shard wal.ShardID) (interface{ Close() error }, error) {
	for _, d := range []string{dir, shardDir(dir, shard)} {
		if err := fsys.Mkdir(d); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	lock, err := fsys.Lock(path.Join(shardDir(dir, shard), lockName))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("%s: %w", shardDir(dir, shard), wal.ErrLocked)
	}
	return lock, err
}
