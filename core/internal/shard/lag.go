package shard

import (
	"cmp"
	"slices"

	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
)

const (
	// lagEvery is how often, in ms, groups are looked at whose messages stay until
	// they are consumed.
	lagEvery = 60_000
	// lagSlice is how many cursors one step looks at.
	lagSlice = 500
	// maxLags is how many groups are shown: those that are the furthest behind.
	maxLags = 100
)

// GroupLag tells how far behind a group is, among the topics whose messages stay
// until they are consumed.
type GroupLag struct {
	Group string
	Topic string
	Queue int32
	// Stored is when, in ms, a message was stored that the group has not consumed: in
	// its queue the oldest one, and none is older by more than a segment's time.
	Stored int64
}

// lags looks, once a minute, for what each group has not consumed: for that may
// keep the log from being forgotten. It sleeps as long as no topic asks for it.
type lags struct {
	awake  bool
	next   int // number of the next cursor
	oldest map[model.GroupID]lag
}

// lag is what a group has not consumed.
type lag struct {
	GroupLag
	from index.Range
	at   model.Offset
}

// wake begins the looks, once there is a topic whose messages stay.
func (l *lags) wake(s *Shard, topic *model.TopicConfig) {
	if rule, _ := topic.Retention(s.cfg.Retention); !rule.Consumed || l.awake {
		return
	}
	l.awake = true
	s.alarms.set(s, s.now.Mono, l)
}

// ring looks at the next cursors.
func (l *lags) ring(s *Shard) {
	if s.Err() != nil || s.stopping {
		return
	}
	if l.next == 0 {
		l.oldest = make(map[model.GroupID]lag)
	}
	var topic *model.TopicConfig
	var rule model.Retention
	more := false
	l.next, more = s.state.Cursors(l.next, lagSlice, func(id model.CursorID, c *cursor.Cursor) {
		t := s.state.TopicByID(id.Queue.Topic)
		if topic != &t.Config {
			topic = &t.Config
			rule, _ = topic.Retention(s.cfg.Retention) // was validated when it was set
		}
		if rule.Consumed {
			l.look(s, id, c.Floor())
		}
	})
	if more {
		s.alarms.set(s, s.now.Mono+1, l)
		return
	}
	l.next = 0
	l.read(s)
}

// look notes the first message of a queue that a group has not consumed, if none of
// its others is older.
func (l *lags) look(s *Shard, id model.CursorID, floor model.Offset) {
	q := s.state.Queue(id.Queue)
	at := max(floor, s.first(q))
	if at >= s.queueAt(q.Slot).visible {
		return
	}
	x, ok := s.index.Range(q.Slot, at)
	if !ok {
		return
	}
	known, behind := l.oldest[id.Group]
	if behind && known.Stored <= x.FirstTime {
		return
	}
	found := lag{GroupLag{Topic: q.Topic.Config.Name, Queue: q.Num, Stored: x.FirstTime}, x, at}
	x.Scan(at, x.End, func(p index.Place) bool { // in memory: there it is known at once
		found.Stored = p.Time
		return false
	})
	if !behind || found.Stored < known.Stored {
		l.oldest[id.Group] = found
	}
}

// read finds, in sealed indexes, when the messages were stored, and shows the result.
func (l *lags) read(s *Shard) {
	all := make([]lag, 0, len(l.oldest))
	for id, found := range l.oldest {
		if g := s.state.GroupByID(id); g != nil {
			found.Group = g.Config.Name
			all = append(all, found)
		}
	}
	l.oldest = nil
	slices.SortFunc(all, func(a, b lag) int { return cmp.Or(cmp.Compare(a.Stored, b.Stored), cmp.Compare(a.Group, b.Group)) })
	all = all[:min(len(all), maxLags)]
	s.apart(&s.readers, func() func(*Shard) {
		shown := make([]GroupLag, len(all))
		for i := range all {
			if x := &all[i].from; x.Sealed != nil {
				// Should it be unreadable, the segment's first message stands for it.
				_ = x.Read(all[i].at, x.End, func(p index.Place) bool { all[i].Stored = p.Time; return false })
			}
			shown[i] = all[i].GroupLag
		}
		return func(s *Shard) {
			s.showKept(func(k *Kept) { k.Groups = shown })
			s.alarms.set(s, s.now.Mono+lagEvery, &s.lags)
		}
	})
}
