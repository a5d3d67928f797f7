package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// cmdSend sends a message: send topic=t queue=0 tag=a body=hello auto=4 durability=synced delay=3 size=5m
func (s *stage) cmdSend() { s.send(false, s.message(s.line)) }

// cmdBatch sends the messages of the lines below: each has its own fate.
func (s *stage) cmdBatch() { s.send(false, s.messages()...) }

// cmdUnit sends them as one: all or nothing.
func (s *stage) cmdUnit() { s.send(true, s.messages()...) }

func (s *stage) messages() (all []shard.Message) {
	for text := range strings.SplitSeq(strings.TrimSpace(s.line.Input), "\n") {
		all = append(all, s.message(parseLine("send", text)))
	}
	return all
}

func (s *stage) message(l line) shard.Message {
	m := shard.Message{
		Topic: l.text("topic", "t"), Queue: int32(l.number("queue", 0)), AutoCreate: int32(l.number("auto", 0)),
		Durability: l.durability("durability"), Born: epoch, Body: []byte(l.text("body", "")),
	}
	m.Kind = map[string]model.Kind{"NORMAL": model.KindNormal, "FIFO": model.KindFIFO, "DELAY": model.KindDelay}[l.text("kind", "")]
	if n := l.bytes("size", 0); n > 0 {
		m.Body = letters[:n]
	}
	if tag := l.text("tag", ""); tag != "" {
		m.Properties = append(m.Properties, "TAGS\x01"+tag+"\x02"...)
	}
	if key := l.text("key", ""); key != "" {
		m.Properties = append(m.Properties, "__SHARDINGKEY\x01"+key+"\x02"...)
	}
	if x := l.text("x", ""); x != "" {
		m.Properties = append(m.Properties, "x\x01"+x+"\x02"...)
	}
	m.Properties = append(m.Properties, delayProperties(l)...)
	m.Properties = append(m.Properties, txnProperties(l)...)
	return m
}

func (s *stage) send(unit bool, all ...shard.Message) {
	c := s.client()
	say := s.answer()
	c.Send(&shard.Batch{Messages: all, Unit: unit}, func(results []shard.SendResult, err error) {
		if err != nil {
			say("%s", refusal(err))
			return
		}
		var lines []string
		for i := range results {
			lines = append(lines, describeResult(all[i].Topic, &results[i]))
			s.places[string(results[i].UniqueKey)] = results[i].Address
		}
		say("%s", strings.Join(lines, "\n"))
	})
	s.submit(c)
}

func describeResult(topic string, r *shard.SendResult) string {
	if r.Err != nil {
		return refusal(r.Err)
	}
	if r.DeliverAt != 0 {
		return fmt.Sprintf("%s/%d at %v", topic, r.Queue.Num, time.Duration(r.DeliverAt-epoch)*time.Millisecond)
	}
	if r.Prepared {
		return fmt.Sprintf("%s/%d prepared", topic, r.Queue.Num)
	}
	return fmt.Sprintf("%s/%d offset %s", topic, r.Queue.Num, describeOffset(int64(r.Offset)))
}

// describeOffset writes an offset. Those behind gaps are told from the last gap's end.
func describeOffset(offset int64) string {
	if gaps := offset / gapJump; gaps > 0 {
		return fmt.Sprintf("%d+%d gap", offset%gapJump, gaps)
	}
	return fmt.Sprint(offset)
}

// gapJump is how far offsets jump after a power cut: the unsynced window of 4 MiB,
// a send of 8 MiB and two frames of 8 MiB, 16 bytes a message.
const gapJump = (4<<20 + 8<<20 + 2*8<<20) / 16
