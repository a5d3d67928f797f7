package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// MQAdmin is RocketMQ's own command line in one version, against one name server.
type MQAdmin struct {
	t       testing.TB
	namesrv string
	in      io.WriteCloser
	out     *bufio.Scanner
}

// logging keeps mqadmin 4.9, which insists on a configuration, silent.
const logging = `<configuration><root level="OFF"/></configuration>`

// StartMQAdmin builds mqadmin where it is not yet, and starts it. It ends with the test.
func StartMQAdmin(t testing.TB, version, namesrv string) *MQAdmin {
	t.Helper()
	module := filepath.Join(ModuleDir(), "mqadmin")
	target := filepath.Join(module, "target", version)
	if _, err := os.Stat(filepath.Join(target, "lib")); err != nil {
		build := exec.CommandContext(context.Background(), "mvn", "-q", "-B", "package", "-Drocketmq.version="+version)
		build.Dir = module
		if text, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build mqadmin %s: %v\n%s", version, err, text)
		}
	}
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, "conf"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "conf", "logback_tools.xml"), []byte(logging), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("java", "-XX:TieredStopAtLevel=1", "-Duser.home="+home, "-Drocketmq.home.dir="+home,
		"-cp", filepath.Join(target, "conformance-mqadmin-1.jar")+":"+filepath.Join(target, "lib", "*"), "gantry.conformance.Tools")
	cmd.Dir = home // some sub-commands leave files where they are
	cmd.Env = append(os.Environ(), "ROCKETMQ_HOME="+home)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start mqadmin %s: %v", version, err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 4<<20)
	return &MQAdmin{t: t, namesrv: namesrv, in: in, out: lines}
}

// Run runs a sub-command and returns what it printed.
func (m *MQAdmin) Run(args ...string) string {
	m.t.Helper()
	line, err := json.Marshal(append(args, "-n", m.namesrv))
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(m.in, "%s\n", line); err != nil {
		m.t.Fatalf("mqadmin %v: %v", args, err)
	}
	for m.out.Scan() {
		var answer struct{ Output *string }
		if json.Unmarshal(m.out.Bytes(), &answer) == nil && answer.Output != nil {
			return *answer.Output
		}
	}
	m.t.Fatalf("mqadmin %v: the program ended: %v", args, m.out.Err())
	return ""
}
