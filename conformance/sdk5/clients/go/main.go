// Command go is the official Go v5 client under remote control: a JSON command a
// line on standard input, JSON events on standard output.
//
// Commands run at the same time as one another, since a receive may wait for
// long. Each ends with exactly one event "done" or "error" that carries its id;
// what it started (a producer, a consumer) lives until {"op":"stop","target":id}.
// End of input stops everything. The programs beside it speak the same lines.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	rmq "github.com/apache/rocketmq-clients/golang/v5"
	"github.com/apache/rocketmq-clients/golang/v5/credentials"
)

// command is one line of input. Times are milliseconds.
type command struct {
	ID           int               `json:"id"`
	Op           string            `json:"op"`
	Target       int               `json:"target"`
	Topic        string            `json:"topic"`
	Topics       []string          `json:"topics"`
	Group        string            `json:"group"`
	Count        int               `json:"count"`
	Size         int               `json:"size"`
	Prefix       string            `json:"prefix"`
	Tag          string            `json:"tag"`
	Keys         string            `json:"keys"`
	Props        map[string]string `json:"props"`
	MessageGroup string            `json:"messageGroup"`
	DeliverAt    int64             `json:"deliverAt"`
	Rate         int               `json:"rate"`
	Expression   string            `json:"expression"`
	FilterType   string            `json:"filterType"` // SQL92, or a tag expression
	Await        int64             `json:"await"`
	Max          int               `json:"max"`
	Invisible    int64             `json:"invisible"`
	Message      int               `json:"message"`
	Local        string            `json:"local"`
	Check        string            `json:"check"`
	FailBody     string            `json:"failBody"`     // the listener fails messages of this body, or all for *,
	FailAttempts int               `json:"failAttempts"` // up to this attempt; 0: always
}

type program struct {
	endpoint string
	out      *events

	mu       sync.Mutex
	producer map[int]rmq.Producer       // guarded by mu, like all below; by the command that made it
	simple   map[int]rmq.SimpleConsumer // by the command that made it
	stops    map[int]func()
	messages []*rmq.MessageView // received by simple consumers, by number
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go HOST:PORT, with TLS=off for plaintext")
		os.Exit(2)
	}
	rmq.EnableSsl = os.Getenv("TLS") != "off"
	rmq.ResetLogger()
	p := &program{
		endpoint: os.Args[1], out: &events{w: os.Stdout},
		producer: map[int]rmq.Producer{}, simple: map[int]rmq.SimpleConsumer{}, stops: map[int]func(){},
	}
	p.out.emit(event{Event: "ready"})
	if err := p.serve(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (p *program) config(group string) *rmq.Config {
	return &rmq.Config{Endpoint: p.endpoint, ConsumerGroup: group, Credentials: &credentials.SessionCredentials{}}
}

func (p *program) serve(r io.Reader) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return fmt.Errorf("command %q: %w", lines.Bytes(), err)
		}
		go p.answer(c)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, stop := range p.stops {
		stop()
	}
	return lines.Err()
}

func (p *program) answer(c command) {
	begin := time.Now()
	done := event{Event: "done", ID: c.ID}
	if err := p.run(c); err != nil {
		done = event{Event: "error", ID: c.ID}.because(err)
	}
	done.Millis = time.Since(begin).Milliseconds()
	p.out.emit(done)
}

func (p *program) run(c command) error {
	switch c.Op {
	case "producer":
		return p.startProducer(c)
	case "send":
		return p.send(c)
	case "transaction":
		return p.transaction(c)
	case "load":
		return p.load(c)
	case "simple":
		return p.startSimple(c)
	case "receive":
		return p.receive(c)
	case "ack", "change":
		return p.settle(c)
	case "push":
		return p.startPush(c)
	case "stop":
		return p.stop(c.Target)
	}
	return fmt.Errorf("unknown op %q", c.Op)
}

func (p *program) keep(id int, stop func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stops[id] = stop
}

func (p *program) stop(id int) error {
	p.mu.Lock()
	stop, ok := p.stops[id]
	delete(p.stops, id)
	p.mu.Unlock()
	if !ok {
		return fmt.Errorf("nothing runs as %d", id)
	}
	stop()
	return nil
}
