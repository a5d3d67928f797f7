package sim

import (
	"fmt"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// delayProperties are those of a delayed message: level=3 sec=5 ms=250 at=90s start=90s id=k
// at and start count from the start of the script.
func delayProperties(l line) (text string) {
	add := func(key, value string) { text += key + "\x01" + value + "\x02" }
	for _, p := range []struct{ arg, property string }{
		{"delay", "DELAY"}, {"sec", "TIMER_DELAY_SEC"}, {"ms", "TIMER_DELAY_MS"}, {"id", "UNIQ_KEY"},
	} {
		if l.has(p.arg) {
			add(p.property, l.text(p.arg, ""))
		}
	}
	for _, p := range []struct{ arg, property string }{{"at", "TIMER_DELIVER_MS"}, {"start", "__STARTDELIVERTIME"}} {
		if l.has(p.arg) {
			add(p.property, fmt.Sprint(epoch+l.duration(p.arg).Milliseconds()))
		}
	}
	return text
}

// cmdRecall takes a delayed message back: recall topic=t id=k at=90s
func (s *stage) cmdRecall() {
	c := s.client()
	say := s.answer()
	r := shard.Recall{
		Topic: s.line.text("topic", "t"), DeliverAt: epoch + s.line.duration("at").Milliseconds(), UniqueKey: s.line.text("id", ""),
	}
	if s.line.has("prepared") {
		r.DeliverAt = model.Prepared
	}
	c.Recall(r, func(err error) {
		if err != nil {
			say("%s", refusal(err))
			return
		}
		say("taken back")
	})
	s.submit(c)
}

// cmdDelayed counts delayed messages, since the server was started: delayed
func (s *stage) cmdDelayed() {
	n := s.server().Stats()
	s.say("%d wait; published %d, taken back %d, relocated %d; %d segments, %d forgotten", n.Pending, n.Published, n.Recalled, n.Relocated, n.Segments, n.Forgotten)
}

// cmdFill sends messages of 10 KiB to another topic, as one client, one after the other: fill n=10
func (s *stage) cmdFill() {
	c := s.client()
	for range s.line.number("n", 1) {
		m := shard.Message{Topic: "filler", AutoCreate: 1, Body: letters[:10<<10], Born: epoch}
		c.Send(&shard.Batch{Messages: []shard.Message{m}}, func(_ []shard.SendResult, err error) {
			if err != nil {
				s.say("%s", refusal(err))
			}
		})
		s.submit(c)
	}
}

// cmdLook looks for a message by the address that its send was answered with, and
// by its unique key: look topic=t id=k
func (s *stage) cmdLook() {
	c, id := s.client(), s.line.text("id", "")
	describe := func(by string) func(*shard.Records, error) {
		say := s.answer()
		return func(r *shard.Records, err error) {
			if err != nil {
				say("by %s %s", by, refusal(err))
				return
			}
			for _, m := range must(receive(r.Bytes())) {
				say("by %s: offset %s, stored at %v, %s%s", by, describeOffset(m.offset), time.Duration(m.stored-epoch)*time.Millisecond, m.body, describeTransaction(&m))
			}
			r.Release()
		}
	}
	c.Lookup(s.places[id], describe("address"))
	c.Query(shard.KeyQuery{Topic: s.line.text("topic", "t"), Key: id, Unique: true}, describe("key"))
	s.submit(c)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// cmdCrowd sends small messages that are due at the same time: crowd n=100 at=10s
func (s *stage) cmdCrowd() {
	c := s.client()
	for i := range s.line.number("n", 1) {
		m := shard.Message{Topic: s.line.text("topic", "t"), Born: epoch, Body: fmt.Append(nil, i), Properties: []byte(delayProperties(s.line))}
		c.Send(&shard.Batch{Messages: []shard.Message{m}}, func(results []shard.SendResult, err error) {
			if err != nil || results[0].Err != nil {
				s.say("%v %v", err, results[0].Err)
			}
		})
	}
	s.submit(c)
}
