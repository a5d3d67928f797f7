package ops

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal/mem"
)

// TestGroupInFlight shows a message that is held, and by which attempt.
func TestGroupInFlight(t *testing.T) {
	e, err := core.Open(core.Config{}, mem.New(mem.Options{}), core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(t.Context())
	c := e.Connect(core.ClientInfo{})
	call := func(ask func(done func(error))) {
		t.Helper()
		answered := make(chan error, 1)
		ask(func(err error) { answered <- err })
		c.Submit()
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
	}
	call(func(done func(error)) {
		c.Admin(core.PutGroup{Config: core.GroupConfig{Name: "g", From: core.FromEarliest}}, done)
	})
	call(func(done func(error)) {
		c.Send(&core.Batch{Messages: []core.Message{{Topic: "t", AutoCreate: 1, Queue: -1, Body: []byte("m")}}},
			func(_ []core.SendResult, err error) { done(err) })
	})
	topic, _ := e.Topic("t")
	call(func(done func(error)) {
		r := core.Receive{Group: "g", Queue: core.Queue{Topic: topic.ID, Num: -1}, Invisible: time.Minute}
		c.Receive(r, func(_ *core.Records, err error) { done(err) })
	})

	var engine *core.Engine
	s := New(Config{Addr: "127.0.0.1:0"}, Env{Registry: prometheus.NewRegistry(), Engine: func() *core.Engine { return engine }})
	ask := func(path string, into any) int {
		w := httptest.NewRecorder()
		s.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8082"+path, nil))
		if w.Code == http.StatusOK {
			if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
				t.Fatal(err)
			}
		}
		return w.Code
	}
	if code := ask("/groups", nil); code != http.StatusServiceUnavailable {
		t.Errorf("before there is an engine: %d", code)
	}
	engine = e
	var list []Group
	if code := ask("/groups", &list); code != http.StatusOK || len(list) != 1 || list[0].Group != "g" {
		t.Errorf("groups: %d %+v", code, list)
	}
	var g GroupDetails
	if code := ask("/groups/g", &g); code != http.StatusOK || len(g.Queues) != 1 {
		t.Fatalf("group: %d %+v", code, g)
	}
	q := g.Queues[0]
	if q.Topic != "t" || q.InFlight != 1 || q.Floor != 0 || q.Read != 1 || len(q.Messages) != 1 || q.Messages[0].Attempt != 1 {
		t.Errorf("queue: %+v", q)
	}
	if left := time.Until(q.Messages[0].Until); left < 50*time.Second || left > 70*time.Second {
		t.Errorf("held for another %v", left)
	}
	if code := ask("/groups/nobody", nil); code != http.StatusNotFound {
		t.Errorf("of no group: %d", code)
	}
}
