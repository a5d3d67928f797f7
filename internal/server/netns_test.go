//go:build netns

package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/remoting/client"
	"github.com/gantrymq/gantry/remoting/wire"
)

// These tests ask real routes across network namespaces; they need root and the
// ip command: make netns. The net is that of a container host:
//
//	far 10.77.0.2 ── 10.77.0.1 host 172.31.0.1 ── bridge ─┬─ 172.31.0.2 server
//	                                                      └─ 172.31.0.3 peer
const (
	serverIP = "172.31.0.2"
	peerIP   = "172.31.0.3"
	hostIP   = "172.31.0.1"
	farIP    = "10.77.0.2"

	// helper makes this test binary do one thing within a namespace.
	helper = "GANTRY_NETNS_HELPER"
)

func TestMain(m *testing.M) {
	switch mode, arg, _ := strings.Cut(os.Getenv(helper), " "); mode {
	case "ask":
		told, err := ask(arg)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(told)
	case "publish":
		if err := publish(arg); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		os.Exit(m.Run())
	}
}

// ask is a client: it asks a name server for a route, dials the broker that it is
// told, and returns its address.
func ask(namesrv string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := client.Dial(ctx, namesrv)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	req := &wire.Command{Code: int32(wire.GetRouteInfoByTopic)}
	req.Ext.Add("topic", "TBW102")
	req.Ext.Add("acceptStandardJsonOnly", "true")
	resp, err := conn.Call(ctx, req)
	if err != nil {
		return "", err
	}
	var route struct {
		Brokers []struct {
			Addrs map[string]string `json:"brokerAddrs"`
		} `json:"brokerDatas"`
	}
	if err := json.Unmarshal(resp.Body, &route); err != nil || len(route.Brokers) != 1 {
		return "", fmt.Errorf("%v: %s", err, resp.Body)
	}
	told := route.Brokers[0].Addrs["0"]
	broker, err := client.Dial(ctx, told)
	if err != nil {
		return told + " (unreachable)", nil
	}
	return told, broker.Close()
}

// publish is what a container runtime does for a published port: it hands the
// connections to the host's port on to the container.
func publish(port string) error {
	ln, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	fmt.Println("published")
	for {
		in, err := ln.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer in.Close()
			out, err := net.Dial("tcp", serverIP+":"+port)
			if err != nil {
				return
			}
			defer out.Close()
			go io.Copy(out, in)
			io.Copy(in, out)
		}()
	}
}

// lan makes the net above, and takes it down after the test.
func lan(t *testing.T) {
	t.Helper()
	names := []string{"host", "server", "peer", "far"}
	t.Cleanup(func() {
		for _, ns := range names {
			_ = exec.Command("ip", "netns", "del", "gantry-"+ns).Run()
		}
	})
	for _, ns := range names {
		ip(t, "netns add gantry-"+ns)
		ip(t, "-n gantry-"+ns+" link set lo up")
	}
	ip(t, "-n gantry-host link add br0 type bridge")
	ip(t, "-n gantry-host addr add "+hostIP+"/24 dev br0")
	ip(t, "-n gantry-host link set br0 up")
	for ns, addr := range map[string]string{"server": serverIP, "peer": peerIP} {
		wireUp(t, ns, addr, hostIP)
		ip(t, "-n gantry-host link set to-"+ns+" master br0")
	}
	wireUp(t, "far", farIP, "10.77.0.1")
	ip(t, "-n gantry-host addr add 10.77.0.1/24 dev to-far")
	within(t, "host", "sysctl", "-qw", "net.ipv4.ip_forward=1")
}

// wireUp connects a namespace to the host, which is its gateway.
func wireUp(t *testing.T, ns, addr, gateway string) {
	t.Helper()
	ip(t, "-n gantry-host link add to-"+ns+" type veth peer name eth0 netns gantry-"+ns)
	ip(t, "-n gantry-host link set to-"+ns+" up")
	ip(t, "-n gantry-"+ns+" addr add "+addr+"/24 dev eth0")
	ip(t, "-n gantry-"+ns+" link set eth0 up")
	ip(t, "-n gantry-"+ns+" route add default via "+gateway)
}

func ip(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

func within(t *testing.T, ns string, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", append([]string{"netns", "exec", "gantry-" + ns}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("in %s: %v: %v: %s", ns, args, err, out)
	}
}

// helperIn starts this test binary as a helper within a namespace.
func helperIn(t *testing.T, ns, mode string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ip", "netns", "exec", "gantry-"+ns, os.Args[0])
	cmd.Env = append(os.Environ(), helper+"="+mode)
	cmd.Stderr = os.Stderr
	return cmd
}

// told returns what a client in a namespace is told by a name server.
func told(t *testing.T, ns, namesrv string) string {
	t.Helper()
	out, err := helperIn(t, ns, "ask "+namesrv).Output()
	if err != nil {
		t.Fatalf("a client in %s asks %s: %v", ns, namesrv, err)
	}
	return strings.TrimSpace(string(out))
}

// published publishes a port of the server on the host.
func published(t *testing.T, port string) {
	t.Helper()
	cmd := helperIn(t, "host", "publish "+port)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := io.ReadFull(out, make([]byte, len("published\n"))); err != nil {
		t.Fatalf("publish %s: %v", port, err)
	}
}

// binary builds the server.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gantry")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, "../../cmd/gantry")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// runServer runs the server in its namespace. A container is a root folder of
// its own with the file by which one is recognised.
func runServer(t *testing.T, container bool, args ...string) *lines {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"data", "proc"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if container {
		if err := os.WriteFile(filepath.Join(root, ".dockerenv"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(binary(t), filepath.Join(root, "gantry")); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("mount -t proc proc %[1]s/proc && exec chroot %[1]s /gantry serve --data /data --listen 0.0.0.0 --auth off %[2]s",
		root, strings.Join(args, " "))
	cmd := exec.Command("ip", "netns", "exec", "gantry-server", "unshare", "--mount", "sh", "-c", script)
	log := newLines()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	log.wait(t, message("ready"))
	return log
}

func TestNetnsServer(t *testing.T) {
	lan(t)
	runServer(t, false)
	for _, tt := range []struct{ from, ask, want string }{
		{"server", "127.0.0.1:9876", "127.0.0.1:10911"},
		{"server", serverIP + ":9876", serverIP + ":10911"},
		{"host", serverIP + ":9876", serverIP + ":10911"},
		{"peer", serverIP + ":9876", serverIP + ":10911"},
		{"far", serverIP + ":9876", serverIP + ":10911"},
	} {
		if got := told(t, tt.from, tt.ask); got != tt.want {
			t.Errorf("a client in %s that asks %s is told %s, want %s", tt.from, tt.ask, got, tt.want)
		}
	}
}

func TestNetnsContainer(t *testing.T) {
	lan(t)
	log := runServer(t, true)
	published(t, "9876")
	published(t, "10911")
	for _, tt := range []struct{ name, from, ask, want string }{
		{"a process in the container", "server", "127.0.0.1:9876", "127.0.0.1:10911"},
		{"a process on the host, by the published port", "host", "127.0.0.1:9876", "127.0.0.1:10911"},
		{"another container", "peer", serverIP + ":9876", serverIP + ":10911"},
		{"from outside", "far", serverIP + ":9876", serverIP + ":10911"},
	} {
		if got := told(t, tt.from, tt.ask); got != tt.want {
			t.Errorf("%s is told %s, want %s", tt.name, got, tt.want)
		}
	}
	if warned := log.wait(t, func(l line) bool { return l["level"] == "WARN" && l["client"] != nil }); warned["client"] != farIP {
		t.Errorf("the server warned of %v, want %s, which came from outside its networks", warned["client"], farIP)
	}
}

func TestNetnsAdvertised(t *testing.T) {
	lan(t)
	runServer(t, true, "--remoting-advertise", serverIP)
	published(t, "9876")
	for _, from := range []struct{ ns, ask string }{{"host", "127.0.0.1:9876"}, {"peer", serverIP + ":9876"}, {"far", serverIP + ":9876"}} {
		if got, want := told(t, from.ns, from.ask), serverIP+":10911"; got != want {
			t.Errorf("a client in %s is told %s, want what is advertised, %s", from.ns, got, want)
		}
	}
}
