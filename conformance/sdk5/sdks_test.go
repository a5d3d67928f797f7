package sdk5

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/conformance/harness"
)

// can is what an SDK lets its user do.
type can uint

const (
	push         can = 1 << iota // a push consumer
	change                       // change how long a message stays invisible
	recall                       // recall a delayed message
	batch                        // several messages in one request
	fullTLS                      // TLS without a certificate that the system trusts
	ackTells                     // an ack that the server refused is an error
	startsAlone                  // starting checks that the topic exists
	putsProps                    // properties with a message
	seesPlace                    // the acknowledgement says the offset
	transactions                 // its program here has transactions
	tellsTopics                  // a simple consumer tells the server its topics when it starts
)

// sdk is one official client.
type sdk struct {
	name, version string
	can           can
	tls           bool     // what its default is
	tools         []string // commands without which it is skipped
	inCI          bool
	// build makes the program ready to run and returns its command line, which the server's address is appended to.
	build func(ctx context.Context, source, out string) ([]string, error)
}

// sdks is the table of clients.
var sdks = []*sdk{
	{
		name: "go", version: "5.1.3", inCI: true, tls: true, tools: []string{"go"},
		can: push | change | fullTLS | startsAlone | tellsTopics | putsProps | seesPlace | transactions,
		build: func(ctx context.Context, source, out string) ([]string, error) {
			bin := filepath.Join(out, "client-go5")
			return []string{bin}, command(ctx, source, "go", "build", "-o", bin, ".")
		},
	},
	{
		name: "node", version: "1.0.8", inCI: true, tools: []string{"node", "npm"},
		can: push | change | recall | ackTells | startsAlone | tellsTopics | putsProps | seesPlace,
		build: func(ctx context.Context, source, _ string) ([]string, error) {
			main := []string{"node", filepath.Join(source, "main.js")}
			if _, err := os.Stat(filepath.Join(source, "node_modules", "rocketmq-client-nodejs")); err == nil {
				return main, nil
			}
			return main, command(ctx, source, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
		},
	},
	{
		name: "java", version: "5.2.0", tls: true, tools: []string{"java", "mvn"},
		can: push | change | recall | fullTLS | ackTells | startsAlone | tellsTopics | putsProps,
		build: func(ctx context.Context, source, _ string) ([]string, error) {
			jar := filepath.Join(source, "target", "conformance-v5-1.jar")
			line := []string{
				"java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
				"-cp", jar + ":" + filepath.Join(source, "target", "lib", "*"), "gantry.conformance.Main",
			}
			return line, command(ctx, source, "mvn", "-q", "-B", "package")
		},
	},
	{
		name: "python", version: "5.1.1", tools: []string{"python3"},
		can: push | change | recall | ackTells | tellsTopics | putsProps | seesPlace,
		build: func(ctx context.Context, source, out string) ([]string, error) {
			env := filepath.Join(out, "python")
			if err := command(ctx, source, "python3", "-m", "venv", env); err != nil {
				return nil, err
			}
			python := filepath.Join(env, "bin", "python")
			return []string{python, filepath.Join(source, "main.py")},
				command(ctx, source, python, "-m", "pip", "install", "-q", "-r", "requirements.txt")
		},
	},
	{
		name: "rust", version: "5.0.0", tools: []string{"cargo", "protoc"},
		can: batch | ackTells | startsAlone | putsProps,
		build: func(ctx context.Context, source, _ string) ([]string, error) {
			return []string{filepath.Join(source, "target", "debug", "conformance-v5")}, command(ctx, source, "cargo", "build", "-q")
		},
	},
}

func command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s in %s: %w\n%s", name, strings.Join(args, " "), dir, err, text)
	}
	return nil
}

func (s *sdk) String() string { return s.name + "-" + s.version }

// missing returns a command that the SDK needs and this machine lacks.
func (s *sdk) missing() string {
	for _, tool := range s.tools {
		if _, err := exec.LookPath(tool); err != nil {
			return tool
		}
	}
	return ""
}

// start runs the SDK's program against the shared server in the SDK's default transport.
func (s *sdk) start(t *testing.T) *harness.Program {
	t.Helper()
	return s.startAt(t, lab.grpc, s.tls)
}

func (s *sdk) startAt(t *testing.T, endpoint string, tls bool) *harness.Program {
	t.Helper()
	line := append(append([]string{}, lab.lines[s]...), endpoint)
	home := t.TempDir()
	if s.name == "java" {
		line = append([]string{line[0], "-Duser.home=" + home}, line[1:]...)
	}
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+home)
	if !tls {
		cmd.Env = append(cmd.Env, "TLS=off")
	}
	return harness.Run(t, s.String(), cmd)
}
