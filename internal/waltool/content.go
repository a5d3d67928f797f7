package waltool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gantrymq/gantry/core/record"
)

// Content is what a record says, in the order in which it is shown.
type Content []Field

// Field is one part of it.
type Field struct {
	Name  string
	Value any
}

// String shows the fields as name=value; a string is quoted where it needs to be.
func (c Content) String() string {
	var b strings.Builder
	for i, f := range c {
		if i > 0 {
			b.WriteByte(' ')
		}
		value := fmt.Sprint(f.Value)
		if strings.ContainsFunc(value, odd) || value == "" {
			value = strconv.Quote(value)
		}
		b.WriteString(f.Name + "=" + value)
	}
	return b.String()
}

// odd is a character that would blur where a value ends, or disturb a terminal.
func odd(r rune) bool { return r == ' ' || r == '"' || !strconv.IsPrint(r) }

// MarshalJSON makes one object, its keys in order.
func (c Content) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range c {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(f.Value)
		if err != nil {
			return nil, err
		}
		b.WriteString(strconv.Quote(f.Name) + ":")
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// kindNames are the kinds that this version knows.
var kindNames = map[record.Kind]string{
	record.KindData:     "data",
	record.KindPop:      "pop",
	record.KindAck:      "ack",
	record.KindOffset:   "offset",
	record.KindServer:   "server",
	record.KindTopic:    "topic",
	record.KindGroup:    "group",
	record.KindTopicEnd: "topic-end",
	record.KindGroupEnd: "group-end",
	record.KindTrim:     "trim",
	record.KindGap:      "gap",
	record.KindRoll:     "roll",
	record.KindPublish:  "publish",
	record.KindTimer:    "timer",
	record.KindRelocate: "relocate",
	record.KindLock:     "lock",
	record.KindSetting:  "setting",
}

func kindName(kind record.Kind) string {
	if name := kindNames[kind]; name != "" {
		return name
	}
	return fmt.Sprintf("%#x", byte(kind))
}

// describer turns entries into content. It learns the names that ids stand for.
type describer struct {
	bodies         bool
	topics, groups map[uint64]string
}

func (d *describer) describe(entry record.Entry) Content {
	switch e := entry.(type) {
	case *record.Data:
		return d.message(e)
	case *record.Pop:
		return d.pop(e)
	case *record.Ack:
		return d.ack(e)
	case *record.Offset:
		return Content{
			{"group", named(d.groups, uint64(e.Group))},
			{"topic", named(d.topics, uint64(e.Topic))},
			{"queue", e.Queue},
			{"offset", int64(e.Offset)},
			{"op", offsetOp(e.Op)},
		}
	case *record.Lock:
		return Content{
			{"group", named(d.groups, uint64(e.Group))},
			{"topic", named(d.topics, uint64(e.Topic))},
			{"queue", e.Queue},
			{"owner", e.Owner},
		}
	case *record.Setting:
		return Content{{"key", e.Key}, {"value", e.Value}}
	case *record.Server:
		return Content{{"cluster", e.Cluster}, {"broker", e.Broker}}
	case *record.Topic:
		d.topics[uint64(e.ID)] = e.Config.Name
		c := Content{
			{"id", uint64(e.ID)},
			{"name", e.Config.Name},
			{"read_queues", e.Config.ReadQueues},
			{"write_queues", e.Config.WriteQueues},
			{"perm", int(e.Config.Perm)},
		}
		if e.Config.System {
			c = append(c, Field{"system", true})
		}
		return c
	case *record.Group:
		d.groups[uint64(e.ID)] = e.Config.Name
		return Content{{"id", uint64(e.ID)}, {"name", e.Config.Name}}
	case *record.TopicEnd:
		return Content{{"id", uint64(e.ID)}, {"name", named(d.topics, uint64(e.ID))}}
	case *record.GroupEnd:
		return Content{{"id", uint64(e.ID)}, {"name", named(d.groups, uint64(e.ID))}}
	case *record.Trim:
		return d.trim(e)
	case *record.Gap:
		return Content{{"from", int64(e.From)}, {"offsets", int64(e.Offsets)}}
	case *record.Publish:
		why := Field{"deliver_at", e.DeliverAt}
		if e.Commits() {
			why = Field{"commit", true}
		}
		return Content{
			{"topic", named(d.topics, uint64(e.Topic))},
			{"queue", e.Queue},
			{"offset", int64(e.Offset)},
			{"message", int64(e.ID)},
			{"at", int64(e.At)},
			why,
			{"store_time", e.StoreTime},
		}
	case *record.Txn:
		return Content{{e.Op.String(), int64(e.ID)}}
	case *record.Timer:
		return Content{{"cancel", int64(e.ID)}, {"deliver_at", e.DeliverAt}}
	case *record.Relocate:
		return d.message(&e.Data)
	case *record.Roll:
		return Content{{"reason", rollReason(e.Reason)}}
	}
	return nil
}

// pop shows who was given what; of ordered groups also what waits.
func (d *describer) pop(e *record.Pop) Content {
	c := Content{
		{"group", named(d.groups, uint64(e.Group))},
		{"topic", named(d.topics, uint64(e.Topic))},
		{"queue", e.Queue},
		{"leased", messageList(e.Leased)},
		{"pop_time", e.PopTime},
		{"invisible", e.Invisible},
		{"read_to", int64(e.ReadTo)},
	}
	if e.FIFO {
		c = append(c, Field{"fifo", true}, Field{"parked", messageList(e.Parked)}, Field{"resumed", messageList(e.Resumed)})
	}
	return c
}

// ack shows what was settled.
func (d *describer) ack(e *record.Ack) Content {
	c := Content{
		{"group", named(d.groups, uint64(e.Group))},
		{"topic", named(d.topics, uint64(e.Topic))},
		{"queue", e.Queue},
		{"op", ackOp(e.Op)},
		{"offsets", offsetList(e.Offsets)},
	}
	if e.Op == record.AckChange {
		c = append(c, Field{"pop_time", e.PopTime}, Field{"invisible", e.Invisible})
	}
	return c
}

func messageList(list []record.PopMessage) string {
	offsets := make([]int64, len(list))
	for i := range list {
		offsets[i] = int64(list[i].Offset)
	}
	return offsetList(offsets)
}

// offsetList shows offsets; those that follow one another as a range.
func offsetList[T ~int64](offsets []T) string {
	var b strings.Builder
	for i := 0; i < len(offsets); {
		n := 1
		for i+n < len(offsets) && offsets[i+n] == offsets[i]+T(n) {
			n++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprint(&b, offsets[i])
		if n > 1 {
			fmt.Fprint(&b, "-", offsets[i+n-1])
		}
		i += n
	}
	return b.String()
}

func ackOp(op record.AckOp) string {
	switch op {
	case record.AckDead:
		return "dead"
	case record.AckChange:
		return "change"
	}
	return "done"
}

// named returns the name that an id stands for, or #id before it was learned.
func named(names map[uint64]string, id uint64) string {
	if name, known := names[id]; known {
		return name
	}
	return fmt.Sprintf("#%d", id)
}

// trim shows where the log begins, and the first offset of each queue.
func (d *describer) trim(e *record.Trim) Content {
	queues := make([]string, len(e.Queues))
	for i, q := range e.Queues {
		queues[i] = fmt.Sprintf("%s/%d:%d", named(d.topics, uint64(q.Topic)), q.Queue, q.Min)
	}
	return Content{{"before", int64(e.Before)}, {"queues", strings.Join(queues, ",")}}
}

func offsetOp(op record.OffsetOp) string {
	switch op {
	case record.OffsetCommit:
		return "commit"
	case record.OffsetReset:
		return "reset"
	case record.OffsetTaken:
		return "taken"
	}
	return strconv.Itoa(int(op))
}

func rollReason(reason record.RollReason) string {
	switch reason {
	case record.RollFirst:
		return "first"
	case record.RollSize:
		return "size"
	case record.RollTime:
		return "time"
	}
	return strconv.Itoa(int(reason))
}

func (d *describer) message(e *record.Data) Content {
	w := e.Wire
	d.topics[uint64(e.Topic)] = string(w.Topic())
	c := Content{
		{"topic", string(w.Topic())}, {"queue", e.Queue}, {"offset", w.QueueOffset()}, {"body_bytes", len(w.Body())},
	}
	if e.Prepared() {
		c = append(c, Field{"prepared", true}, Field{"address", w.PhysicalOffset()})
	} else if e.DeliverAt != 0 {
		c = append(c, Field{"deliver_at", e.DeliverAt}, Field{"address", w.PhysicalOffset()})
	}
	for _, p := range []struct{ name, property string }{
		{"tag", record.PropTags}, {"keys", "KEYS"}, {"id", record.PropUniqueKey},
	} {
		if value := record.Property(w.Properties(), p.property); value != nil {
			c = append(c, Field{p.name, string(value)})
		}
	}
	if !d.bodies {
		return c
	}
	if body := w.Body(); utf8.Valid(body) {
		return append(c, Field{"body", string(body)})
	}
	return append(c, Field{"body_base64", w.Body()})
}
