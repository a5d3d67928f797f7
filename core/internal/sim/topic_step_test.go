package sim

import (
	"fmt"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// setup makes the topics of the run.
func (w *world) setup() {
	for i := range w.topics {
		config := model.TopicConfig{
			Name: w.topicName(i), ReadQueues: w.queues, WriteQueues: w.queues, Perm: 6, Durability: w.levelOf(i), Attributes: w.attributes(i, -1),
		}
		for w.oracle.topics[config.Name] == nil {
			w.revive()
			w.putTopic(config)
			w.drain()
		}
	}
}

// stepChangeTopic makes a topic larger, or changes what is written on it.
func (w *world) stepChangeTopic() {
	t := w.drawTopic()
	config := t.configs[len(t.configs)-1]
	if w.rng.IntN(2) == 0 {
		config.WriteQueues = min(config.WriteQueues+1, 12)
		config.ReadQueues = config.WriteQueues
	}
	config.Attributes = map[string]string{"round": fmt.Sprint(w.step)}
	if kind := t.configs[len(t.configs)-1].Attributes[model.AttrKind]; kind != "" {
		config.Attributes[model.AttrKind] = kind
	}
	if w.ordering && w.rng.IntN(4) == 0 {
		config.Attributes[model.AttrKind] = pick(w.rng, "FIFO", "NORMAL")
	}
	if w.rng.IntN(8) == 0 {
		config.ReadQueues = 0
		w.refusedTopic(config)
		return
	}
	w.putTopic(config)
}

// putTopic makes or changes a topic. L1: once answered, it is for ever, a power
// cut in any mode included.
func (w *world) putTopic(config model.TopicConfig) {
	c := w.anyClient()
	w.oracle.perhaps[config.Name] = true
	if t := w.oracle.topics[config.Name]; t != nil {
		t.configs = append(t.configs, config)
	}
	answered := w.begin(&call{what: "put topic", client: c})
	c.conn.Admin(shard.PutTopic{Config: config}, func(err error) {
		if !answered() || w.excuse(err) {
			return
		}
		w.check(!w.disk.failed, "L9", "a topic is made after a failed call")
		if w.oracle.doomed[config.Name] != nil {
			return // it was deleted meanwhile
		}
		t := w.oracle.learnTopic(config.Name)
		for i := range t.configs {
			if sameConfig(&t.configs[i], &config) {
				t.noteKinds(w.now)
				t.configs = t.configs[i:]
				break
			}
		}
		w.note("topic", uint64(t.id))
	})
	c.submit()
}

func (w *world) refusedTopic(config model.TopicConfig) {
	c := w.anyClient()
	answered := w.begin(&call{what: "put topic", client: c})
	c.conn.Admin(shard.PutTopic{Config: config}, func(err error) {
		if !answered() {
			return
		}
		code, definite := w.refusal(err)
		w.check(w.excused(code) || code == model.InvalidTopic && definite, "answer", "a topic without queues: %v", err)
		sometimes("topic.refused")
	})
	c.submit()
}

func sameConfig(a, b *model.TopicConfig) bool {
	return a.Name == b.Name && a.ReadQueues == b.ReadQueues && a.WriteQueues == b.WriteQueues && a.Perm == b.Perm &&
		a.Durability == b.Durability && a.Attributes["round"] == b.Attributes["round"] && a.Kind() == b.Kind()
}
