package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
)

// smallSegment is a complete segment with a few messages in every queue.
func smallSegment() (*testLog, *testSegment) {
	l := newTestLog()
	for i := range 8 {
		topic, queue := model.TopicID(i%testTopics+1), int32(i/2%testQueues)
		l.send(topic, queue, 3, 10, 5, func(k int) []string { return []string{fmt.Sprint("u", i, k), "all", fmt.Sprint("k", k)} })
		if i == 4 {
			l.next[0] += 5
		}
	}
	l.roll(0)
	return l, l.segments[0]
}

// answer is what one look-up says.
type answer struct {
	places []Place
	size   int
	ok     bool
	keys   []model.LSN
	err    error
}

// answers asks a part all that can be asked of a segment.
func answers(s *Sealed, seg *testSegment) (all []answer) {
	var runs []Extent
	err := s.Extents(0, s.Runs(), func(e Extent) bool { runs = append(runs, e); return true })
	var list answer
	for _, e := range runs {
		list.places = append(list.places, Place{Offset: e.First, LSN: model.LSN(e.Topic), Size: int(e.Queue), Time: e.LastTime})
	}
	list.err = err
	all = append(all, list)
	for i := range s.directory { // as verified when it was opened
		e := s.extentOf(&s.directory[i])
		var a answer
		a.err = e.Read(e.First, e.End, func(p Place) bool { a.places = append(a.places, p); return true })
		all = append(all, a)
		p, ok, err := e.FindTime(e.FirstTime + 1)
		all = append(all, answer{places: []Place{p}, ok: ok, err: err})
	}
	for _, f := range seg.frames[1:] {
		for _, lsn := range []model.LSN{f.adds[2].LSN, f.adds[0].LSN + 40} {
			size, ok, err := s.Record(lsn)
			all = append(all, answer{size: size, ok: ok, err: err})
		}
	}
	for _, k := range []string{"u00", "u71", "all", "k1", "none"} {
		var a answer
		a.err = s.Keys(HashKey(topicName(1), k), func(lsn model.LSN) bool { a.keys = append(a.keys, lsn); return true })
		all = append(all, a)
	}
	return all
}

// sameOrError: every look-up fails, or says what the undamaged part says.
func sameOrError(t *testing.T, what string, want []answer, part []byte, size int, seg *testSegment) (errs int) {
	t.Helper()
	s, err := OpenSealed(bytes.NewReader(part), int64(size))
	if err != nil {
		if !errors.Is(err, ErrDamaged) {
			t.Fatalf("%s: %v", what, err)
		}
		return 1
	}
	got := answers(s, seg)
	if len(got) != len(want) {
		t.Fatalf("%s: %d answers, want %d", what, len(got), len(want))
	}
	for i := range got {
		switch {
		case got[i].err != nil:
			if !errors.Is(got[i].err, ErrDamaged) {
				t.Fatalf("%s: %v", what, got[i].err)
			}
			errs++
		case !slices.Equal(got[i].places, want[i].places), got[i].size != want[i].size, got[i].ok != want[i].ok, !slices.Equal(got[i].keys, want[i].keys):
			t.Fatalf("%s: answer %d is %+v, want %+v", what, i, got[i], want[i])
		}
	}
	return errs
}

func TestEveryDamagedByteIsNoticed(t *testing.T) {
	t.Parallel()
	_, seg := smallSegment()
	part := seg.build(t)
	want := answers(openPart(t, part), seg)
	for at := range part {
		for bit := range 8 {
			if testing.Short() && bit != at%8 {
				continue
			}
			part[at] ^= 1 << bit
			if sameOrError(t, fmt.Sprintf("byte %d, bit %d", at, bit), want, part, len(part), seg) == 0 {
				t.Fatalf("byte %d, bit %d: not noticed by any look-up", at, bit)
			}
			part[at] ^= 1 << bit
		}
	}
}

func TestTruncatedPart(t *testing.T) {
	_, seg := smallSegment()
	part := seg.build(t)
	want := answers(openPart(t, part), seg)
	for n := range len(part) {
		if sameOrError(t, fmt.Sprintf("%d bytes", n), want, part[:n], n, seg) == 0 {
			t.Fatalf("%d bytes of %d are taken for a part", n, len(part))
		}
		if n%101 == 0 && sameOrError(t, fmt.Sprintf("%d bytes under an open file", n), want, part[:n], len(part), seg) == 0 {
			t.Fatalf("%d bytes of %d under an open file: not noticed", n, len(part))
		}
	}
	if _, err := OpenSealed(bytes.NewReader(append(part, 0)), int64(len(part)+1)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte more: %v", err)
	}
}

// TestBlocksOutOfPlace: whole blocks that verify, but belong elsewhere.
func TestBlocksOutOfPlace(t *testing.T) {
	l, seg := smallSegment()
	l.send(1, 0, 3, 10, 5, func(k int) []string { return []string{fmt.Sprint("other", k)} })
	l.roll(0)
	part, other := seg.build(t), l.segments[1].build(t)
	want := answers(openPart(t, part), seg)
	blockOf := func(b []byte, i int) []byte { return b[i*blockSize : (i+1)*blockSize] }
	for i := range len(part) / blockSize {
		for k := range len(part) / blockSize {
			if i != k {
				bad := bytes.Clone(part)
				copy(blockOf(bad, i), blockOf(part, k))
				if sameOrError(t, fmt.Sprintf("block %d in the place of %d", k, i), want, bad, len(bad), seg) == 0 {
					t.Fatalf("block %d in the place of %d: not noticed", k, i)
				}
			}
		}
		bad := bytes.Clone(part)
		clear(blockOf(bad, i))
		if sameOrError(t, fmt.Sprintf("block %d lost", i), want, bad, len(bad), seg) == 0 {
			t.Fatalf("block %d lost: not noticed", i)
		}
		if i > 0 && i < len(other)/blockSize {
			copy(blockOf(bad, i), blockOf(other, i))
			if sameOrError(t, fmt.Sprintf("block %d of another segment", i), want, bad, len(bad), seg) == 0 {
				t.Fatalf("block %d of another segment: not noticed", i)
			}
		}
	}
}

func TestNewerVersionIsNamed(t *testing.T) {
	_, seg := smallSegment()
	part := seg.build(t)
	part[8] = version + 1
	resum(part)
	if _, err := OpenSealed(bytes.NewReader(part), int64(len(part))); !errors.Is(err, ErrVersion) {
		t.Fatal(err)
	}
}

// resum makes all checksums right.
func resum(part []byte) {
	seed := uint32(0)
	for i := 0; (i+1)*blockSize <= len(part); i++ {
		b := part[i*blockSize:]
		sum := blockSum(b[:blockRoom], seed, int64(i))
		binary.LittleEndian.PutUint32(b[blockRoom:], sum)
		if i == 0 {
			seed = sum
		}
	}
}

// FuzzSealed: whatever a part says, with all checksums right, look-ups end and do
// not panic.
func FuzzSealed(f *testing.F) {
	_, seg := smallSegment()
	part := seg.build(f)
	f.Add(part, uint16(0), uint64(0))
	for at := uint16(48); at < 64; at += 4 {
		f.Add(part, at, uint64(1))
	}
	for block := range uint16(len(part) / blockSize) {
		f.Add(part, block*blockSize+17, uint64(1<<63|3))
	}
	f.Fuzz(func(t *testing.T, data []byte, at uint16, flip uint64) {
		data = bytes.Clone(data)
		if int(at)+8 <= len(data) {
			binary.LittleEndian.PutUint64(data[at:], binary.LittleEndian.Uint64(data[at:])^flip)
		}
		resum(data)
		s, err := OpenSealed(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		answers(s, seg)
		x := New()
		slots := func(topic model.TopicID, queue int32) (uint32, bool) {
			return uint32(topic)*testQueues + uint32(queue), topic < testTopics && queue < testQueues
		}
		if x.Load(s, slots) == nil {
			for slot := range uint32(testSlots) {
				x.RangeByTime(slot, 1)
				x.Range(slot, 1)
			}
		}
	})
}
