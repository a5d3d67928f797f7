package sim

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/gantrymq/gantry/core/wal/kafka"
)

// topicModel plays the partition that holds a log, and all that can happen between
// it and a producer: requests that come late, twice or never, acknowledgements that
// are lost or name no offset, leaders that move, a tail that is gone.
type topicModel struct {
	w       *kafkaWorld
	records []topicRecord // of offset start and up
	start   int64
	high    int64 // behind what every replica has
	leader  int32
}

type topicRecord struct {
	value []byte
	from  *request // whose it is; nil: a stranger's
}

var errPlayed = errors.New("the network fails")

func (t *topicModel) end() int64 { return t.start + int64(len(t.records)) }

func (t *topicModel) append(value []byte, from *request) (offset int64) {
	t.records = append(t.records, topicRecord{append([]byte(nil), value...), from})
	return t.end() - 1
}

// replicate has every replica take what the leader has.
func (t *topicModel) replicate() { t.high = t.end() }

// move makes another replica the leader. What it had not taken is gone: its senders
// send it again. With lossy it had not even taken what was acknowledged.
func (t *topicModel) move(lossy bool) {
	t.leader++
	keep := t.high
	if lossy {
		keep = max(t.start+1, t.high-1-t.w.rng.Int64N(4))
	}
	for keep < t.end() {
		last := &t.records[len(t.records)-1]
		if last.from != nil && t.end() > t.high {
			last.from.offset = -1
		}
		t.records = t.records[:len(t.records)-1]
	}
	t.high = min(t.high, t.end())
}

// Fetch implements kafka.Partition.
func (t *topicModel) Fetch(_ context.Context, offset int64, _ int) (kafka.Batch, error) {
	b := kafka.Batch{Start: t.start, High: t.high, Next: offset}
	switch {
	case offset < t.start || offset > t.end():
		return b, &kafka.RangeError{Offset: offset, Start: t.start, End: t.end()}
	case t.w.chance(t.w.flaky):
		sometimes("kafka.fetch_failed")
		return b, errPlayed
	}
	for n := 1 + t.w.rng.Int64N(50); n > 0 && b.Next < t.high; n-- {
		b.Records = append(b.Records, kafka.Record{Offset: b.Next, Value: t.records[b.Next-t.start].value})
		b.Next++
	}
	return b, nil
}

// Bounds implements kafka.Partition.
func (t *topicModel) Bounds(context.Context) (start, end int64, err error) {
	return t.start, t.high, nil
}

// DeleteBefore implements kafka.Partition.
func (t *topicModel) DeleteBefore(_ context.Context, offset int64) error {
	if t.w.chance(t.w.flaky) {
		return errPlayed
	}
	if n := offset - t.start; n > 0 {
		sometimes("kafka.deleted")
		t.records = append([]topicRecord(nil), t.records[n:]...)
		t.start = offset
	}
	return nil
}

// senderModel is a producer: what it was handed goes to the topic in order.
type senderModel struct {
	node   *kafkaNode
	topic  *topicModel
	queue  []*request // not yet answered, in order
	leader int32
	closed bool
	broken bool // Kafka no longer takes its numbers: all that follows fails
}

// request is a record on its way.
type request struct {
	value  []byte
	offset int64 // where it is; -1: nowhere yet
	sent   bool  // it has arrived, perhaps in vain
	answer func(offset int64, err error)
	ready  bool // the answer is known
	at     int64
	err    error
}

func (n *kafkaNode) newSender() *senderModel {
	return &senderModel{node: n, topic: n.w.topic, leader: n.w.topic.leader}
}

// mark tells an EPOCH or RELEASE, which its sender waits for, from a frame.
func mark(value []byte) bool { return binary.LittleEndian.Uint16(value[36:]) >= 1<<14 }

// Produce implements kafka.Producer.
func (s *senderModel) Produce(value []byte, _ int64, done func(int64, error)) {
	r := &request{value: value, offset: -1, answer: done}
	if mark(value) {
		s.produceMark(r)
		return
	}
	s.queue = append(s.queue, r)
	w := s.node.w
	w.after(w.rng.Int64N(4), func() { s.deliver(r) })
}

// produceMark answers at once, with what may have come of it.
func (s *senderModel) produceMark(r *request) {
	w := s.node.w
	switch f := w.fault(); {
	case f == faultLost:
		if w.chance(2) {
			sometimes("kafka.epoch_late")
			w.after(w.rng.Int64N(300), func() { s.topic.append(r.value, nil); s.topic.replicate() })
		}
		r.answer(-1, errPlayed)
		return
	case f == faultNoOffset:
		s.topic.append(r.value, nil)
		s.topic.replicate()
		r.answer(-1, nil)
		return
	}
	offset := s.topic.append(r.value, nil)
	s.topic.replicate()
	s.leader = s.topic.leader
	r.answer(offset, nil)
}

// deliver brings a request to the topic, in the order of its sender.
func (s *senderModel) deliver(r *request) {
	w := s.node.w
	if s.closed && !w.chance(3) {
		return // it was on its way when its sender ended
	}
	if i := s.place(r); i > 0 && !s.queue[i-1].sent {
		w.after(1, func() { s.deliver(r) })
		return
	}
	if s.broken {
		s.settle(r, -1, errPlayed)
		return
	}
	switch w.fault() {
	case faultLost:
		sometimes("kafka.request_lost")
		w.after(1+w.rng.Int64N(200), func() { s.deliver(r) })
		return
	case faultLie: // "it is there already": nothing was written
		sometimes("kafka.false_duplicate")
		s.broken = true
		s.settle(r, 0, nil)
		return
	case faultTwice: // the broker has forgotten that it has it
		sometimes("kafka.doubled")
		s.topic.append(r.value, nil)
	case faultFails: // it is there, and the sender hears of a failure
		sometimes("kafka.failed_after_append")
		s.topic.append(r.value, r)
		s.broken = true
		s.settle(r, -1, errPlayed)
		return
	case faultNoOffset:
		sometimes("kafka.no_offset")
		s.topic.append(r.value, r)
		s.settle(r, -1, nil)
		return
	}
	r.offset, r.sent = s.topic.append(r.value, r), true
	s.await(r)
}

// place returns which of the requests under way it is.
func (s *senderModel) place(r *request) int {
	for i, q := range s.queue {
		if q == r {
			return i
		}
	}
	return 0
}

// await answers once every replica has the record; a leader that lost it is sent it again.
func (s *senderModel) await(r *request) {
	w := s.node.w
	w.after(w.rng.Int64N(6), func() {
		switch {
		case r.offset < 0:
			sometimes("kafka.sent_again")
			s.deliver(r)
		case r.offset >= s.topic.high:
			if w.chance(2) {
				s.topic.replicate()
			}
			s.await(r)
		case w.fault() == faultLost:
			sometimes("kafka.ack_lost") // the repetition finds it there
			w.after(w.rng.Int64N(200), func() { s.await(r) })
		default:
			s.settle(r, r.offset, nil)
		}
	})
}

// settle notes an answer. Answers come in the order of requests.
func (s *senderModel) settle(r *request, offset int64, err error) {
	r.sent, r.ready, r.at, r.err = true, true, offset, err
	s.answer()
}

// answer gives the answers that are due, unless the node sleeps.
func (s *senderModel) answer() {
	w := s.node.w
	if s.node.paused {
		w.after(50, s.answer)
		return
	}
	for len(s.queue) > 0 && s.queue[0].ready {
		r := s.queue[0]
		s.queue = s.queue[1:]
		if s.closed {
			continue
		}
		s.leader = s.topic.leader
		r.answer(r.at, r.err)
	}
}

// LeaderEpoch implements kafka.Producer.
func (s *senderModel) LeaderEpoch() int32 { return s.leader }

// Close implements kafka.Producer.
func (s *senderModel) Close() { s.closed = true }
