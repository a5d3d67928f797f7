package shard

import (
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

// lazyEvery is how long one-way commits are gathered, in ms.
const lazyEvery = 1000

// lazyCommits are one-way commits, not yet in the log: the last one of a cursor wins.
type lazyCommits struct {
	offsets map[model.CursorID]model.Offset
	order   []model.CursorID // of their first commit, so that records have an order
	armed   bool
}

func (l *lazyCommits) add(s *Shard, id model.CursorID, offset model.Offset) {
	if l.offsets == nil {
		l.offsets = make(map[model.CursorID]model.Offset)
	}
	if _, known := l.offsets[id]; !known {
		l.order = append(l.order, id)
	}
	l.offsets[id] = offset
	if !l.armed {
		l.armed = true
		s.alarms.set(s, s.now.Mono+lazyEvery, l)
	}
}

// drop forgets a commit that a newer one, now in the log, replaces.
func (l *lazyCommits) drop(id model.CursorID) { delete(l.offsets, id) }

// ring writes what was gathered.
func (l *lazyCommits) ring(s *Shard) {
	l.armed = false
	l.write(s)
}

func (l *lazyCommits) write(s *Shard) {
	for _, id := range l.order {
		if offset, ok := l.offsets[id]; ok && s.state.Queue(id.Queue) != nil && s.state.GroupByID(id.Group) != nil {
			s.moveCursor(id, record.OffsetCommit, offset)
		}
	}
	clear(l.offsets)
	l.order = l.order[:0]
}

// moveCursor appends a cursor's move if the cursor accepts it and it is one.
func (s *Shard) moveCursor(id model.CursorID, op record.OffsetOp, offset model.Offset) {
	c := s.state.Cursor(id)
	if c != nil && (!c.Accepts(op) || op == record.OffsetCommit && c.Floor() == offset) {
		return
	}
	s.emit(&record.Offset{Group: id.Group, Topic: id.Queue.Topic, Queue: id.Queue.Num, Op: op, Offset: offset})
	if o := s.outlets.by[outletKey{id.Group, id.Queue.Topic}]; o != nil {
		o.moved(s, id.Queue.Num)
	}
}

// commitRequest is a Commit.
type commitRequest struct {
	client  *Client
	offsets []CursorOffset
	done    func(error) // nil: one-way
}

// Commit queues the call. See core.Client.
func (c *Client) Commit(offsets []CursorOffset, done func(error)) {
	c.add(&commitRequest{c, append([]CursorOffset(nil), offsets...), done})
}

func (r *commitRequest) class() class { return appends }

func (r *commitRequest) refuse(err error) {
	if r.done != nil {
		r.done(err)
	}
}

func (r *commitRequest) decide(s *Shard) {
	for i := range r.offsets {
		if err := s.checkCommit(&r.offsets[i]); err != nil {
			s.touch(r.client)
			r.refuse(err)
			return
		}
	}
	for i := range r.offsets {
		r.commit(s, &r.offsets[i])
	}
	if r.done == nil {
		return
	}
	l := atWritten
	if s.cfg.Flush == model.Synced || s.changedGroup(r.offsets) {
		l = atDurable
	}
	s.when(l, s.frameEnd(), r)
}

func (r *commitRequest) complete(s *Shard, err error) {
	s.touch(r.client)
	r.done(err)
}

// changedGroup tells whether a group of these was made so recently that it is not synced.
func (s *Shard) changedGroup(offsets []CursorOffset) bool {
	for i := range offsets {
		if g := s.state.Group(offsets[i].Group); g != nil && g.Changed > s.durable {
			return true
		}
	}
	return false
}

// frameEnd returns the end of what has been emitted so far.
func (s *Shard) frameEnd() model.LSN {
	if s.frame.open {
		return s.frame.next()
	}
	return s.end
}

// checkCommit finds what is wrong with an offset. It changes nothing.
func (s *Shard) checkCommit(o *CursorOffset) *model.Error {
	if o.Offset < 0 {
		return model.Errorf(model.InvalidOffset, "offset %d is below 0", o.Offset)
	}
	if _, err := s.queueFor(o.Queue); err != nil {
		return err
	}
	return s.mayUse(o.Group)
}

func (r *commitRequest) commit(s *Shard, o *CursorOffset) {
	g := s.groupFor(o.Group)
	id := model.CursorID{Group: g.ID, Queue: o.Queue}
	switch {
	case o.Reset:
		s.commits.drop(id)
		s.moveCursor(id, record.OffsetReset, o.Offset)
		s.tellReset(o)
	case r.done == nil:
		// Judged now, not when it is written: a pull may have been told the reset by then.
		if c := s.state.Cursor(id); c == nil || c.Accepts(record.OffsetCommit) {
			s.commits.add(s, id, o.Offset)
		}
	default:
		s.commits.drop(id)
		s.moveCursor(id, record.OffsetCommit, o.Offset)
	}
}

// queueFor returns a queue, or says what is wrong with its name.
func (s *Shard) queueFor(q model.Queue) (*state.Queue, *model.Error) {
	if found := s.state.Queue(q); found != nil {
		return found, nil
	}
	t := s.state.TopicByID(q.Topic)
	if t == nil {
		return nil, model.Errorf(model.TopicNotFound, "no topic with id %d", q.Topic)
	}
	return nil, model.Errorf(model.InvalidQueue, "topic %s has no queue %d: it has %d", t.Config.Name, q.Num, len(t.Queues))
}

// offsetsRequest is an Offsets.
type offsetsRequest struct {
	client  *Client
	queries []OffsetQuery
	done    func([]OffsetInfo, error)
}

// Offsets queues the call. See core.Client.
func (c *Client) Offsets(q []OffsetQuery, done func([]OffsetInfo, error)) {
	c.add(&offsetsRequest{c, append([]OffsetQuery(nil), q...), done})
}

func (r *offsetsRequest) class() class     { return reads }
func (r *offsetsRequest) refuse(err error) { r.done(nil, err) }

func (r *offsetsRequest) decide(s *Shard) {
	infos := make([]OffsetInfo, len(r.queries))
	var apart []func() error // what a sealed index must be asked
	for i := range r.queries {
		if more := s.lookUp(&r.queries[i], &infos[i]); more != nil {
			apart = append(apart, more)
		}
	}
	if len(apart) == 0 {
		r.answer(s, infos)
		return
	}
	s.apart(&s.readers, func() func(*Shard) {
		for _, more := range apart {
			if err := more(); err != nil {
				return func(s *Shard) { s.touch(r.client); r.done(nil, unreadable(s, err)) }
			}
		}
		return func(s *Shard) { r.answer(s, infos) }
	})
}

func (r *offsetsRequest) answer(s *Shard, infos []OffsetInfo) {
	s.touch(r.client)
	r.done(infos, nil)
}

// unreadable logs why something stored cannot be read, and returns what the
// client is told.
func unreadable(s *Shard, err error) error {
	s.logger.Error("a stored message cannot be read", "shard", s.cfg.Shard, "err", err)
	return &model.Error{Code: model.Internal, Definite: true, Detail: "what is stored cannot be verified", Err: err}
}

// lookUp answers a query. What it returns, if anything, completes the answer on
// a reader.
func (s *Shard) lookUp(o *OffsetQuery, info *OffsetInfo) (apart func() error) {
	q, err := s.queueFor(o.Queue)
	if err != nil {
		info.Err = err
		return nil
	}
	*info = OffsetInfo{Min: s.first(q), Time: -1}
	visible := s.queueAt(q.Slot).visible
	switch o.Kind {
	case OffsetMin:
		info.Offset = info.Min
	case OffsetMax:
		info.Offset = visible
	case OffsetCommitted:
		offset, ok := s.committed(o)
		if !ok {
			info.Err = model.Errorf(model.OffsetNotFound, "group %s has no offset in queue %d of topic %s", o.Group, q.Num, q.Topic.Config.Name)
		}
		info.Offset = offset
	case OffsetByTime:
		return s.offsetByTime(q, o, info)
	case OffsetTimeAt:
		return s.timeAt(q, o, info)
	case OffsetEarliestTime:
		info.Offset = info.Min
		if x, ok := s.index.Range(q.Slot, info.Min); ok && x.First < visible {
			info.Time = x.FirstTime // of a segment that holds back others the first one is not exact
		}
	}
	return nil
}

// committed returns a group's offset, one-way commits that are still gathered included.
func (s *Shard) committed(o *OffsetQuery) (model.Offset, bool) {
	g := s.state.Group(o.Group)
	if g == nil {
		return 0, false
	}
	id := model.CursorID{Group: g.ID, Queue: o.Queue}
	c := s.state.Cursor(id)
	if lazy, ok := s.commits.offsets[id]; ok && (c == nil || c.Accepts(record.OffsetCommit)) {
		return lazy, true
	}
	if c == nil {
		return 0, false
	}
	return c.Floor(), true
}

// offsetByTime finds the first message stored at a time or later, and from there
// what the query asks.
func (s *Shard) offsetByTime(q *state.Queue, o *OffsetQuery, info *OffsetInfo) (apart func() error) {
	visible, at := s.queueAt(q.Slot).visible, o.Time
	if o.Upper {
		at++
	}
	gaps := q.Gaps()
	conclude := func(found model.Offset) {
		info.Offset = max(min(found, visible), info.Min)
		if o.Upper {
			info.Offset = max(gaps.LastBefore(info.Offset), info.Min)
		}
	}
	x, ok := s.index.RangeByTime(q.Slot, at)
	if !ok {
		conclude(visible)
		return nil
	}
	find := func() error {
		p, ok, err := x.FindTime(at)
		if !ok {
			p.Offset = visible
		}
		conclude(p.Offset)
		return err
	}
	if x.Sealed != nil {
		return find
	}
	info.Err = find()
	return nil
}
