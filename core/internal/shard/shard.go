package shard

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/internal/timer"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
)

// Shard is one shard: its state, and the loop that owns it.
type Shard struct {
	cfg    Config
	env    Env
	logger *slog.Logger
	log    wal.Log
	inbox  inbox

	// Safe for all goroutines.
	cluster, broker string // set once, by Open
	runs            sync.Pool
	records         sync.Pool
	readJobs        sync.Pool
	handouts        sync.Pool
	unique          uniqueKeys
	topics          sync.Map // name -> *TopicInfo, as of the last durable change
	groups          sync.Map // name -> *GroupInfo, likewise
	settings        sync.Map // key -> string, likewise
	kept            atomic.Pointer[Kept]

	// The loop's own. Nothing below is touched by another goroutine.
	state     *state.State
	index     *index.Index
	now       Instant
	storeTime int64     // of the newest frame; never falls
	end       model.LSN // where the next frame goes
	written   model.LSN // watermarks, as of this step
	durable   model.LSN
	unwritten []model.LSN // ends of the frames that are on their way
	frame     frame
	tail      tail
	queues    queueTable // by slot: what of a queue is not in the log
	pending   [2]completions
	stalled   stalled
	spare     []*run   // swapped with the inbox's
	ripe      []uint32 // slots of queues whose visible end moved
	touched   []*Client
	wheel     *timer.Wheel
	alarms    alarms
	syncing   syncing
	commits   lazyCommits
	members   members
	locks     locks
	outlets   outlets
	owners    owners
	snapshots snapshots
	seals     seals
	retention retention
	lags      lags
	disk      disk
	delays    delays
	checks    checks
	chores    chores
	cold      coldReads
	plan      cursor.Plan   // of the cursor that is being decided
	places    []index.Place // of the messages that are new in the plan
	pop       record.Pop    // reused by every lease
	ackRecord record.Ack
	acks      []model.Offset // of the Settle that is being decided
	turn      int32          // of the next message that leaves the queue to us
	holdUntil model.LSN
	stopping  bool
	away      int // jobs that run apart
	count     Stats

	indexStatsAt int64 // when IndexBytes was counted

	readers workers       // read cold messages
	files   workers       // one: writes and deletes parts
	ready   chan struct{} // closed when holdUntil is durable
	failed  chan struct{} // closed when the shard has failed
	stopped chan struct{} // closed when the loop has ended
	failure atomic.Pointer[error]

	statsMu   sync.Mutex
	published Stats
}

// queue is the part of a queue that no record holds.
type queue struct {
	first    model.Offset // pulls see what is at it or above: Min, once the trim to it is durable
	visible  model.Offset // pulls see what is below
	syncTail model.LSN    // up to here visibility waits for the sync
	waiters  []*pullRequest
	ripe     bool
}

// Connect makes a client.
func (s *Shard) Connect(info ClientInfo) *Client {
	return &Client{shard: s, info: info}
}

// ID returns the shard's number.
func (s *Shard) ID() model.ShardID { return s.cfg.Shard }

// Config returns the shard's configuration, defaults filled in.
func (s *Shard) Config() Config { return s.cfg }

// BrokerName returns what RocketMQ clients call this shard.
func (s *Shard) BrokerName() string { return s.broker }

// Cluster returns the name of the cluster.
func (s *Shard) Cluster() string { return s.cluster }

// Failed returns a channel that is closed once the shard has failed.
func (s *Shard) Failed() <-chan struct{} { return s.failed }

// Err returns why the shard has failed, nil while it works.
func (s *Shard) Err() error {
	if err := s.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// fail ends the shard: what was decided is not undone, but nothing is answered
// with success any more. A second failure changes nothing.
func (s *Shard) fail(err error) {
	if s.Err() != nil {
		return
	}
	s.failure.Store(&err)
	close(s.failed)
	s.logger.Error("shard has failed: nothing is acknowledged any more; see the cause, then restart",
		"shard", s.cfg.Shard, "lsn", s.end, "err", err)
	s.completeAll(&model.Error{Code: model.Unavailable, Detail: "the log has failed; whether this was stored is not known", Err: err})
	s.stalled.fail(s, s.unavailable())
}

// unavailable is the answer to what comes after a failure.
func (s *Shard) unavailable() error {
	return &model.Error{
		Code: model.Unavailable, Definite: true,
		Detail: "the log has failed; see the server's log", Err: s.Err(),
	}
}

// DefaultBrokerName is the broker name of a shard in a new data folder.
func DefaultBrokerName(id model.ShardID) string { return fmt.Sprintf("gantry-%d", id) }

// queueTable holds queues by slot, in pages: it grows without moving them.
type queueTable [][]queue

const queuePage = 1024

// first returns the first offset of a queue that clients may know of.
func (s *Shard) first(q *state.Queue) model.Offset { return s.queueAt(q.Slot).first }

// queueAt returns the volatile part of the queue of that slot. It stays where it is.
func (s *Shard) queueAt(slot uint32) *queue {
	for int(slot/queuePage) >= len(s.queues) {
		s.queues = append(s.queues, make([]queue, queuePage))
	}
	return &s.queues[slot/queuePage][slot%queuePage]
}
