package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

const (
	// retention of topics that keep messages for a time.
	retention = 10 * time.Second
	// lateness is how far behind the readers of topics are that keep messages until
	// they are consumed.
	lateness = 3 * retention
	// lifetime is how long a topic lives that is deleted and made anew.
	lifetime = 25 * time.Second

	bodySize = 1 << 10
	group    = "soak-readers"
)

// topic is one topic with one queue, its writer and its reader.
type topic struct {
	*worker
	name     string
	consumed bool // messages stay until they are consumed
	mortal   bool // deleted and made anew
	ledger   *ledger
	sequence int64
	exists   bool
	unsure   bool // the connection is new
	since    time.Time
	caught   time.Time // up to when a late reader has read
	body     []byte
}

func newTopic(w *worker, number int) *topic {
	return &topic{
		worker: w, name: fmt.Sprintf("soak-%03d", number), ledger: newLedger(), body: make([]byte, bodySize),
		consumed: number%10 == 7, mortal: number%10 == 3,
		// Not all at the same time.
		caught: time.Now().Add(-time.Duration(number) * lateness / 100),
		since:  time.Now().Add(-time.Duration(number) * lifetime / 100),
	}
}

// turn is what a worker does with the topic each time it comes round.
func (t *topic) turn(ctx context.Context) error {
	steps := []func() error{t.ensure, t.compare, t.send, t.read, t.end}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// check notes a violation of the ledger's rules.
func (t *topic) check(err error) {
	if err != nil {
		t.soak.violate("topic %s: %v", t.name, err)
	}
}

func (t *topic) queue(keysAndValues ...string) []string {
	return append([]string{"topic", t.name, "queueId", "0"}, keysAndValues...)
}

// ensure makes the topic.
func (t *topic) ensure() error {
	if t.exists {
		return nil
	}
	attributes := "+retention.ms=" + strconv.FormatInt(retention.Milliseconds(), 10)
	if t.consumed {
		attributes += ",+retention=consumed"
	}
	_, err := t.call(wire.NewRequest(wire.UpdateAndCreateTopic, "topic", t.name, "readQueueNums", "1", "writeQueueNums", "1",
		"perm", "6", "attributes", attributes))
	if err != nil {
		return err
	}
	t.exists = true
	return t.commit() // a group without an offset keeps nothing
}

// compare asks whether the topic is as it was: always after a new connection, and
// now and then.
func (t *topic) compare() error {
	if !t.unsure && t.sequence%32 != 0 {
		return nil
	}
	t.unsure = false
	first, err := t.offset(wire.GetMinOffset)
	if err != nil {
		return err
	}
	next, err := t.offset(wire.GetMaxOffset)
	if err != nil {
		return err
	}
	t.check(t.ledger.bounds(first, next))
	answer, err := t.call(wire.NewRequest(wire.QueryConsumerOffset, t.queue("consumerGroup", group, "setZeroIfNotFound", "false")...), wire.QueryNotFound)
	if err != nil {
		return err
	}
	committed := int64(-1)
	if answer.Code == int32(wire.Success) {
		committed = number(answer, "offset")
	}
	if committed < t.ledger.committed {
		t.soak.violate("topic %s: the group's offset went back from %d to %d", t.name, t.ledger.committed, committed)
	}
	return nil
}

func (t *topic) offset(code wire.RequestCode) (int64, error) {
	answer, err := t.call(wire.NewRequest(code, t.queue()...))
	if err != nil {
		return 0, err
	}
	return number(answer, "offset"), nil
}

func number(answer *wire.Command, field string) int64 {
	n, err := strconv.ParseInt(answer.Ext.Text(field), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// send sends the messages of one turn, and looks the last one up by its key.
func (t *topic) send() error {
	n := max(1, t.soak.rate*int(tick/time.Millisecond)/1000/t.soak.topics)
	key := ""
	for range n {
		t.sequence++
		key = strconv.FormatInt(t.sequence, 10)
		copy(t.body, fmt.Appendf(nil, "%d %s\n", t.sequence, t.name))
		cmd := wire.NewRequest(wire.SendMessage, t.queue("producerGroup", "soak-writers", "defaultTopic", "TBW102", "defaultTopicQueueNums", "1",
			"sysFlag", "0", "bornTimestamp", strconv.FormatInt(time.Now().UnixMilli(), 10), "flag", "0",
			"properties", "KEYS\x01"+key+"\x02", "reconsumeTimes", "0")...)
		cmd.Body = t.body
		before := time.Now()
		answer, err := t.call(cmd)
		if err != nil {
			// With an answer that refuses too: 14 may be that of a log that is closing.
			t.ledger.doubtful[t.sequence] = true
			t.soak.doubtful.Add(1)
			return err
		}
		t.soak.sent.Add(1)
		t.check(t.ledger.stored(number(answer, "queueOffset"), t.sequence, before))
	}
	if t.sequence%16 != 0 {
		return nil
	}
	answer, err := t.call(wire.NewRequest(wire.QueryMessage, "topic", t.name, "key", key, "maxNum", "8",
		"beginTimestamp", "0", "endTimestamp", "9223372036854775807"), wire.QueryNotFound)
	if err != nil {
		return err
	}
	if found, err := wire.DecodeMessages(nil, answer.Body); err != nil || len(found) != 1 {
		t.soak.violate("topic %s: %d messages have the key %s, which one was just sent with: %v", t.name, len(found), key, err)
	}
	return nil
}

// read reads what there is. Of a topic that keeps messages until they are consumed
// only what is old.
func (t *topic) read() error {
	if t.consumed && time.Since(t.caught) < lateness {
		return nil
	}
	t.caught = time.Now()
	for {
		answer, err := t.call(wire.NewRequest(wire.PullMessage, t.queue("consumerGroup", group, "queueOffset", strconv.FormatInt(t.ledger.position, 10),
			"maxMsgNums", "32", "sysFlag", "0", "commitOffset", "0", "suspendTimeoutMillis", "0", "subVersion", "0")...),
			wire.PullNotFound, wire.PullOffsetMoved, wire.PullRetryImmediately)
		if err != nil {
			return err
		}
		next := number(answer, "nextBeginOffset")
		switch wire.ResponseCode(answer.Code) {
		case wire.PullNotFound:
			return t.commit()
		case wire.Success:
			t.take(answer.Body)
		default:
			if next <= t.ledger.position {
				t.soak.violate("topic %s: at %d the server says %d and names %d", t.name, t.ledger.position, answer.Code, next)
				return nil
			}
			t.moved(next)
		}
	}
}

// drain reads all that is left, and finds what should be there and is not.
func (t *topic) drain() error {
	t.caught = time.Time{}
	if err := t.ensure(); err != nil {
		return err
	}
	if err := t.compare(); err != nil {
		return err
	}
	if err := t.read(); err != nil {
		return err
	}
	t.check(t.ledger.skip(t.ledger.next, 0, time.Now()))
	return nil
}

// moved goes where the server says that there is something.
func (t *topic) moved(to int64) {
	age := retention
	if t.consumed {
		age = 0
	}
	before := len(t.ledger.acked)
	t.check(t.ledger.skip(to, age, time.Now()))
	t.soak.expired.Add(int64(before - len(t.ledger.acked)))
}

func (t *topic) take(body []byte) {
	found, err := wire.DecodeMessages(nil, body)
	if err != nil || len(found) == 0 {
		t.soak.violate("topic %s: %d messages and %v", t.name, len(found), err)
	}
	for i := range found {
		text, _, _ := bytes.Cut(found[i].Body, []byte("\n"))
		sequence, name, _ := bytes.Cut(text, []byte(" "))
		n, err := strconv.ParseInt(string(sequence), 10, 64)
		if err != nil || string(name) != t.name || len(found[i].Body) != bodySize {
			t.soak.violate("topic %s: offset %d holds %q", t.name, found[i].QueueOffset, text)
			continue
		}
		t.check(t.ledger.read(found[i].QueueOffset, n, time.Now()))
		t.soak.read.Add(1)
	}
}

func (t *topic) commit() error {
	if t.ledger.committed == t.ledger.position {
		return nil
	}
	_, err := t.call(wire.NewRequest(wire.UpdateConsumerOffset, t.queue("consumerGroup", group, "commitOffset", strconv.FormatInt(t.ledger.position, 10))...))
	if err == nil {
		t.ledger.committed = t.ledger.position
	}
	return err
}

// end deletes a topic whose time has come; the next turn makes it anew.
func (t *topic) end() error {
	if !t.mortal || time.Since(t.since) < lifetime {
		return nil
	}
	t.exists = false // whatever comes of it
	t.ledger.deleted()
	if _, err := t.call(wire.NewRequest(wire.DeleteTopicInBroker, "topic", t.name)); err != nil {
		return err
	}
	t.since = time.Now()
	t.soak.deletions.Add(1)
	return nil
}
