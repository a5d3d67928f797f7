package server

import (
	"io"
	"log/slog"
	"os"
)

// newLogger writes to out: text for people, JSON for machines.
func newLogger(cfg *logConfig, out io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.level()}
	if cfg.human(out) {
		return slog.New(slog.NewTextHandler(out, opts))
	}
	return slog.New(slog.NewJSONHandler(out, opts))
}

// human reports whether a person reads the log.
func (l *logConfig) human(out io.Writer) bool {
	switch l.Format {
	case LogText:
		return true
	case LogJSON:
		return false
	}
	return terminal(out)
}

func terminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
