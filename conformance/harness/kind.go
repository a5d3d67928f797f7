package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Kind is one official client in one version and header serialization.
type Kind struct {
	Lang          string // java or go
	Version       string
	Serialization string // JSON or ROCKETMQ, as the Java client names them
}

// Kinds are all clients that a full run takes.
func Kinds() []Kind {
	return []Kind{
		{"java", "4.9.8", "JSON"},
		{"java", "4.9.8", "ROCKETMQ"},
		{"java", "5.3.3", "JSON"},
		{"java", "5.3.3", "ROCKETMQ"},
		{"go", "2.1.2", "JSON"},
		{"go", "2.1.2", "ROCKETMQ"},
		{"go", "2025.12", "JSON"},
	}
}

func (k Kind) String() string {
	return k.Lang + "-" + k.Version + "-" + strings.ToLower(k.Serialization)
}

// Java reports whether k is a Java client.
func (k Kind) Java() bool { return k.Lang == "java" }

// Subset is what a short run takes: every version of Java in one serialization, and Go.
func Subset() []Kind {
	return []Kind{{"java", "4.9.8", "JSON"}, {"java", "5.3.3", "ROCKETMQ"}, {"go", "2.1.2", "JSON"}}
}

// Wanted returns the kinds that GANTRY_CONFORMANCE_CLIENTS names, like java-4.9.8-json,go-2.1.2-json; otherwise when it
// is not set.
func Wanted(otherwise []Kind) ([]Kind, error) {
	list := os.Getenv("GANTRY_CONFORMANCE_CLIENTS")
	if list == "" {
		return otherwise, nil
	}
	byName := map[string]Kind{}
	for _, k := range Kinds() {
		byName[k.String()] = k
	}
	var out []Kind
	for name := range strings.SplitSeq(list, ",") {
		k, ok := byName[strings.TrimSpace(name)]
		if !ok {
			return nil, fmt.Errorf("GANTRY_CONFORMANCE_CLIENTS: there is no client %q among %v", name, Kinds())
		}
		out = append(out, k)
	}
	return out, nil
}

// Builds says where the client programs are.
type Builds struct {
	Module string // the folder of this module
	Go     map[string]string
}

// goModFiles are the module files that pin the versions of the Go client.
var goModFiles = map[string]string{"2.1.2": "go.mod", "2025.12": "go.next.mod"}

// BuildClients compiles the Go client program against each wanted version into dir, and the Java one where it is not
// yet (which installs Java and Maven on a machine that lacks them).
func BuildClients(ctx context.Context, module, dir string, kinds []Kind) (*Builds, error) {
	b := &Builds{Module: module, Go: map[string]string{}}
	java := false
	for _, k := range kinds {
		if k.Java() {
			java = true
			continue
		}
		if b.Go[k.Version] != "" {
			continue
		}
		out := filepath.Join(dir, "client-go-"+k.Version)
		build := exec.CommandContext(ctx, "go", "build", "-modfile="+goModFiles[k.Version], "-o", out, "./clients/go")
		build.Dir = module
		if text, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build the client program for Go %s: %w\n%s", k.Version, err, text)
		}
		b.Go[k.Version] = out
	}
	if !java {
		return b, nil
	}
	build := exec.CommandContext(ctx, "make", "java")
	build.Dir = module
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the client program for Java: %w\n%s", err, text)
	}
	return b, nil
}

func (b *Builds) jar(version string) string {
	return filepath.Join(b.Module, "java", "target", version, "conformance-client-1.jar")
}

// command returns how a client program is run. home is the program's own home folder: clients keep logs and offsets there.
func (b *Builds) command(k Kind, namesrv, home string) *exec.Cmd {
	if !k.Java() {
		cmd := exec.Command(b.Go[k.Version], namesrv)
		cmd.Env = append(os.Environ(), "HOME="+home, "ROCKETMQ_SERIALIZE_TYPE="+k.Serialization)
		return cmd
	}
	classPath := b.jar(k.Version) + ":" + filepath.Join(filepath.Dir(b.jar(k.Version)), "lib", "*")
	return exec.Command("java", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
		"-Duser.home="+home, "-Drocketmq.serialize.type="+k.Serialization,
		"-cp", classPath, "gantry.conformance.Main", namesrv)
}
