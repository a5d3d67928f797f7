package shard

import (
	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/index"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// handout is the answer to a Receive: leased, and on its way to the client. It waits
// for the log, then its messages are copied, on the loop if they are few and hot,
// else by a reader.
type handout struct {
	copier
	receive    *receiveRequest
	filter     *filter.Filter
	deliveries []Delivery
	queues     []*popQueue   // of each delivery
	sealed     []sealedPlace // places that are to be read from an index first

	records *Records
	skipped []int // deliveries whose message the filter does not match after all
	lost    []int // deliveries whose message cannot be read
	err     error // of the last of them
}

// sealedPlace is where the place of a delivery is to be found.
type sealedPlace struct {
	i int
	x index.Range
}

func (s *Shard) newHandout(r *receiveRequest) *handout {
	j := s.anyHandout()
	j.receive, j.filter = r, r.Filter
	return j
}

// anyHandout is one that answers no call.
func (s *Shard) anyHandout() *handout {
	if j, ok := s.handouts.Get().(*handout); ok {
		return j
	}
	return &handout{copier: copier{shard: s}}
}

func (j *handout) release() {
	j.copier.reset()
	clear(j.queues)
	clear(j.sealed)
	*j = handout{
		copier: j.copier, deliveries: j.deliveries[:0], queues: j.queues[:0],
		sealed: j.sealed[:0], skipped: j.skipped[:0], lost: j.lost[:0],
	}
	j.shard.handouts.Put(j)
}

// addAt takes a message whose place is known.
func (j *handout) addAt(q *popQueue, l cursor.Lease, popTime, invisible int64, at index.Place) {
	first := l.FirstPop
	if first == 0 {
		first = popTime
	}
	j.copier.add(at)
	j.queues = append(j.queues, q)
	j.deliveries = append(j.deliveries, Delivery{
		Receipt:  Receipt{Cursor: q.id, Offset: l.Offset, PopTime: popTime, Invisible: invisible, Attempt: l.Attempt},
		FirstPop: first,
	})
}

// add takes a message that was handed out before: its place is looked up.
func (j *handout) add(s *Shard, q *popQueue, l cursor.Lease, popTime, invisible int64) {
	at := index.Place{Offset: l.Offset}
	x, ok := s.index.Range(q.queue.Slot, l.Offset)
	switch {
	case ok && x.Sealed == nil:
		x.Scan(l.Offset, l.Offset+1, func(p index.Place) bool { at = p; return false })
	case ok:
		j.sealed = append(j.sealed, sealedPlace{len(j.deliveries), x})
	}
	j.addAt(q, l, popTime, invisible, at)
}

// complete goes on once the leases are in the log.
func (j *handout) complete(s *Shard, err error) {
	if err != nil {
		s.touch(j.receive.client)
		j.receive.done(nil, err)
		j.release()
		return
	}
	hot := len(j.sealed) == 0 && j.findHot(s) == len(j.places)
	switch {
	case hot && j.size <= loopCopy:
		j.copyAll()
		j.answer(s)
	case hot:
		j.hold()
		s.apart(&s.readers, func() func(*Shard) {
			j.copyAll()
			j.letGo()
			return j.answer
		})
	default:
		j.slabs = j.slabs[:0]
		s.readCold(j.receive.Group, j.receive.client, func() (int64, func(*Shard)) {
			j.findSealed()
			j.copyAll()
			return j.coldRead, j.answer
		})
	}
}

// findSealed finds the places that only a sealed index has.
func (j *handout) findSealed() {
	for _, sp := range j.sealed {
		p := &j.places[sp.i]
		at := p.Offset
		err := sp.x.Read(at, at+1, func(found index.Place) bool { *p = found; return false })
		if err != nil {
			j.err = err
		}
	}
}

// copyAll builds the answer of what can be read and matches.
func (j *handout) copyAll() {
	r := j.shard.newRecords()
	r.Status = PullFound
	for i := range j.deliveries {
		d := &j.deliveries[i]
		if j.places[i].Size == 0 {
			j.lost = append(j.lost, i)
			continue
		}
		w, err := j.message(i)
		if err != nil {
			j.lost, j.err = append(j.lost, i), err
			continue
		}
		if !j.filter.All() && !j.filter.Match(w.Properties()) {
			j.skipped = append(j.skipped, i)
			continue
		}
		d.from = len(r.buf)
		r.add(w, j.receive.client.info.StoreHost)
		d.to = len(r.buf)
		r.Wire(d).PatchReconsumeTimes(d.Receipt.Attempt - 1)
		r.deliveries = append(r.deliveries, *d)
	}
	j.records = r
}

// answer answers the call. A message that the filter does not match is done with,
// and so is one that is not kept any more.
func (j *handout) answer(s *Shard) {
	defer j.release()
	r := j.receive
	for _, i := range j.skipped {
		s.done(j.queues[i], j.deliveries[i].Receipt)
	}
	for _, i := range j.lost {
		j.lose(s, i)
	}
	if r.client.closed { // who asked has gone while this was read
		for i := range j.records.deliveries {
			d := &j.records.deliveries[i]
			s.release(d.Receipt)
		}
		j.records.Release()
		j.records = s.newRecords()
	}
	s.count.Delivered += int64(j.records.Count)
	s.count.DeliveredBytes += int64(len(j.records.buf))
	s.touch(r.client)
	if j.records.Count == 0 && !r.client.closed && (len(j.skipped) > 0 || len(j.lost) > 0) {
		j.records.Release()
		r.ended = false
		r.decide(s) // nothing of it was for him: he asks anew
		return
	}
	r.done(j.records, nil)
}

// lose ends a message that cannot be read: retention has taken it, or it is damaged,
// which is logged. It comes again until it is out of attempts.
func (j *handout) lose(s *Shard, i int) {
	d, q := &j.deliveries[i], j.queues[i]
	if d.Receipt.Offset < s.first(q.queue) || j.places[i].Size == 0 && j.err == nil {
		s.done(q, d.Receipt)
		return
	}
	s.logger.Error("a message cannot be read", "shard", s.cfg.Shard, "queue", q.id.Queue.Num, "offset", d.Receipt.Offset, "err", j.err)
}

// done ends a delivery on the server's own account, if it is still the last one: also
// behind an unfinished message of its message group, with which it would come again
// and again until it is out of attempts, although nobody gets it.
func (s *Shard) done(q *popQueue, r Receipt) {
	if s.Err() != nil || q.outlet.gone {
		return
	}
	c := s.state.Cursor(r.Cursor)
	if c == nil {
		return
	}
	if slot, ok := c.Slot(r.Offset); !ok || slot.PopTime != r.PopTime {
		return
	}
	s.emit(&record.Ack{
		Group: r.Cursor.Group, Topic: r.Cursor.Queue.Topic, Queue: r.Cursor.Queue.Num,
		Op: record.AckDead, Offsets: []model.Offset{r.Offset},
	})
	s.settled(r.Cursor)
}
