package sim

import (
	"fmt"
	"log/slog"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// cmdServer starts a server with settings, as the first command:
// server flush=synced auto-topics=no max-message=1k segment=64k
func (s *stage) cmdServer() {
	s.config = shard.Config{
		Flush:             s.line.durability("flush"),
		MaxMessageBytes:   s.line.bytes("max-message", 0),
		SegmentBytes:      int64(s.line.bytes("segment", segmentSize)),
		NoAutoTopics:      s.line.text("auto-topics", "yes") == "no",
		NoAutoGroups:      s.line.text("auto-groups", "yes") == "no",
		MaxTopics:         int(s.line.number("max-topics", 0)),
		TransactionChecks: int(s.line.number("checks", 0)),
		Retention:         model.Retention{Age: s.line.duration("retention")},
	}
	s.server()
}

// server returns the server, started if need be.
func (s *stage) server() *shard.Shard {
	if s.shard == nil {
		s.start()
	}
	return s.shard
}

func (s *stage) start() {
	env := shard.Env{Now: s.clocks, Apart: func(job func()) { s.jobs = append(s.jobs, job) }, Logger: slog.New(slog.DiscardHandler)}
	var err error
	if s.shard, err = shard.Open(s.config, s.box.open(), env); err != nil {
		panic(fmt.Sprintf("%s: the server does not start: %v", s.line.Pos, err))
	}
	s.settle()
	s.settle()
}

// gone forgets a server that has ended.
func (s *stage) gone() {
	s.shard.Forget()
	s.shard, s.jobs = nil, nil
	clear(s.clients)
	clear(s.cancels)
}

func (s *stage) end() {
	if s.shard != nil {
		s.gone()
	}
}

// cmdRestart stops the server in order and starts it: restart
func (s *stage) cmdRestart() {
	s.server().Stop()
	for range 10 {
		stopped := s.shard.Step()
		s.box.sync()
		if stopped {
			s.box.kill() // the process ends, nothing of it is left open
			s.gone()
			s.start()
			return
		}
		s.settle()
	}
	s.say("error: the server does not stop")
}

// cmdCrash kills the process and starts another: crash
func (s *stage) cmdCrash() {
	s.server()
	s.box.kill()
	s.gone()
	s.start()
}

// cmdPowerCut takes all that is not synced, and starts the machine: power-cut
func (s *stage) cmdPowerCut() {
	s.server()
	s.box.cut()
	s.gone()
	s.start()
}

// cmdDisk makes the disk slow, healthy, or broken: disk holds | disk syncs | disk fails
func (s *stage) cmdDisk() {
	switch s.line.first() {
	case "holds":
		s.box.hold(true)
	case "syncs":
		s.box.hold(false)
		s.settle()
	case "fails":
		s.box.fail(errDisk)
	default:
		s.say("error: disk holds, syncs or fails")
	}
}

// cmdTopic makes or changes a topic: topic t queues=4 durability=synced perm=r
func (s *stage) cmdTopic() {
	perm := model.PermRead | model.PermWrite
	switch s.line.text("perm", "rw") {
	case "r":
		perm = model.PermRead
	case "w":
		perm = model.PermWrite
	}
	n := int32(s.line.number("queues", 4))
	config := model.TopicConfig{
		Name: s.line.first(), ReadQueues: n, WriteQueues: n, Perm: perm, Durability: s.line.durability("durability"),
	}
	if kind := s.line.text("kind", ""); kind != "" {
		config.Attributes = map[string]string{model.AttrKind: kind}
	}
	c := s.client()
	say := s.answer()
	c.Admin(shard.PutTopic{Config: config}, func(err error) {
		if err != nil {
			say("%s", refusal(err))
			return
		}
		say("ok")
	})
	s.submit(c)
}

// cmdTopics lists the topics: topics
func (s *stage) cmdTopics() {
	for _, t := range s.server().Topics() {
		s.say("%s queues=%d", t.Name, t.WriteQueues)
	}
}

// topicID returns a topic's id; one that does not exist has 999.
func (s *stage) topicID() model.TopicID {
	if t, ok := s.server().Topic(s.line.text("topic", "t")); ok {
		return t.ID
	}
	return 999
}

func (s *stage) queue() model.Queue {
	return model.Queue{Topic: s.topicID(), Num: int32(s.line.number("queue", 0))}
}
