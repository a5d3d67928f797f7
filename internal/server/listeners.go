package server

import (
	"context"
	"crypto/tls"
	"log/slog"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/grpcv5"
	"github.com/gantrymq/gantry/protocols"
	"github.com/gantrymq/gantry/remoting"
)

// listeners is the one list of them: a new protocol is a line here and its keys
// in keys.go.
func listeners(cfg *Config, engine *core.Engine, env protocols.Env) ([]protocols.Listener, error) {
	broker := cfg.Remoting
	broker.DataDir = cfg.Data
	rocketmq, err := remoting.New(broker, engine, env)
	if err != nil {
		return nil, err
	}
	v5, err := grpcv5.New(cfg.GRPC, engine, env)
	if err != nil {
		return nil, err
	}
	return []protocols.Listener{rocketmq, v5}, nil
}

// listenersFunc makes listeners; they bind nothing yet.
type listenersFunc func(cfg *Config, engine *core.Engine, env protocols.Env) ([]protocols.Listener, error)

// certificateFunc finds what the ports serve TLS with; nil: none do.
type certificateFunc func(cfg *Config) (*tls.Config, error)

// certificate is the configured one, or one of the server's own in its folder.
func certificate(cfg *Config) (*tls.Config, error) {
	return protocols.ServerTLS(cfg.TLS.CertFile, cfg.TLS.KeyFile, cfg.Data)
}

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
