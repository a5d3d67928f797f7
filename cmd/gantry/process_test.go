package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asGantry makes this test binary be gantry.
const asGantry = "GANTRY_TEST_AS_GANTRY"

func TestMain(m *testing.M) {
	if os.Getenv(asGantry) != "" {
		main() // exits
	}
	os.Exit(m.Run())
}

// TestSignals runs a process of its own: the exit code is what supervisors see.
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "serve", "--data", t.TempDir(),
				"--remoting-addr", "127.0.0.1:0", "--remoting-namesrv-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0", "--ops-addr", "127.0.0.1:0")
			cmd.Env = append(os.Environ(), asGantry+"=1")
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var said []string
			began := time.Now()
			for lines := bufio.NewScanner(stderr); lines.Scan(); {
				var entry struct{ Msg string }
				if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
					t.Errorf("not a line of the log: %s", lines.Bytes())
				}
				said = append(said, entry.Msg)
				if entry.Msg == "ready" {
					if err := cmd.Process.Signal(signal); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("ended with %v, want exit code 0; it said %q", err, said)
			}
			if all := strings.Join(said, "; "); !strings.HasSuffix(all, "ready; stopping; stopped") {
				t.Errorf("it said %s", all)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v with nobody connected", took)
			}
		})
	}
}
