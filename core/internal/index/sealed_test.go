package index

import (
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"pgregory.net/rapid"
)

// checkPart compares a part's record starts, keys and sums with a segment.
func checkPart(t rapid.TB, s *Sealed, seg *testSegment) {
	t.Helper()
	byHash := make(map[uint64][]model.LSN)
	sizes := make(map[queueName]int64)
	messages := 0
	for _, f := range seg.frames {
		for _, a := range f.adds {
			checkStart(t, s, a.LSN, a.Size, true)
			for _, near := range []model.LSN{a.LSN - 1, a.LSN + 1, a.LSN + 17} {
				checkStart(t, s, near, 0, false)
			}
			topic, queue := nameOf(a.slot)
			sizes[queueName{topic, queue}] += int64(a.Size)
			for _, k := range a.keys {
				h := HashKey(topicName(topic), k)
				if all := byHash[h]; len(all) == 0 || all[len(all)-1] != a.LSN {
					byHash[h] = append(all, a.LSN)
				}
			}
			messages++
		}
	}
	byHash[HashKey("topic1", "nobody's")] = nil
	for h, want := range byHash {
		if got := keysOf(t, s, h); !slices.Equal(got, want) {
			t.Fatalf("key %x: %d messages, want %d", h, len(got), len(want))
		}
	}
	err := s.Extents(func(e Extent) bool {
		sizes[queueName{e.Topic, e.Queue}] -= e.Bytes
		return true
	})
	for name, n := range sizes {
		if err != nil || n != 0 {
			t.Fatalf("%+v: %d bytes differ, %v", name, n, err)
		}
	}
	if s.Messages() != messages || s.Base() != seg.base || s.End() != seg.end || s.Shard() != testShard {
		t.Fatalf("header: %d messages, LSN %d to %d", s.Messages(), s.Base(), s.End())
	}
}

func nameOf(slot uint32) (model.TopicID, int32) {
	return testTopics - model.TopicID(slot/testQueues), int32(slot % testQueues)
}

func checkStart(t rapid.TB, s *Sealed, lsn model.LSN, wantSize int, want bool) {
	t.Helper()
	size, ok, err := s.Record(lsn)
	if err != nil || ok != want || ok && size != wantSize {
		t.Fatalf("Record(%d) = %d, %v, %v", lsn, size, ok, err)
	}
}

func keysOf(t rapid.TB, s *Sealed, hash uint64) (found []model.LSN) {
	t.Helper()
	err := s.Keys(hash, func(lsn model.LSN) bool { found = append(found, lsn); return true })
	if err != nil {
		t.Fatal(err)
	}
	return found
}
