// Command go is the official Go client under remote control: a JSON command a
// line on standard input, JSON events on standard output.
//
// Every command ends with exactly one event "done" or "error" that carries its
// id; what it started (a consumer, a load) goes on to emit events with that id
// until {"op":"stop","target":id}. End of input closes everything in order.
// The Java program beside it speaks the same lines.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// command is one line of input.
type command struct {
	ID         int    `json:"id"`
	Op         string `json:"op"`
	Target     int    `json:"target"`
	Topic      string `json:"topic"`
	Group      string `json:"group"`
	Mode       string `json:"mode"`
	Count      int    `json:"count"`
	Size       int    `json:"size"`
	Prefix     string `json:"prefix"`
	Tag        string `json:"tag"`
	Keys       string `json:"keys"`
	Queues     int    `json:"queues"`
	Rate       int    `json:"rate"`
	Model      string `json:"model"`
	From       string `json:"from"`
	Expression string `json:"expression"`
	Broker     string `json:"brokerAddr"`
	VIP        int    `json:"vip"`
	Random     int    `json:"incompressible"`
	Orderly    int    `json:"orderly"`
	Failures   int32  `json:"failures"`
	Level      int    `json:"level"`
	Max        int32  `json:"maxReconsume"`
	Linger     int    `json:"linger"`
	SQL        string `json:"sql"`
	Property   string `json:"property"`
	Local      string `json:"local"`
	Check      string `json:"check"`

	Props        map[string]string `json:"props"`
	MessageGroup string            `json:"messageGroup"`
	DeliverAt    int64             `json:"deliverAt"` // milliseconds since 1970
}

type program struct {
	namesrv string
	out     *events
	running map[int]func() // how to stop what a command started
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go NAMESRV")
		os.Exit(2)
	}
	p := &program{namesrv: os.Args[1], out: &events{w: os.Stdout}, running: map[int]func(){}}
	rlog.SetLogLevel("error")
	useSerialization(os.Getenv("ROCKETMQ_SERIALIZE_TYPE"))
	p.out.emit(event{Event: "ready"})
	if err := p.serve(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (p *program) serve(r io.Reader) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return fmt.Errorf("command %q: %w", lines.Bytes(), err)
		}
		done := event{Event: "done", ID: c.ID}
		if err := p.run(c, &done); err != nil {
			done = event{Event: "error", ID: c.ID, Error: err.Error()}
		}
		p.out.emit(done)
	}
	for _, stop := range p.running {
		stop()
	}
	return lines.Err()
}

func (p *program) run(c command, done *event) error {
	switch c.Op {
	case "send":
		return p.send(c)
	case "transaction":
		return p.transaction(c)
	case "load":
		return p.load(c)
	case "push":
		return p.push(c)
	case "createTopic":
		return p.createTopic(c)
	case "topics":
		return p.topics(done)
	case "queues":
		return p.queues(c, done)
	case "stop":
		stop, ok := p.running[c.Target]
		if !ok {
			return fmt.Errorf("nothing runs as %d", c.Target)
		}
		delete(p.running, c.Target)
		stop()
		return nil
	}
	return fmt.Errorf("unknown op %q", c.Op)
}

// instance names a client so that no other on this machine has its id: servers know the members of a group by it.
func instance(what string, c command) string {
	return fmt.Sprintf("%s-%d-%d", what, os.Getpid(), c.ID)
}
