package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// scripts are the scenarios in words; see README.md there for the language.
const scripts = "../../testdata"

// TestScripts plays each script on every log. What it prints must be the same.
func TestScripts(t *testing.T) {
	if mutated {
		t.Skip("the engine is a mutant")
	}
	files, err := filepath.Glob(filepath.Join(scripts, "*", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s: %v", scripts, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(file), scripts+"/"), ".txt")
		if !onDisk(t, name, file) {
			t.Run(name+"/kafka", func(t *testing.T) { playScript(t, file, newKafkaBox(t)) })
		}
		if strings.HasPrefix(name, "kafka/") {
			continue
		}
		t.Run(name+"/mem", func(t *testing.T) { playScript(t, file, newMemBox()) })
		t.Run(name+"/file", func(t *testing.T) { playScript(t, file, newFileBox()) })
	}
}

func playScript(t *testing.T, file string, b box) {
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	s := &stage{box: b, clients: map[string]*shard.Client{}, cancels: map[string]func(){}, places: map[string]model.Address{}, config: shard.Config{SegmentBytes: segmentSize}}
	defer s.end()
	datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
		s.line = line{d}
		do, ok := s.commands()[d.Cmd]
		if !ok {
			d.Fatalf(t, "unknown command %s", d.Cmd)
		}
		return s.play(do)
	})
}

// commands lists the language. Each command has its function in the file of its subject.
func (s *stage) commands() map[string]func() {
	return map[string]func(){
		"server": s.cmdServer, "restart": s.cmdRestart, "crash": s.cmdCrash, "power-cut": s.cmdPowerCut,
		"disk": s.cmdDisk, "advance": s.cmdAdvance, "wall-clock": s.cmdWallClock,

		"topic": s.cmdTopic, "topics": s.cmdTopics,
		"send": s.cmdSend, "batch": s.cmdBatch, "unit": s.cmdUnit,
		"recall": s.cmdRecall, "delayed": s.cmdDelayed, "fill": s.cmdFill, "look": s.cmdLook, "crowd": s.cmdCrowd,
		"producer": s.cmdProducer, "end": s.cmdEnd, "transactions": s.cmdTransactions, "idle": s.cmdIdle,
		"pull": s.cmdPull, "cancel": s.cmdCancel, "close": s.cmdClose,
		"group": s.cmdGroup, "delete-group": s.cmdDeleteGroup, "receive": s.cmdReceive, "ack": s.cmdAck, "change": s.cmdChange, "dead": s.cmdDead, "progress": s.cmdProgress,
		"commit": s.cmdCommit, "reset": s.cmdReset, "committed": s.cmdCommitted,
		"ends": s.cmdEnds, "by-time": s.cmdByTime,
		"join": s.cmdJoin, "leave": s.cmdLeave, "members": s.cmdMembers,
	}
}

// stage is where a script plays: one server in virtual time.
type stage struct {
	box     box
	line    line
	config  shard.Config
	shard   *shard.Shard
	now     int64    // ms
	wall    int64    // added to now
	jobs    []func() // reads of cold messages
	clients map[string]*shard.Client
	cancels map[string]func()
	places  map[string]model.Address // of messages, by their unique keys
	// receipts of what was received, by the message's body.
	receipts map[string]shard.Receipt
	out      strings.Builder
	playing  int // number of the command
	// unanswered: the command's own call has no answer yet.
	unanswered bool
}

// play runs a command, and returns what it and earlier ones said meanwhile.
func (s *stage) play(do func()) string {
	s.out.Reset()
	s.playing++
	s.unanswered = false
	do()
	if s.unanswered {
		s.say("(waiting)")
	}
	return s.out.String()
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

// answer returns a function that says a call's answer: at once, or under the
// call's name if it comes during a later command.
func (s *stage) answer() (say func(format string, args ...any)) {
	began, name := s.playing, s.line.text("as", s.line.Cmd)
	s.unanswered = true
	return func(format string, args ...any) {
		if s.playing == began {
			s.unanswered = false
		} else {
			format = name + ": " + format
		}
		s.say(format, args...)
	}
}

// submit hands a client's calls in and lets the server work.
func (s *stage) submit(c *shard.Client) {
	c.Submit()
	s.settle()
}

// client returns the client of that name, connected.
func (s *stage) client() *shard.Client {
	name := s.line.text("client", "default")
	if s.clients[name] == nil {
		s.clients[name] = s.server().Connect(shard.ClientInfo{Push: func(c shard.Command) {
			if c.Kind == shard.CheckTransaction {
				s.asked(name, c.Check, c.Group)
				return
			}
			s.say("%s is told to rebalance %s", name, c.Group)
		}})
	}
	return s.clients[name]
}

// settle lets the server work until nothing is left to do at this moment.
func (s *stage) settle() {
	for more := 4; more > 0; more-- {
		if s.shard.Step(); s.shard.Poked() {
			more = 4
		}
		s.box.sync()
		jobs := s.jobs
		s.jobs = nil
		for _, read := range jobs {
			read()
		}
	}
}

func (s *stage) clocks() shard.Instant {
	return shard.Instant{Wall: epoch + s.wall + s.now, Mono: s.now}
}

// cmdAdvance lets time pass: advance 5s
func (s *stage) cmdAdvance() {
	d, err := time.ParseDuration(s.line.first())
	if err != nil {
		s.say("error: %v", err)
		return
	}
	s.server()
	until := s.now + d.Milliseconds()
	for {
		at, ok := s.shard.NextAlarm()
		if !ok || at > until {
			break
		}
		s.now = max(s.now, at)
		s.settle()
	}
	s.now = until
	s.settle()
}

// cmdWallClock steps the wall clock: wall-clock -1h
func (s *stage) cmdWallClock() {
	d, err := time.ParseDuration(s.line.first())
	if err != nil {
		s.say("error: %v", err)
		return
	}
	s.wall += d.Milliseconds()
}

// refusal says an error as scripts show it.
func refusal(err error) string {
	code := model.CodeOf(err)
	if e, ok := err.(*model.Error); ok && !e.Definite {
		return fmt.Sprintf("unknown outcome: %v", code)
	}
	return fmt.Sprintf("refused: %v", code)
}
