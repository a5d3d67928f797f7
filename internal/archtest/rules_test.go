package archtest

import (
	"go/token"
	"slices"
	"strings"
	"testing"
)

// TestRulesFind proves that each rule finds what it is there for: a rule that
// cannot fail proves nothing.
func TestRulesFind(t *testing.T) {
	t.Parallel()
	const ours = `"github.com/gantrymq/gantry/`
	tests := []struct {
		name, file, src string
		rule            string // "": no fault
	}{
		{"core imports a listener", "core/x.go", `import _ ` + ours + `remoting"`, "layers"},
		{"core imports the listeners' contract", "core/x.go", `import _ ` + ours + `protocols"`, "layers"},
		{"core may see the log's contract", "core/x.go", `import _ ` + ours + `core/wal"`, ""},
		{"core sees an implementation of the log", "core/x.go", `import _ ` + ours + `core/wal/file"`, "layers"},
		{"a listener sees an implementation of the log", "remoting/x.go", `import _ ` + ours + `core/wal/mem"`, "layers"},
		{"the composition root sees it", "internal/server/x.go", `import _ ` + ours + `core/wal/file"`, ""},
		{"a test sees it", "remoting/x_test.go", `import _ ` + ours + `core/wal/mem"`, ""},
		{"a command sees it", "cmd/gantry/x.go", `import _ ` + ours + `core/wal/file"`, "layers"},
		{"the log imports core", "core/wal/file/x.go", `import _ ` + ours + `core"`, "layers"},
		{"the fold imports the log", "core/internal/state/x.go", `import _ ` + ours + `core/wal"`, "layers"},
		{"a codec imports core", "remoting/wire/x.go", `import _ ` + ours + `core"`, "codec"},
		{"a codec logs", "remoting/wire/x.go", `import _ "log/slog"`, "pure"},
		{"a codec imports something else", "remoting/wire/x.go", `import _ "golang.org/x/sys/unix"`, "codec"},
		{"a codec imports compression", "remoting/wire/x.go", `import _ "github.com/klauspost/compress/zstd"`, ""},
		{"a new package", "newcomer/x.go", ``, "layers"},

		{"an unknown module", "core/x.go", `import _ "example.com/y"`, "modules"},
		{"an unknown module in a test", "core/x_test.go", `import _ "example.com/y"`, "modules"},
		{"metrics in the loop", "core/internal/shard/x.go", `import _ "github.com/prometheus/client_golang/prometheus"`, "modules"},
		{"metrics in metrics.go", "remoting/metrics.go", `import _ "github.com/prometheus/client_golang/prometheus"`, ""},
		{"metrics elsewhere in a listener", "remoting/conn.go", `import _ "github.com/prometheus/client_golang/prometheus"`, "modules"},
		{"pprof's own mux", "internal/ops/x.go", `import _ "net/http/pprof"`, "banned"},

		{"the clock in the fold", "core/internal/state/x.go", `import "time"; var now = time.Now()`, "pure"},
		{"the clock under another name", "core/internal/state/x.go", `import t "time"; var now = t.Now`, "pure"},
		{"a timer in the wheel", "core/internal/timer/x.go", `import "time"; var x = time.NewTimer(1)`, "pure"},
		{"durations in the wheel", "core/internal/timer/x.go", `import "time"; var x = time.Second`, ""},
		{"files in records", "core/record/x.go", `import _ "os"`, "pure"},
		{"sockets in records", "core/record/x.go", `import _ "net"`, "pure"},
		{"addresses in records", "core/record/x.go", `import _ "net/netip"`, ""},
		{"locks in cursors", "core/internal/cursor/x.go", `import _ "sync"`, "pure"},
		{"atomics in cursors", "core/internal/cursor/x.go", `import _ "sync/atomic"`, "pure"},
		{"randomness in filters", "core/filter/x.go", `import _ "math/rand/v2"`, "pure"},
		{"a goroutine in cursors", "core/internal/cursor/x.go", `func f() { go f() }`, "pure"},
		{"a channel in cursors", "core/internal/cursor/x.go", `var c chan int`, "pure"},
		{"a receive in cursors", "core/internal/cursor/x.go", `func f() { <-c }`, "pure"},
		{"a clock in a pure package's test", "core/record/x_test.go", `import "time"; var now = time.Now()`, ""},

		{"init", "core/x.go", `func init() {}`, "init"},
		{"a method named init", "core/x.go", `type t int; func (t) init() {}`, ""},
		{"printing", "core/x.go", `import "fmt"; func f() { fmt.Println() }`, "print"},
		{"the standard logger", "remoting/x.go", `import "log"; func f() { log.Fatal() }`, "print"},
		{"printing in a command", "cmd/gantry/x.go", `import "fmt"; func f() { fmt.Println() }`, ""},
		{"a root context", "protocols/x.go", `import "context"; var c = context.Background()`, "root context"},
		{"a root context to do", "protocols/x.go", `import "context"; var c = context.TODO()`, "root context"},
		{"a root context in a command", "cmd/gantry/x.go", `import "context"; var c = context.Background()`, ""},
		{"an old any", "core/x.go", `var x interface{}`, "interface{}"},
		{"a goroutine without a row", "protocols/x.go", `func f() { go f() }`, "goroutines"},
		{"a group's goroutine without a row", "protocols/x.go", `func f() { wg.Go(f) }`, "goroutines"},
		{"a goroutine with a row", "remoting/x.go", `func f() { go f() }`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := parse(token.NewFileSet(), "", tt.file, "package x; "+tt.src)
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, f := range check([]*source{s}, []string{"remoting"}) {
				if f.rule != "doc.go" {
					found = append(found, f.rule)
				}
			}
			switch {
			case tt.rule == "" && len(found) > 0:
				t.Errorf("rules %v found a fault; there is none", found)
			case tt.rule != "" && !slices.Contains(found, tt.rule):
				t.Errorf("found %v, want %q among them", found, tt.rule)
			}
		})
	}
}

func TestPackagesWithoutDoc(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	var all []*source
	for name, src := range map[string]string{
		"core/doc.go":     "// Package core is documented.\npackage core",
		"core/x.go":       "package core",
		"remoting/doc.go": "package remoting",
		"protocols/x.go":  "// Package protocols has its comment elsewhere.\npackage protocols",
	} {
		s, err := parse(fset, "", name, src)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	var found []string
	for _, f := range checkDocs(all) {
		found = append(found, f.place)
	}
	slices.Sort(found)
	if got, want := strings.Join(found, " "), "protocols remoting"; got != want {
		t.Errorf("packages without documentation: %s, want %s", got, want)
	}
}

func TestGoroutineTable(t *testing.T) {
	t.Parallel()
	text := "# x\n| `not/this` | a |\n## Goroutines\ntext\n| package | what |\n|---|---|\n| `core/internal/shard` | loop |\n| `remoting` | reader |\n## Locks\n| `nor/this` | b |\n"
	got := goroutineTable(text)
	if want := []string{"core/internal/shard", "remoting"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
