package state

import (
	"fmt"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// large returns the state of a shard with a million queues and as many cursors.
func large(tb testing.TB) *State {
	const topics, queues = 1000, 1000
	s := New(1)
	apply := func(e record.Entry) {
		if err := s.Apply(e, 1); err != nil {
			tb.Fatal(err)
		}
	}
	apply(&record.Server{Cluster: "c", Broker: "b"})
	apply(&record.Group{ID: 1, Config: model.GroupConfig{Name: "g"}})
	for t := range topics {
		id := model.TopicID(t + 1)
		apply(&record.Topic{ID: id, Config: model.TopicConfig{Name: fmt.Sprint("topic-", t), ReadQueues: queues, WriteQueues: queues, Perm: model.PermRead}})
		for q := range queues {
			apply(&record.Offset{Group: 1, Topic: id, Queue: int32(q)})
		}
	}
	return s
}

func BenchmarkLoadMillion(b *testing.B) {
	n := large(b).BeginSnapshot()
	for !n.Slice(1000) {
	}
	image := Join(n.Image())
	b.SetBytes(int64(len(image)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(1, image); err != nil {
			b.Fatal(err)
		}
	}
}
