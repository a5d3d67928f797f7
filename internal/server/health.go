package server

import (
	"errors"
	"sync"

	"github.com/gantrymq/gantry/internal/ops"
)

// health is what the admin port is asked for: where the process is in its life,
// and whether the shard works.
type health struct {
	mu      sync.Mutex
	doing   string    // why clients may not come now, "" when they may; guarded by mu
	watched []watched // guarded by mu
}

// watched is something that must work.
type watched struct {
	name string
	ask  func() error
}

// phase says what the process is busy with; "" when clients may come.
func (h *health) phase(doing string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doing = doing
}

// watch says whom to ask about a part of the process.
func (h *health) watch(name string, ask func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watched = append(h.watched, watched{name, ask})
}

// checks answers the admin port.
func (h *health) checks() []ops.Check {
	h.mu.Lock()
	doing, all := h.doing, h.watched
	h.mu.Unlock()
	process := ops.Check{Name: "process"}
	if doing != "" {
		process.Err = errors.New(doing)
	}
	checks := []ops.Check{process}
	for _, w := range all {
		checks = append(checks, ops.Check{Name: w.name, Err: w.ask()})
	}
	return checks
}
