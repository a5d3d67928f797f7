package protocols

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The machines that ask and are asked from.
var (
	laptop    = Machine{Subnets: prefixes("127.0.0.0/8", "192.168.1.0/24"), Gateway: netip.MustParseAddr("192.168.1.1"), IPv4: netip.MustParseAddr("192.168.1.5")}
	container = Machine{Container: true, Subnets: prefixes("127.0.0.0/8", "172.17.0.0/16"), Gateway: netip.MustParseAddr("172.17.0.1"), IPv4: netip.MustParseAddr("172.17.0.2")}
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func TestWhoIsToldWhat(t *testing.T) {
	resolve := func(host string) ([]string, error) {
		if host == "mq.example.com" {
			return []string{"2001:db8::1", "203.0.113.9"}, nil
		}
		return nil, errors.New("no such host")
	}
	tests := []struct {
		name          string
		machine       Machine
		setting       string
		local, remote string
		told, ipv4    string
		suspect       bool
	}{
		{"laptop, a process on it", laptop, "", "127.0.0.1", "127.0.0.1", "127.0.0.1:10911", "127.0.0.1:10911", false},
		{"laptop, a process on it over IPv6", laptop, "", "::1", "::1", "[::1]:10911", "127.0.0.1:10911", false},
		{"laptop, a neighbour", laptop, "auto", "192.168.1.5", "192.168.1.7", "192.168.1.5:10911", "192.168.1.5:10911", false},
		{"laptop, its router", laptop, "", "192.168.1.5", "192.168.1.1", "192.168.1.5:10911", "192.168.1.5:10911", false},
		{"server, a client from far away", laptop, "", "192.168.1.5", "203.0.113.5", "192.168.1.5:10911", "192.168.1.5:10911", false},
		{"an IPv4 client of an IPv6 socket", laptop, "", "::ffff:192.168.1.5", "::ffff:192.168.1.7", "192.168.1.5:10911", "192.168.1.5:10911", false},
		{"an IPv6 client", laptop, "", "2001:db8::5", "2001:db8::7", "[2001:db8::5]:10911", "192.168.1.5:10911", false},
		{"container, a process inside", container, "", "127.0.0.1", "127.0.0.1", "127.0.0.1:10911", "127.0.0.1:10911", false},
		{"container, a neighbour", container, "", "172.17.0.2", "172.17.0.3", "172.17.0.2:10911", "172.17.0.2:10911", false},
		{"container, its host through a published port", container, "", "172.17.0.2", "172.17.0.1", "127.0.0.1:10911", "127.0.0.1:10911", false},
		{"container, a client from outside", container, "", "172.17.0.2", "10.0.0.7", "172.17.0.2:10911", "172.17.0.2:10911", true},
		{"container, configured", container, "10.0.0.9", "172.17.0.2", "10.0.0.7", "10.0.0.9:10911", "10.0.0.9:10911", false},
		{"configured with a port", container, "10.0.0.9:30911", "172.17.0.2", "10.0.0.7", "10.0.0.9:30911", "10.0.0.9:30911", false},
		{"configured by name", laptop, "mq.example.com", "192.168.1.5", "203.0.113.5", "mq.example.com:10911", "203.0.113.9:10911", false},
		{"configured by a name that is not known here", laptop, "mq.internal:1", "192.168.1.5", "203.0.113.5", "mq.internal:1", "192.168.1.5:1", false},
		{"configured with IPv6", laptop, "[2001:db8::5]:7", "127.0.0.1", "127.0.0.1", "[2001:db8::5]:7", "192.168.1.5:7", false},
		{"configured by the environment", laptop, "{env:NODE}.example.com", "127.0.0.1", "127.0.0.1", "node-3.example.com:10911", "127.0.0.1:10911", false},
		{"configured by the pod", laptop, "{pod}.mq:8", "127.0.0.1", "127.0.0.1", "box.mq:8", "127.0.0.1:8", false},
		{"configured by the host", laptop, "{host}", "127.0.0.1", "127.0.0.1", "box:10911", "127.0.0.1:10911", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.machine.Resolve, tt.machine.Hostname = resolve, "box"
			tt.machine.Getenv = func(name string) string { return map[string]string{"NODE": "node-3"}[name] }
			a, err := NewAdvertiser(tt.machine, nil, nil).With(tt.setting)
			if err != nil {
				t.Fatal(err)
			}
			local := netip.AddrPortFrom(netip.MustParseAddr(tt.local), 9876)
			remote := netip.AddrPortFrom(netip.MustParseAddr(tt.remote), 50000)
			told, ipv4 := a.Endpoint(local, remote, 10911)
			if told != tt.told || ipv4.String() != tt.ipv4 {
				t.Errorf("told %s and %s, want %s and %s", told, ipv4, tt.told, tt.ipv4)
			}
			if got := a.Suspects() > 0; got != tt.suspect {
				t.Errorf("suspect: %v, want %v", got, tt.suspect)
			}
		})
	}
}

func TestKubernetesIsNoContainerWithPublishedPorts(t *testing.T) {
	pod := container
	pod.Container = false // what ThisMachine finds there
	a := NewAdvertiser(pod, nil, nil)
	host, _ := a.Told(netip.MustParseAddrPort("172.17.0.2:1"), netip.MustParseAddrPort("172.17.0.1:1"))
	if host != "172.17.0.2" {
		t.Errorf("told %s", host)
	}
}

func TestASuspectIsLoggedOnceAndCounted(t *testing.T) {
	var log bytes.Buffer
	reg := prometheus.NewRegistry()
	a := NewAdvertiser(container, slog.New(slog.NewTextHandler(&log, nil)), reg)
	b, err := a.With("auto")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, remote := range []string{"10.0.0.7:1", "10.0.0.8:2"} {
			b.Told(netip.MustParseAddrPort("172.17.0.2:1"), netip.MustParseAddrPort(remote))
		}
	}
	if got := strings.Count(log.String(), "client=10.0.0.7 "); got != 1 {
		t.Errorf("logged %d times:\n%s", got, log.String())
	}
	families, err := reg.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "gantry_advertise_suspect" || families[0].GetMetric()[0].GetGauge().GetValue() != 2 {
		t.Errorf("metrics %v, %v", families, err)
	}
}

func TestBadSettings(t *testing.T) {
	m := laptop
	m.Getenv = func(string) string { return "" }
	m.Resolve = func(string) ([]string, error) { return nil, errors.New("no such host") }
	for _, setting := range []string{
		"0.0.0.0", "[::]:1", "host:0", "host:70000", "host:http", ":10911", "two hosts", "http://host", "{env:NONE}", "{x}", "{host",
	} {
		if _, err := NewAdvertiser(m, nil, nil).With(setting); err == nil {
			t.Errorf("%q is taken", setting)
		}
	}
}

func TestASettingMayChange(t *testing.T) {
	a := NewAdvertiser(laptop, nil, nil)
	local, remote := netip.MustParseAddrPort("127.0.0.1:9876"), netip.MustParseAddrPort("127.0.0.1:50000")
	for _, step := range []struct{ setting, want string }{{"10.0.0.1:1", "10.0.0.1:1"}, {"10.0.0.2", "10.0.0.2:10911"}, {"auto", "127.0.0.1:10911"}} {
		if err := a.Set(step.setting); err != nil {
			t.Fatal(err)
		}
		if got, _ := a.Endpoint(local, remote, 10911); got != step.want {
			t.Errorf("after %s told %s, want %s", step.setting, got, step.want)
		}
	}
}

func TestANameIsLookedUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, address, lookups := laptop, "10.0.0.1", 0
		m.Resolve = func(string) ([]string, error) {
			lookups++
			return []string{address}, nil
		}
		a, err := NewAdvertiser(m, nil, nil).With("mq.example.com")
		if err != nil {
			t.Fatal(err)
		}
		ask := func() string {
			_, ipv4 := a.Told(netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("127.0.0.1:2"))
			synctest.Wait()
			return ipv4.String()
		}
		address = "10.0.0.2"
		if got := ask(); got != "10.0.0.1" || lookups != 1 {
			t.Errorf("told %s after %d look-ups", got, lookups)
		}
		time.Sleep(resolveAgain + time.Second)
		ask() // begins the look-up
		if got := ask(); got != "10.0.0.2" || lookups != 2 {
			t.Errorf("told %s after %d look-ups", got, lookups)
		}
	})
}

func TestDefaultGateway(t *testing.T) {
	const header = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	for name, tt := range map[string]struct{ routes, want string }{
		"docker":         {header + "eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\neth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n", "172.17.0.1"},
		"none":           {header + "eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n", "invalid IP"},
		"direct default": {header + "ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", "invalid IP"},
		"garbage":        {"x\n\neth0\t00000000\tzz\n", "invalid IP"},
	} {
		if got := defaultGateway(strings.NewReader(tt.routes)).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestThisMachine(t *testing.T) {
	m := ThisMachine()
	found := false
	for _, p := range m.Subnets {
		found = found || p.Contains(loopback)
	}
	if !found {
		t.Errorf("no interface has 127.0.0.1: %v", m.Subnets)
	}
}
