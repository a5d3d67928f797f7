package sim

import (
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// stepDeleteTopic deletes a topic, once nothing but waiting pulls is under way.
func (w *world) stepDeleteTopic() {
	if len(w.oracle.order) < 2 || !w.quiesce() {
		return
	}
	t := w.drawTopic()
	for _, c := range w.calls {
		if r := c.receive; r != nil && r.share.topic == t {
			r.deleted = true
		}
		if c.pull != nil && c.pull.queue.id.topic == t.name {
			c.pull.deleted = true
		}
	}
	c := w.anyClient()
	w.oracle.takeOut(t)
	answered := w.begin(&call{what: "delete topic", client: c})
	c.conn.Admin(shard.DeleteTopic{Name: t.name}, func(err error) {
		if !answered() {
			return
		}
		if err != nil {
			_, definite := w.refusal(err)
			if w.excuse(err); definite {
				w.oracle.putBack(t)
			}
			return
		}
		w.check(!w.disk.failed, "L9", "a topic is deleted after a failed call")
		w.note("deleted", uint64(t.id))
		w.oracle.deleted(t)
	})
	c.submit()
}

// stepMakeTopic makes a topic that was deleted.
func (w *world) stepMakeTopic() {
	for i := range w.topics {
		name := w.topicName(i)
		if w.oracle.topics[name] == nil && w.oracle.doomed[name] == nil {
			w.putTopic(model.TopicConfig{
				Name: name, ReadQueues: w.queues, WriteQueues: w.queues, Perm: 6, Durability: w.levelOf(i), Attributes: w.attributes(i, -1),
			})
			return
		}
	}
}

// quiesce lets time pass until only pulls are under way. It reports whether it
// has come to that, and the process still works.
func (w *world) quiesce() bool {
	p := w.proc
	for range 20 {
		if w.proc != p || p.failedAt != 0 {
			return false
		}
		if !slices.ContainsFunc(w.calls, func(c *call) bool { return !c.waits }) {
			return true
		}
		w.advance(w.patience() / 20)
	}
	return false
}
