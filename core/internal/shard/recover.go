package shard

import (
	"fmt"
	"runtime/debug"

	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/internal/timer"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
)

const (
	// largeSnapshot is one whose loading leaves much memory behind.
	largeSnapshot = 4 << 20
	// gapBytes is how far the LSN jumps after an unclean start on another boot:
	// past what the unsynced window, the send that filled it and the frame it began
	// in could have held.
	gapBytes = maxUnsynced + maxSend + 2*wal.MaxFrame
	// gapOffsets is the same in messages: no publication has fewer than 16 bytes.
	gapOffsets = gapBytes / 16
)

// Open recovers a shard from its log. The shard takes steps once its loop is
// started, or its driver calls Step.
func Open(cfg Config, w wal.WAL, env Env) (*Shard, error) {
	cfg, env = cfg.withDefaults(), env.withDefaults()
	s := &Shard{
		cfg: cfg, env: env, logger: env.Logger,
		state: state.New(cfg.Shard), index: index.New(),
		ready: make(chan struct{}), failed: make(chan struct{}), stopped: make(chan struct{}),
	}
	s.runs.New = func() any { return new(run) }
	s.inbox.init(cfg.InboxBytes)
	s.unique.init(env.Random)
	s.tail.limit = cfg.CacheBytes
	s.now = env.Now()
	s.wheel = timer.New(s.now.Mono)

	log, err := w.Open(cfg.Shard, s.inbox.poke)
	if err != nil {
		return nil, fmt.Errorf("open the log of shard %d: %w", cfg.Shard, err)
	}
	s.log = log
	if err := s.recover(); err != nil {
		log.Close(false)
		return nil, fmt.Errorf("recover shard %d: %w", cfg.Shard, err)
	}
	return s, nil
}

// recover loads the newest snapshot and the index parts, folds what follows them
// in the log, and writes what must stand before anything is served.
func (s *Shard) recover() error {
	snapshot, err := s.loadSnapshot()
	if err != nil {
		return err
	}
	s.state, s.storeTime = snapshot.state, snapshot.storeTime
	r := recovery{shard: s, foldFrom: snapshot.lsn}
	if err := r.loadIndexes(max(s.log.Start(), s.state.LogStart())); err != nil {
		return err
	}
	found, err := s.log.Recover(min(r.foldFrom, r.indexFrom), r.frame)
	if err != nil {
		return err
	}
	if err := r.finish(found); err != nil {
		return err
	}
	if start := s.log.Start(); start > s.state.LogStart() {
		return &wal.CorruptError{Place: "the log", LSN: start, Why: fmt.Sprintf("it begins here, and was never trimmed beyond LSN %d: what was before is missing", s.state.LogStart())}
	}
	if snapshot.size > largeSnapshot {
		debug.FreeOSMemory() // what loading took is several times the state, and not needed again
	}
	s.logger.Info("log recovered", "shard", s.cfg.Shard, "end", s.end, "snapshot", snapshot.lsn, "replayed_bytes", int64(found.End-min(r.foldFrom, r.indexFrom)),
		"clean", found.Clean, "same_boot", found.SameBoot, "torn_bytes", found.Torn, "topics", s.state.TopicCount())
	cut := s.end > 0 && !found.Clean && !found.SameBoot
	s.startPopClock(cut)
	if cut {
		s.gap(found.End)
	}
	s.bootstrap()
	for slot := range s.state.Slots() {
		if q := s.state.QueueAt(uint32(slot)); q != nil {
			v := s.queueAt(q.Slot)
			v.first, v.visible = q.Min, q.Next
		}
	}
	for _, t := range s.state.Topics() {
		if t != nil {
			s.publish(t)
		}
	}
	s.publishGroups()
	s.locks.recovered(s)
	s.state.EachSetting(func(key, _ string) { s.showSetting(key) })
	s.cluster, s.broker = s.state.Server().Cluster, s.state.Server().Broker
	if s.cluster != s.cfg.Cluster {
		s.logger.Warn("the cluster's name was fixed when the data was made; the configured one is ignored", "cluster", s.cluster, "configured", s.cfg.Cluster)
	}
	s.disk.look(s)
	s.findOutlets()
	s.retention.wake(s)
	s.delays.added()
	s.checks.recovered(s)
	return s.hold()
}

// gap records that what was not synced may be missing. Offsets and LSNs of the
// lost tail may have been seen, and are not given again.
func (s *Shard) gap(end model.LSN) {
	g := record.Gap{From: end, Offsets: gapOffsets, PopTime: s.popNow(), PopAhead: s.state.PopAhead() + popMargin}
	s.logger.Warn("unclean stop on another boot: offsets jump past what may have been lost",
		"shard", s.cfg.Shard, "end", end, "lsn_jump", gapBytes, "offset_jump", int64(gapOffsets))
	s.storeTime = max(s.storeTime, s.now.Wall)
	s.beginSegment(end+gapBytes, record.Size(&g))
	s.put(&g, record.Size(&g))
	s.closeFrame()
}

// bootstrap writes what a new log begins with, and the system topics it lacks.
func (s *Shard) bootstrap() {
	if s.state.Server() == (record.Server{}) {
		s.emit(&record.Server{Cluster: s.cfg.Cluster, Broker: DefaultBrokerName(s.cfg.Shard)})
	}
	for _, config := range s.cfg.SystemTopics {
		if s.state.Topic(config.Name) == nil {
			config.System = true
			s.emit(&record.Topic{ID: s.state.NextTopicID(), Config: config})
		}
	}
	s.closeFrame()
}

// hold keeps the shard from serving before what recovery wrote is durable.
func (s *Shard) hold() error {
	if err := s.Err(); err != nil {
		return err
	}
	if s.end <= s.durable {
		close(s.ready)
		return nil
	}
	s.holdUntil = s.end
	s.log.Flush()
	return nil
}

// Hash returns the hash of the folded state. Only a driver that is the loop may ask.
func (s *Shard) Hash() uint64 { return s.state.Hash() }
