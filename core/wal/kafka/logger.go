package kafka

import (
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// clientLogger passes on what franz-go has to say. What it does about trouble by
// itself is no more than a detail here.
type clientLogger struct {
	to      *slog.Logger
	verbose bool
}

// Level implements kgo.Logger.
func (l clientLogger) Level() kgo.LogLevel {
	if l.verbose {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelError
}

// Log implements kgo.Logger.
func (l clientLogger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if level == kgo.LogLevelError {
		l.to.Warn("kafka client: "+msg, keyvals...)
		return
	}
	l.to.Debug("kafka client: "+msg, keyvals...)
}
