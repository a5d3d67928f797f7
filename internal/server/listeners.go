package server

import (
	"errors"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/protocols"
)

// listeners is the one list of them: a new protocol is a line here and its keys
// in keys.go.
func listeners(cfg *Config, engine *core.Engine, env protocols.Env) ([]protocols.Listener, error) {
	return nil, errors.New("no listener yet")
}

// newWAL chooses the log.
func newWAL(cfg *Config) wal.WAL { return nil }

