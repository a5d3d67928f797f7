package server

import (
	"errors"
	"sync"

	"github.com/gantrymq/gantry/internal/ops"
)

// health is what the admin port is asked for: where the process is in its life,
// and whether the shard works.
type health struct {
	mu    sync.Mutex
	doing string       // why clients may not come now, "" when they may; guarded by mu
	shard func() error // guarded by mu
}

// phase says what the process is busy with; "" when clients may come.
func (h *health) phase(doing string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doing = doing
}

// watch says whom to ask about the shard.
func (h *health) watch(shard func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shard = shard
}

// checks answers the admin port.
func (h *health) checks() []ops.Check {
	h.mu.Lock()
	doing, shard := h.doing, h.shard
	h.mu.Unlock()
	process := ops.Check{Name: "process"}
	if doing != "" {
		process.Err = errors.New(doing)
	}
	if shard == nil {
		return []ops.Check{process}
	}
	return []ops.Check{process, {Name: "shard", Err: shard()}}
}
