package index

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// testLog is a log with what is in it, by the plainest means.
type testLog struct {
	end      model.LSN
	now      int64
	segments []*testSegment
	next     [testSlots]model.Offset
	messages [testSlots][]testMessage
}

type testSegment struct {
	base, end model.LSN
	after     model.LSN // where the one before ended
	began     int64
	frames    []testFrame
	part      []byte // once it is sealed
}

type testFrame struct {
	lsn     model.LSN // of the payload
	payload []byte
	count   uint32
	adds    []testAdd
}

type testAdd struct {
	slot uint32
	testMessage
}

type testMessage struct {
	Place
	keys []string
}

const (
	testShard   = 3
	testTopics  = 2
	testQueues  = 2
	testSlots   = testTopics * testQueues
	frameHeader = 48
)

func newTestLog() *testLog {
	l := &testLog{now: 1_700_000_000_000}
	l.roll(0)
	return l
}

// slotOf gives the slots in another order than that of the directory.
func slotOf(topic model.TopicID, queue int32) (uint32, bool) {
	return uint32(testTopics-topic)*testQueues + uint32(queue), true
}

// roll begins a segment, which a gap may precede.
func (l *testLog) roll(gap model.LSN) {
	var first record.Entry = &record.Roll{}
	if n := len(l.segments); n > 0 {
		l.segments[n-1].end = l.end
	}
	if gap > 0 {
		first = &record.Gap{From: l.end}
	}
	l.segments = append(l.segments, &testSegment{base: l.end + gap, after: l.end, began: l.now})
	l.end += gap
	l.frame([]record.Entry{first})
}

func (l *testLog) last() *testSegment { return l.segments[len(l.segments)-1] }

// frame appends a frame of records that are no messages.
func (l *testLog) frame(records []record.Entry) {
	f := testFrame{lsn: l.end + frameHeader}
	for _, e := range records {
		f.payload = record.Append(f.payload, e)
		f.count++
	}
	l.append(f)
}

func (l *testLog) append(f testFrame) {
	l.end = f.lsn + model.LSN(len(f.payload))
	l.last().frames = append(l.last().frames, f)
}

// send appends a frame of n messages to a queue.
func (l *testLog) send(topic model.TopicID, queue int32, n, bodyLen int, step int64, keys func(i int) []string) {
	slot, _ := slotOf(topic, queue)
	f := testFrame{lsn: l.end + frameHeader}
	for i := range n {
		l.now += step
		lsn, words := f.lsn+model.LSN(len(f.payload)), keys(i)
		d := testData(topic, queue, l.next[slot], lsn, l.now, bodyLen, words)
		f.payload = record.Append(f.payload, d)
		f.count++
		m := testMessage{keys: words, Place: Place{
			Offset: l.next[slot], LSN: lsn, Segment: l.last().base,
			Size: record.Size(d), Tag: d.TagHash, Time: l.now,
		}}
		f.adds = append(f.adds, testAdd{slot, m})
		l.messages[slot] = append(l.messages[slot], m)
		l.next[slot]++
	}
	l.append(f)
}

func topicName(topic model.TopicID) string { return fmt.Sprintf("topic%d", topic) }

// testData makes a message; its first key is the unique one.
func testData(topic model.TopicID, queue int32, offset model.Offset, lsn model.LSN, now int64, bodyLen int, keys []string) *record.Data {
	m := record.Message{Topic: topicName(topic), Body: bytes.Repeat([]byte{'b'}, bodyLen)}
	m.Properties = record.AppendProperty(m.Properties, record.PropUniqueKey, []byte(keys[0]))
	if len(keys) > 1 {
		words := []byte{}
		for _, k := range keys[1:] {
			words = append(append(words, k...), ' ')
		}
		m.Properties = record.AppendProperty(m.Properties, propKeys, words)
	}
	w := record.Wire(m.Append(nil))
	w.Place(queue, int64(offset), int64(model.AddressOf(testShard, lsn)), now)
	return &record.Data{Topic: topic, Queue: queue, TagHash: int32(offset) * -7, Wire: w}
}

// replay enters the segments in [from, to) into an index.
func (l *testLog) replay(t testing.TB, x *Index, from, to model.LSN) {
	t.Helper()
	for _, s := range l.segments {
		if s.base < from || s.base >= to {
			continue
		}
		x.Roll(s.base, s.began)
		for _, f := range s.frames {
			addFrame(t, x, f)
		}
		if s != l.last() && s.base >= x.skip {
			x.Ended(s.end)
		}
	}
}

func addFrame(t testing.TB, x *Index, f testFrame) {
	t.Helper()
	for _, a := range f.adds {
		if err := x.Add(a.slot, a.Offset, a.LSN, a.Size, a.Tag, a.Time); err != nil {
			t.Fatal(err)
		}
	}
}

// build builds the part of a segment.
func (s *testSegment) build(t testing.TB) []byte {
	t.Helper()
	b := NewBuilder(testShard, s.base)
	for _, f := range s.frames {
		if err := b.AddFrame(f.lsn, f.payload, f.count); err != nil {
			t.Fatal(err)
		}
	}
	return partOf(t, b, s.end)
}

// partOf returns what a builder makes of the frames that it was given.
func partOf(t testing.TB, b *Builder, end model.LSN) []byte {
	t.Helper()
	part, err := b.Part(end)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(part)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func openPart(t testing.TB, part []byte) *Sealed {
	t.Helper()
	s, err := OpenSealed(bytes.NewReader(part), int64(len(part)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
