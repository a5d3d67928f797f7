package index

import (
	"hash/crc32"
	"slices"
	"testing"
	"testing/iotest"

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
	err := s.Extents(0, s.Runs(), func(e Extent) bool {
		sizes[queueName{e.Topic, e.Queue}] -= e.Bytes
		return true
	})
	for name, n := range sizes {
		if err != nil || n != 0 {
			t.Fatalf("%+v: %d bytes differ, %v", name, n, err)
		}
	}
	if !s.Follows(seg.after) || s.Follows(seg.after+1) {
		t.Fatalf("header: the segment follows LSN %d", seg.after)
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

// TestPartIsTheSameForEver: the bytes of a part, by their checksum. If this fails,
// the format or what goes into it has changed: that needs a new version.
func TestPartIsTheSameForEver(t *testing.T) {
	_, seg := smallSegment()
	part := seg.build(t)
	if sum := crc32.ChecksumIEEE(part); len(part) != 7*blockSize || sum != 0xd7ac198f {
		t.Errorf("%d bytes, checksum %#x", len(part), sum)
	}
}

// TestPartReader: a part read in any steps is the same.
func TestPartReader(t *testing.T) {
	_, seg := smallSegment()
	want := seg.build(t)
	b := NewBuilder(testShard, seg.base)
	for _, f := range seg.frames {
		if err := b.AddFrame(f.lsn, f.payload, f.count); err != nil {
			t.Fatal(err)
		}
	}
	part, err := b.Part(seg.end)
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(part, want); err != nil {
		t.Error(err)
	}
}
