package shard

import (
	"github.com/gantrymq/gantry/core/internal/delay"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// recallRequest is a Recall. What waits under its time and the hash of its key is
// read, to see whether it has the key itself, and taken back if it waits still.
type recallRequest struct {
	client *Client
	Recall
	done func(error)
}

// Recall queues the call. See core.Client.
func (c *Client) Recall(r Recall, done func(error)) {
	c.add(&recallRequest{client: c, Recall: r, done: done})
}

func (r *recallRequest) class() class     { return appends }
func (r *recallRequest) refuse(err error) { r.done(err) }

func (r *recallRequest) fail(s *Shard, err error) {
	s.touch(r.client)
	r.done(err)
}

// maxRecall bounds the messages of one time and one hash that a recall reads.
const maxRecall = 64

func (r *recallRequest) decide(s *Shard) {
	t := s.state.Topic(r.Topic)
	if t == nil {
		r.fail(s, model.Errorf(model.TopicNotFound, "there is no topic %s", r.Topic))
		return
	}
	if r.DeliverAt > delay.MaxDeliverAt {
		r.fail(s, r.notWaiting())
		return
	}
	hash := delay.KeyHash(r.UniqueKey)
	var found []delay.Message
	s.state.Delayed().Each(delay.Key{DeliverAt: r.DeliverAt}, func(m *delay.Message) bool {
		if m.DeliverAt() == r.DeliverAt && m.Key == hash && m.Topic == t.ID {
			found = append(found, *m)
		}
		return m.DeliverAt() == r.DeliverAt && len(found) < maxRecall
	})
	if len(found) == 0 {
		r.fail(s, r.notWaiting())
		return
	}
	s.readCold("", r.client, func() (bytes int64, then func(*Shard)) {
		same := found[:0]
		var failed error
		for _, m := range found {
			d, err := readStored(s.log, s.cfg.Shard, &m)
			bytes += int64(m.Size())
			switch {
			case err != nil:
				failed = err
			case string(record.Property(d.Wire.Properties(), record.PropUniqueKey)) == r.UniqueKey:
				same = append(same, m)
			}
		}
		return bytes, func(s *Shard) { r.confirm(s, same, failed) }
	})
}

func (r *recallRequest) notWaiting() error {
	return model.Errorf(model.MessageNotFound, "no message of topic %s with the key %q waits until %d: it was delivered, was taken back, or never was", r.Topic, r.UniqueKey, r.DeliverAt)
}

// confirm takes back those that wait still: all copies that a producer that tried
// again has made. The answer is that nobody will see them: it waits for the sync.
func (r *recallRequest) confirm(s *Shard, same []delay.Message, failed error) {
	if s.Err() != nil {
		r.fail(s, s.unavailable())
		return
	}
	if len(same) == 0 && failed != nil {
		r.fail(s, unreadable(s, failed))
		return
	}
	end := model.LSN(0)
	for i := range same {
		if s.state.Delayed().Get(same[i].Order()) != nil {
			end = s.emit(&record.Timer{DeliverAt: same[i].DeliverAt(), ID: same[i].ID()})
			s.count.Recalled++
		}
	}
	if end == 0 {
		r.fail(s, r.notWaiting())
		return
	}
	s.delays.added()
	s.when(atDurable, end, r)
}

func (r *recallRequest) complete(s *Shard, err error) { r.fail(s, err) }
