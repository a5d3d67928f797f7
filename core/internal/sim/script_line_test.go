package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/gantrymq/gantry/core/internal/model"
)

// line is a command with its arguments.
type line struct{ *datadriven.TestData }

// parseLine reads a line of the input below a command: key=value words.
func parseLine(cmd, text string) line {
	d := &datadriven.TestData{Cmd: cmd}
	for word := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(word, "=")
		d.CmdArgs = append(d.CmdArgs, datadriven.CmdArg{Key: key, Vals: []string{value}})
	}
	return line{d}
}

// first returns the word after the command.
func (l line) first() string {
	if len(l.CmdArgs) == 0 {
		return ""
	}
	return l.CmdArgs[0].Key
}

func (l line) has(key string) bool { return l.HasArg(key) }

func (l line) text(key, otherwise string) string {
	if arg, ok := l.Arg(key); ok && len(arg.Vals) > 0 {
		return arg.Vals[0]
	}
	return otherwise
}

func (l line) number(key string, otherwise int64) int64 {
	s := l.text(key, "")
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("%s: %s=%s is no number", l.Pos, key, s))
	}
	return n
}

// bytes reads a size: 300, 4k, 5m.
func (l line) bytes(key string, otherwise int) int {
	s := l.text(key, "")
	scale := map[string]int{"k": 1 << 10, "m": 1 << 20}[s[max(0, len(s)-1):]]
	n, err := strconv.Atoi(strings.TrimRight(s, "km"))
	if s == "" || err != nil {
		return otherwise
	}
	return n * max(scale, 1)
}

func (l line) duration(key string) time.Duration {
	s := l.text(key, "0s")
	d, err := time.ParseDuration(s)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", l.Pos, err))
	}
	return d
}

// list reads tags=(a, b) or tags=a.
func (l line) list(key string) []string {
	arg, _ := l.Arg(key)
	return arg.Vals
}

func (l line) durability(key string) model.Durability {
	switch s := l.text(key, "default"); s {
	case "synced":
		return model.Synced
	case "written":
		return model.Written
	case "default":
		return model.DurabilityDefault
	default:
		panic(fmt.Sprintf("%s: %s=%s is neither synced nor written", l.Pos, key, s))
	}
}
