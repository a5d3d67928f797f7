package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// result is what a command line left behind.
type result struct {
	code           int
	stdout, stderr string
}

// gantry runs a command line in this process. env are NAME=VALUE.
func gantry(ctx context.Context, stdin string, env []string, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, &surroundings{
		stdin:  strings.NewReader(stdin),
		stdout: &stdout,
		stderr: &stderr,
		getenv: func(name string) (string, bool) {
			for _, e := range env {
				if n, value, _ := strings.Cut(e, "="); n == name {
					return value, true
				}
			}
			return "", false
		},
	})
	return result{code, stdout.String(), stderr.String()}
}

// TestErrors is the golden list of what goes wrong before a server is asked.
func TestErrors(t *testing.T) {
	t.Parallel()
	nobody := unusedAddr(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "gantry.yaml")
	if err := os.WriteFile(config, []byte("log:\n  levle: debug\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args string
		code int
		want string
	}{
		{"no command", "", exitUsage, `expected one of "serve", "send", "receive", "find", "topic", ... (see gantry --help)`},
		{"unknown command", "recieve", exitUsage, `unexpected argument recieve, did you mean "receive"? (see gantry --help)`},
		{"unknown subcommand", "topic lst", exitUsage, `unexpected argument lst, did you mean "list"? (see gantry --help)`},
		{"unknown flag", "serve --dta x", exitUsage, `unknown flag --dta, did you mean "--data"? (see gantry --help)`},
		{"no topic", "receive", exitUsage, `expected "<topic>" (see gantry --help)`},
		{"wrong output", "topic list -o xml", exitUsage, `--output must be one of "text","json","jsonl" but got "xml" (see gantry --help)`},
		{"no queues", "topic create t -q 0", exitUsage, `create topic "t": 0 queues; a topic has at least one`},
		{"no such size", "topic create t --retention-bytes lots", exitUsage, `create topic "t": --retention-bytes: "lots" is no size; write bytes, or 64KiB, 256MiB, 1GiB`},
		{"too short", "topic create t --retention=-1h", exitUsage, `create topic "t": --retention -1h0m0s; it is a millisecond or more, or 0`},
		{"a comma in an attribute", "topic create t --attribute a=b,c", exitUsage, `create topic "t": attribute "a"="b,c": keys must not be empty nor hold , or =, and values no ,`},
		{"a separator in a property", "send t body --property k=\x01 -s " + nobody, exitUsage, `property "k"="\x01": names must not be empty, and neither may hold the characters 1 and 2`},
		{"nobody there", "send t body -s " + nobody, exitUnreachable, "cannot reach a server at " + nobody + ": connect: connection refused; start one with gantry serve, or name another with --server"},
		{"nobody there to receive", "receive t -s " + nobody, exitUnreachable, "cannot reach a server at " + nobody + ": connect: connection refused; start one with gantry serve, or name another with --server"},
		{"unknown key", "serve --config " + config, exitFailed, config + ":2: unknown key log.levle; did you mean log.level?"},
		{"no such file", "check-config --config " + dir + "/none", exitFailed, "read the configuration: open " + dir + "/none: no such file or directory"},
		{"beyond loopback", "serve --listen 0.0.0.0", exitFailed, "listen (flag --listen): 0.0.0.0:9876 and 0.0.0.0:10911 and 0.0.0.0:8081 can be reached from other machines, and there are no users yet: write auth: off (--auth off, GANTRY_AUTH=off) to let everyone in, or listen on 127.0.0.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := gantry(t.Context(), "", nil, strings.Fields(tt.args)...)
			if d := cmp.Diff(result{tt.code, "", "gantry: " + tt.want + "\n"}, got, cmp.AllowUnexported(result{})); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// unusedAddr is an address on which nobody listens.
func unusedAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func TestVersionAndHelp(t *testing.T) {
	t.Parallel()
	if got := gantry(t.Context(), "", nil, "version"); got != (result{stdout: "gantry dev\n"}) {
		t.Errorf("version: %+v", got)
	}
	got := gantry(t.Context(), "", nil, "--help")
	if got.code != exitDone || !strings.Contains(got.stdout, "check-config") || got.stderr != "" {
		t.Errorf("--help: %+v", got)
	}
}

func TestCheckConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "gantry.yaml")
	if err := os.WriteFile(config, []byte("wal:\n  flush: sync\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := gantry(t.Context(), "", []string{"GANTRY_CONFIG=" + config, "GANTRY_REMOTING_ADDR=127.0.0.1:20911"}, "check-config", "--data", "/var/lib/gantry")
	if got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	for _, want := range []string{
		"data: /var/lib/gantry                    # flag --data\n",
		"  flush: sync                            # " + config + ":2\n",
		"  addr: 127.0.0.1:20911                  # env GANTRY_REMOTING_ADDR\n",
		"  addr: 127.0.0.1:8082                   # default\n",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("the output lacks %q:\n%s", want, got.stdout)
		}
	}
}
