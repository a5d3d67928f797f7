package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gantrymq/gantry/bench/histogram"
	"github.com/gantrymq/gantry/bench/process"
)

// Label says which cell of the table a result belongs to.
type Label struct {
	Row    string `json:"row"`
	Server string `json:"server"` // gantry, apache
	Round  int    `json:"round"`
}

// Result is one measured run of one benchmark against one server.
type Result struct {
	Label
	Program    string             `json:"program"`           // what made the load
	Command    string             `json:"command,omitempty"` // its arguments
	Seconds    float64            `json:"seconds"`           // length of the measured window
	Messages   int64              `json:"messages"`
	PerSecond  float64            `json:"per_second"`
	Errors     int64              `json:"errors"`
	FirstError string             `json:"first_error,omitempty"`
	Latency    *histogram.Summary `json:"latency,omitempty"`
	Send       *histogram.Summary `json:"send_latency,omitempty"`  // where Latency is something else
	Idle       *histogram.Summary `json:"idle_hiccup,omitempty"`   // of the machine, before the load
	Loaded     *histogram.Summary `json:"loaded_hiccup,omitempty"` // of the machine, during the load
	Usage      *process.Usage     `json:"server_usage,omitempty"`
	Generator  float64            `json:"generator_cores,omitempty"` // CPU of the load generator: near the cores it has, it is the limit and not the server
	StartMs    float64            `json:"start_ms,omitempty"`
}

// Write stores the result as dir/ROW.SERVER.ROUND.json.
func (r *Result) Write(dir string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	name := fmt.Sprintf("%s.%s.%d.json", r.Row, r.Server, r.Round)
	return os.WriteFile(filepath.Join(dir, name), append(text, '\n'), 0o644)
}

// Read loads every result in dir.
func Read(dir string) ([]Result, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var all []Result
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var r Result
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// String is the result in one line.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-12s %-7s", r.Row, r.Server)
	if r.Messages > 0 {
		fmt.Fprintf(&b, " %10.0f msg/s", r.PerSecond)
	}
	writeUsage(&b, r)
	if r.StartMs > 0 {
		fmt.Fprintf(&b, "  started in %.0f ms", r.StartMs)
	}
	writeTail(&b, "latency", r.Latency)
	writeTail(&b, "idle hiccup", r.Idle)
	if r.Generator > 0 {
		fmt.Fprintf(&b, "  generator %.2f cores", r.Generator)
	}
	if r.Errors > 0 {
		fmt.Fprintf(&b, "  %d ERRORS: %s", r.Errors, r.FirstError)
	}
	return b.String()
}

func writeUsage(b *strings.Builder, r *Result) {
	u := r.Usage
	if u == nil {
		return
	}
	fmt.Fprintf(b, "  server %.2f %% of a core, %.0f MiB", u.Cores*100, u.RSSMiB)
	if r.Messages == 0 {
		return
	}
	fmt.Fprintf(b, ", per message %.2f µs CPU, %.0f B written, %.2f switches, %.2f syscalls",
		u.CPUPerMessage, u.WriteBytes, u.SwitchesPerMessage, u.SyscallsPerMessage)
	if u.AllocsPerMessage > 0 {
		fmt.Fprintf(b, ", %.2f allocations", u.AllocsPerMessage)
	}
}

func writeTail(b *strings.Builder, name string, s *histogram.Summary) {
	if s == nil {
		return
	}
	fmt.Fprintf(b, "  %s p50 %.0f p99 %.0f p99.9 %.0f", name, s.P50, s.P99, s.P999)
	if s.P9999 != nil {
		fmt.Fprintf(b, " p99.99 %.0f", *s.P9999)
	}
	fmt.Fprintf(b, " max %.0f µs", s.Max)
}
