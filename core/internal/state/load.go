package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/gantrymq/gantry/core/internal/cursor"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// errImage tells that bytes are no image of a state.
var errImage = errors.New("malformed image of the state")

// Load returns the state of which image is a complete snapshot. The image is
// not kept.
func Load(shard model.ShardID, image []byte) (*State, error) {
	l := loader{state: New(shard)}
	// Entries lie in the order in which they were saved: topics come first, then
	// what hangs on them.
	if err := eachEntry(image, l.roots); err != nil {
		return nil, err
	}
	l.state.cursors = make(map[cursorKey]*cursorEntry, l.cursors)
	if err := eachEntry(image, l.leaves); err != nil {
		return nil, err
	}
	return l.state, l.check()
}

// loader builds a state from its image.
type loader struct {
	state   *State
	decoder record.Decoder
	began   bool
	queues  int // seen
	want    int // by their topics
	cursors int
}

func eachEntry(image []byte, fn func(tag byte, content []byte) error) error {
	for len(image) > 0 {
		length, n := binary.Uvarint(image[1:])
		if n <= 0 || length > uint64(len(image)-1-n) {
			return errImage
		}
		from := 1 + n
		if err := fn(image[0], image[from:from+int(length)]); err != nil {
			return err
		}
		image = image[from+int(length):]
	}
	return nil
}

func (l *loader) roots(tag byte, content []byte) error {
	switch tag {
	case tagServer:
		return l.server(content)
	case tagTopic:
		return l.topic(content)
	case tagGroup:
		return l.group(content)
	case tagGrave:
		return l.grave(content)
	case tagMarks:
		return l.marks(content)
	case tagEnded:
		return l.ended(content)
	case tagSetting:
		return l.setting(content)
	case tagQueue, tagLock, tagDelayed:
		return nil
	case tagCursor:
		l.cursors++
		return nil
	}
	return fmt.Errorf("%w: entry of kind %d", errImage, tag)
}

func (l *loader) leaves(tag byte, content []byte) error {
	switch tag {
	case tagQueue:
		return l.queue(content)
	case tagCursor:
		return l.cursor(content)
	case tagDelayed:
		return l.delayed(content)
	case tagLock:
		return l.lock(content)
	}
	return nil
}

// fields reads uvarints; bad sticks.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) next(limit uint64) uint64 {
	v, n := binary.Uvarint(f.b)
	if n <= 0 || v > limit {
		f.bad = true
		return 0
	}
	f.b = f.b[n:]
	return v
}

func (f *fields) byte() byte {
	if len(f.b) == 0 {
		f.bad = true
		return 0
	}
	v := f.b[0]
	f.b = f.b[1:]
	return v
}

func (f *fields) u32() uint32 {
	if len(f.b) < 4 {
		f.bad = true
		return 0
	}
	v := binary.LittleEndian.Uint32(f.b)
	f.b = f.b[4:]
	return v
}

func (f *fields) offset() model.Offset { return model.Offset(f.next(math.MaxInt64)) }

func (f *fields) end() error {
	if f.bad || len(f.b) != 0 {
		return errImage
	}
	return nil
}

// oneRecord decodes the record at the start of what is left.
func oneRecord[T any](l *loader, f *fields) (*T, error) {
	e, n, err := l.decoder.Decode(f.b)
	if err != nil {
		return nil, err
	}
	r, ok := any(e).(*T)
	if !ok {
		return nil, errImage
	}
	f.b = f.b[n:]
	return r, nil
}

func (l *loader) server(content []byte) error {
	f := fields{b: content}
	r, err := oneRecord[record.Server](l, &f)
	if err != nil {
		return err
	}
	if l.began {
		return errImage
	}
	l.began = true
	s := l.state
	s.server = *r
	s.logStart = model.LSN(f.next(math.MaxInt64))
	s.topics = make([]*Topic, f.next(1<<28))
	s.groups = make([]*Group, f.next(1<<28))
	if len(f.b) > 0 { // the first version had no deliveries
		s.popTime = int64(f.next(math.MaxInt64))
		s.popAhead = int64(f.next(math.MaxInt64))
	}
	return f.end()
}

func (l *loader) topic(content []byte) error {
	f := fields{b: content}
	changed := model.LSN(f.next(math.MaxInt64))
	queues := int(f.next(math.MaxInt32))
	r, err := oneRecord[record.Topic](l, &f)
	if err != nil {
		return err
	}
	s := l.state
	if r.ID == 0 || int(r.ID) > len(s.topics) || s.topics[r.ID-1] != nil || s.byName[r.Config.Name] != nil {
		return fmt.Errorf("%w: topic %s twice or out of place", errImage, r.Config.Name)
	}
	t := &Topic{ID: r.ID, Config: r.Config, Changed: changed}
	s.topics[r.ID-1], s.byName[r.Config.Name] = t, t
	s.growQueues(t, queues)
	l.want += queues
	return f.end()
}

func (l *loader) group(content []byte) error {
	f := fields{b: content}
	changed := model.LSN(f.next(math.MaxInt64))
	r, err := oneRecord[record.Group](l, &f)
	if err != nil {
		return err
	}
	s := l.state
	if r.ID == 0 || int(r.ID) > len(s.groups) || s.groups[r.ID-1] != nil || s.byGroup[r.Config.Name] != nil {
		return fmt.Errorf("%w: group %s twice or out of place", errImage, r.Config.Name)
	}
	g := &Group{ID: r.ID, Config: r.Config, Changed: changed}
	s.groups[r.ID-1], s.byGroup[r.Config.Name] = g, g
	return f.end()
}

func (l *loader) grave(content []byte) error {
	f := fields{b: content}
	n := f.next(uint64(len(content)))
	if f.bad || n > uint64(len(f.b)) {
		return errImage
	}
	name := string(f.b[:n])
	f.b = f.b[n:]
	var next []model.Offset
	for len(f.b) > 0 && !f.bad {
		next = append(next, f.offset())
	}
	l.state.bury(name, next)
	return f.end()
}

func (l *loader) queue(content []byte) error {
	f := fields{b: content}
	topic, num := model.TopicID(f.next(math.MaxUint32)), int32(f.next(math.MaxInt32))
	q := l.state.Queue(model.Queue{Shard: l.state.shard, Topic: topic, Num: num})
	if q == nil {
		return fmt.Errorf("%w: queue %d of unknown topic id %d", errImage, num, topic)
	}
	q.Next, q.Min = f.offset(), f.offset()
	for n := f.next(uint64(len(content))); n > 0 && !f.bad; n-- {
		q.gaps = append(q.gaps, gap{f.offset(), f.offset()})
	}
	l.queues++
	return f.end()
}

func (l *loader) cursor(content []byte) error {
	f := fields{b: content}
	id := model.CursorID{Group: model.GroupID(f.next(math.MaxUint32))}
	id.Queue = model.Queue{Shard: l.state.shard, Topic: model.TopicID(f.next(math.MaxUint32)), Num: int32(f.next(math.MaxInt32))}
	c, err := cursor.DecodeImage(f.b, &l.state.memory)
	if err != nil || f.bad {
		return errImage
	}
	known := len(l.state.cursors)
	l.state.addCursor(id).cursor = c
	if len(l.state.cursors) == known { // there were two of it
		return errImage
	}
	return nil
}

// check finds what a complete image cannot lack.
func (l *loader) check() error {
	if !l.began || l.queues != l.want {
		return fmt.Errorf("%w: %d queues of %d", errImage, l.queues, l.want)
	}
	return nil
}
