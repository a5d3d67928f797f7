package ops

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gantrymq/gantry/core"
)

// groupWait is how long the engine may take to answer.
const groupWait = 5 * time.Second

// inFlightShown bounds the messages in flight that are shown of each queue.
const inFlightShown = 100

// Group is a consumer group as GET /groups lists it.
type Group struct {
	Group    string            `json:"group"`
	Order    string            `json:"order"` // auto, fifo or none
	From     string            `json:"from"`  // latest or earliest
	Attempts int32             `json:"attempts"`
	Disabled bool              `json:"disabled,omitempty"`
	More     map[string]string `json:"attributes,omitempty"`
}

// GroupDetails is what GET /groups/NAME tells of one.
type GroupDetails struct {
	Group
	Members []GroupMember `json:"members"`
	Queues  []GroupQueue  `json:"queues"`
}

// GroupMember is one live client.
type GroupMember struct {
	ClientID string `json:"client"`
	Address  string `json:"address"`
	Language string `json:"language"`
}

// GroupQueue is how far the group is in one queue.
type GroupQueue struct {
	Topic    string         `json:"topic"`
	Queue    int32          `json:"queue"`
	First    core.Offset    `json:"first"` // of the queue
	Next     core.Offset    `json:"next"`
	Floor    core.Offset    `json:"floor"`     // below, all is done with
	Read     core.Offset    `json:"read"`      // from there on, nothing was ever delivered
	InFlight int            `json:"in_flight"` // delivered, and not done with
	Waiting  int            `json:"waiting"`   // of those, to be delivered again
	Locked   int            `json:"locked"`    // message groups
	Messages []GroupMessage `json:"messages,omitempty"`
}

// GroupMessage is one message in flight.
type GroupMessage struct {
	Offset   core.Offset `json:"offset"`
	Attempt  int32       `json:"attempt"`
	Until    time.Time   `json:"until"`           // when it comes again
	Owner    string      `json:"owner,omitempty"` // the client that renews the lease
	Ordered  bool        `json:"ordered,omitempty"`
	Released bool        `json:"released,omitempty"` // its lease is over
}

func groupOf(g *core.GroupInfo) Group {
	order := map[core.GroupOrder]string{core.OrderAuto: "auto", core.OrderFIFO: "fifo", core.OrderNone: "none"}
	from := map[core.StartFrom]string{core.FromLatest: "latest", core.FromEarliest: "earliest"}
	return Group{
		Group: g.Name, Order: order[g.Order], From: from[g.From],
		Attempts: g.Attempts(), Disabled: g.Disabled, More: g.Attributes,
	}
}

// engine returns the engine, or answers that there is none yet.
func (s *Server) engine(w http.ResponseWriter) *core.Engine {
	if s.env.Engine != nil {
		if e := s.env.Engine(); e != nil {
			return e
		}
	}
	http.Error(w, "the server does not serve yet", http.StatusServiceUnavailable)
	return nil
}

// groups lists the consumer groups.
func (s *Server) groups(w http.ResponseWriter, _ *http.Request) {
	e := s.engine(w)
	if e == nil {
		return
	}
	all := []Group{}
	for _, g := range e.Groups() {
		all = append(all, groupOf(g))
	}
	writeJSON(w, all)
}

// group tells of one: its members, and how far it is.
func (s *Server) group(w http.ResponseWriter, r *http.Request) {
	e := s.engine(w)
	if e == nil {
		return
	}
	name := r.PathValue("name")
	info, ok := e.Group(name)
	if !ok {
		http.Error(w, "there is no group "+name, http.StatusNotFound)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), groupWait)
	defer cancel()
	c := e.Connect(core.ClientInfo{Protocol: "ops"})
	defer c.Close()
	details := GroupDetails{Group: groupOf(info), Members: []GroupMember{}, Queues: []GroupQueue{}}
	answered := make(chan error, 2)
	c.Members(name, func(members []core.Member, err error) {
		for _, m := range members {
			details.Members = append(details.Members, GroupMember{m.ClientID, m.Remote.String(), m.Language})
		}
		answered <- err
	})
	c.Progress(core.GroupQuery{Group: name, InFlight: inFlightShown}, func(all []core.Progress, err error) {
		for i := range all {
			details.Queues = append(details.Queues, queueOf(&all[i]))
		}
		answered <- err
	})
	c.Submit()
	for range 2 {
		select {
		case err := <-answered:
			if err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		case <-ctx.Done():
			http.Error(w, "the engine does not answer", http.StatusServiceUnavailable)
			return
		}
	}
	writeJSON(w, &details)
}

func queueOf(p *core.Progress) GroupQueue {
	q := GroupQueue{
		Topic: p.Topic, Queue: p.Queue.Num, First: p.Min, Next: p.Max, Floor: p.Floor, Read: p.Read,
		InFlight: p.InFlight, Waiting: p.Waiting, Locked: p.Locked,
	}
	for _, m := range p.Messages {
		q.Messages = append(q.Messages, GroupMessage{
			Offset: m.Offset, Attempt: m.Attempt, Until: time.UnixMilli(m.Deadline).UTC(),
			Owner: m.Owner, Ordered: m.Locked, Released: m.Deadline == 0,
		})
	}
	return q
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // the client has gone: nobody is left to tell
}
