package server

import (
	"context"
	"log/slog"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/protocols"
	"github.com/gantrymq/gantry/remoting"
)

// listeners is the one list of them: a new protocol is a line here and its keys
// in keys.go.
func listeners(cfg *Config, engine *core.Engine, env protocols.Env) ([]protocols.Listener, error) {
	rocketmq, err := remoting.New(cfg.Remoting, engine, env)
	if err != nil {
		return nil, err
	}
	return []protocols.Listener{rocketmq}, nil
}

// listenersFunc makes listeners; they bind nothing yet.
type listenersFunc func(cfg *Config, engine *core.Engine, env protocols.Env) ([]protocols.Listener, error)

// walFunc makes the log; it opens nothing yet.
type walFunc func(ctx context.Context, cfg *Config, log *slog.Logger) (wal.WAL, error)

// newWAL chooses the log.
func newWAL(ctx context.Context, cfg *Config, log *slog.Logger) (wal.WAL, error) {
	if cfg.WAL.Engine == EngineKafka {
		return newKafka(ctx, cfg, log)
	}
	return newFile(cfg, log), nil
}

func newFile(cfg *Config, log *slog.Logger) wal.WAL {
	return file.New(file.Options{Dir: cfg.Data, SegmentSize: cfg.WAL.SegmentBytes, Logger: log})
}
