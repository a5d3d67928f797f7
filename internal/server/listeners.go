package server

import (
	"errors"
	"log/slog"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/protocols"
)

// listeners is the one list of them: a new protocol is a line here and its keys
// in keys.go.
func listeners(cfg *Config, engine *core.Engine, env protocols.Env) ([]protocols.Listener, error) {
	return nil, errors.New("no listener yet")
}

// listenersFunc makes listeners; they bind nothing yet.
type listenersFunc func(cfg *Config, engine *core.Engine, env protocols.Env) ([]protocols.Listener, error)

// walFunc makes the log; it opens nothing yet.
type walFunc func(cfg *Config, log *slog.Logger) wal.WAL

// newWAL chooses the log.
func newWAL(cfg *Config, log *slog.Logger) wal.WAL {
	return file.New(file.Options{Dir: cfg.Data, SegmentSize: cfg.WAL.SegmentBytes, Logger: log})
}
