package shard

import "github.com/gantrymq/gantry/core/internal/model"

// Stats are a shard's counters since its start, and its sizes now.
type Stats struct {
	Sent, SentBytes           int64 // messages stored, and their bytes in wire layout
	Delivered, DeliveredBytes int64 // messages that pulls handed out
	Acked, Dead               int64 // messages that consumers settled, and that went to dead letters
	StaleAcks                 int64 // of deliveries that were over
	Refused                   int64 // messages not stored, by any error
	Delayed                   int64 // messages stored that wait for their time
	Published, Recalled       int64 // of those: delivered, taken back
	Relocated                 int64 // of those: copied forward because they had become old
	Late                      int64 // published more than 5 ms after their time
	LateMs, LateMaxMs         int64 // how late all of them together were, and the latest
	Pending                   int64 // delayed messages that wait now
	Prepared, Committed       int64 // transactions begun, and committed
	RolledBack, Discarded     int64 // and rolled back, and given up
	Checks                    int64 // producers asked how one ends
	OpenTransactions          int64
	Busy                      int64 // requests refused because the disk was too slow
	Frames, FrameBytes        int64 // written to the log
	Snapshots                 int64 // written
	Sealed, Forgotten         int64 // segments
	Written, Durable          model.LSN
	LogStart                  model.LSN // what lies below is forgotten
	Topics, Queues            int64
	Groups, Cursors           int64
	Members                   int64 // live clients that sent a heartbeat
	Waiting                   int64 // pulls and receives parked
	Stalled                   int64 // requests that wait for a sync
	ColdReads                 int64 // reads of files that wait for their turn
	Alarms                    int64 // timers set
	CacheBytes                int64
	Segments, IndexBytes      int64
	DiskRoom, DiskFull        int64 // DiskFull is 1 while sends are refused for lack of room
	InboxBytes                int64
}

// Stats returns the counters as of the last step. Safe for all goroutines.
func (s *Shard) Stats() Stats {
	s.statsMu.Lock()
	stats := s.published
	s.statsMu.Unlock()
	stats.InboxBytes = int64(s.inbox.waiting())
	return stats
}

func (s *Shard) publishStats() {
	c := &s.count
	c.Written, c.Durable, c.LogStart = s.written, s.durable, s.state.LogStart()
	c.Topics, c.Queues = int64(s.state.TopicCount()), int64(s.state.QueueCount())
	c.Groups, c.Cursors = int64(s.state.GroupCount()), int64(s.state.CursorCount())
	c.Stalled, c.Alarms = int64(len(s.stalled.queue)-s.stalled.head), int64(s.wheel.Len())
	c.ColdReads, c.CacheBytes = int64(s.cold.waiting), s.tail.bytes
	c.Segments = int64(s.index.Segments())
	if s.now.Mono-s.indexStatsAt >= 1000 { // they cost a walk over the segments
		s.indexStatsAt, c.IndexBytes = s.now.Mono, s.index.Stats().Bytes
	}
	c.OpenTransactions = int64(s.state.Open().Len())
	c.Pending = int64(s.state.Delayed().Len()) - c.OpenTransactions
	c.DiskRoom, c.DiskFull = s.disk.room, 0
	if s.disk.low {
		c.DiskFull = 1
	}
	s.statsMu.Lock()
	s.published = *c
	s.statsMu.Unlock()
}
