package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrymq/gantry/core"
)

// environ answers as os.LookupEnv would.
func environ(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gantry.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLaterSourcesWin(t *testing.T) {
	t.Parallel()
	yaml := write(t, "# a comment\ndata: /file\nlog:\n  level: warn\nremoting:\n  addr: 127.0.0.1:1001\n  namesrv_addr: 127.0.0.1:1002\n")
	cfg, err := Load(Sources{
		File:   yaml,
		Getenv: environ(map[string]string{"GANTRY_REMOTING_ADDR": "127.0.0.1:2001", "GANTRY_REMOTING_NAMESRV_ADDR": "127.0.0.1:2002", "GANTRY_CLUSTER": ""}),
		Flags:  map[string]string{"remoting.namesrv_addr": "127.0.0.1:3002"},
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		key, got, want, source string
	}{
		{"cluster", cfg.Cluster, "DefaultCluster", "default"},
		{"data", cfg.Data, "/file", yaml + ":2"},
		{"log.level", cfg.Log.Level, "warn", yaml + ":4"},
		{"remoting.addr", cfg.Remoting.Addr, "127.0.0.1:2001", "env GANTRY_REMOTING_ADDR"},
		{"remoting.namesrv_addr", cfg.Remoting.NamesrvAddr, "127.0.0.1:3002", "flag --remoting-namesrv-addr"},
	}
	for _, tt := range tests {
		if tt.got != tt.want || cfg.Source(tt.key) != tt.source {
			t.Errorf("%s = %s from %s, want %s from %s", tt.key, tt.got, cfg.Source(tt.key), tt.want, tt.source)
		}
	}
}

// TestEveryKeyByEverySource proves that no row of the table is half done: what a
// key prints can be read back by file and environment, and arrives.
func TestEveryKeyByEverySource(t *testing.T) {
	t.Parallel()
	other := map[string]string{
		"data": "/elsewhere", "listen": "127.0.0.2", "auth": "off", "cluster": "c", "grace": "1m30s",
		"remoting.namesrv_addr": "127.0.0.1:1", "remoting.addr": "127.0.0.1:4", "remoting.advertise": "mq.example.com:10911",
		"remoting.max_connections": "9", "remoting.max_connections_per_ip": "10",
		"wal.engine": "file", "wal.flush": "sync", "wal.segment_bytes": "64MiB", "wal.snapshot_bytes": "16MiB",
		"wal.brokers": "127.0.0.1:9092", "wal.topic": "other", "wal.replication": "1", "wal.create": "false", "wal.compression": "lz4", "wal.cache_bytes": "1GiB",
		"wal.tls.enabled": "true", "wal.tls.ca": "ca.pem", "wal.tls.cert": "cert.pem", "wal.tls.key": "key.pem", "wal.tls.server_name": "kafka",
		"wal.sasl.mechanism": "plain", "wal.sasl.user": "gantry", "wal.sasl.password_file": "/secret",
		"retention.age": "24h0m0s", "retention.bytes": "10GiB", "retention.consumed": "true",
		"engine.cache_bytes": "1GiB", "engine.cold_read_bytes": "9MiB", "engine.inbox_bytes": "1537KiB", "engine.max_message_bytes": "1000", "engine.max_delay": "2160h0m0s",
		"engine.transaction_timeout": "20s", "engine.transaction_interval": "1m0s", "engine.transaction_checks": "7", "engine.max_topics": "7", "engine.max_groups": "8", "engine.auto_create_topics": "false", "engine.auto_create_groups": "false",
		"grpc.addr": "127.0.0.1:5", "grpc.advertise": "mq.example.com:8081", "grpc.max_connections": "9", "grpc.max_connections_per_ip": "8",
		"grpc.request_bytes": "64MiB", "grpc.proxy_from": "10.0.0.0/8", "grpc.max_delay": "48h0m0s", "grpc.digest": "sha1",
		"tls.cert_file": "/etc/gantry/cert.pem", "tls.key_file": "/etc/gantry/key.pem",
		"log.level": "debug", "log.format": "json", "ops.addr": "127.0.0.1:2", "ops.pprof": "true",
	}
	for _, k := range keys() {
		value, ok := other[k.path]
		if !ok {
			t.Errorf("%s: this test has no value for it", k.path)
			continue
		}
		section, name, nested := strings.Cut(k.path, ".")
		yaml := k.path + ": " + value
		if nested {
			yaml = section + ": {" + name + ": " + value + "}"
		}
		for from, sources := range map[string]Sources{
			"file": {File: write(t, yaml)},
			"env":  {Getenv: environ(map[string]string{k.env(): value})},
			"flag": {Flags: map[string]string{k.path: value}},
		} {
			cfg, err := Load(sources)
			if err != nil {
				t.Errorf("%s from %s: %v", k.path, from, err)
			} else if got := k.get(&cfg); got != value {
				t.Errorf("%s from %s = %s, want %s", k.path, from, got, value)
			}
		}
	}
}

func TestPrintIsAConfiguration(t *testing.T) {
	t.Parallel()
	first, err := Load(Sources{Flags: map[string]string{
		"data": "/a folder/with: odd #characters\tand\"quotes", "auth": "off", "listen": "0.0.0.0", "cluster": "null", "wal.segment_bytes": "1234567",
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, explain := range []bool{false, true} {
		out := &strings.Builder{}
		if err := first.Print(out, explain); err != nil {
			t.Fatal(err)
		}
		second, err := Load(Sources{File: write(t, out.String())})
		if err != nil {
			t.Fatalf("%v, of:\n%s", err, out)
		}
		first.origin, second.origin, first.hosted, second.hosted = nil, nil, nil, nil
		if d := cmp.Diff(first, second, cmp.AllowUnexported(Config{})); d != "" {
			t.Errorf("explain %v: printed and read again (-first +second):\n%s", explain, d)
		}
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		flags              map[string]string
		namesrv, broker, o string
	}{
		{nil, "127.0.0.1:9876", "127.0.0.1:10911", "127.0.0.1:8082"},
		{map[string]string{"listen": "::1"}, "[::1]:9876", "[::1]:10911", "127.0.0.1:8082"},
		{map[string]string{"listen": "[::1]"}, "[::1]:9876", "[::1]:10911", "127.0.0.1:8082"},
		{map[string]string{"listen": "0.0.0.0", "auth": "off"}, "0.0.0.0:9876", "0.0.0.0:10911", "127.0.0.1:8082"},
		{map[string]string{"remoting.addr": "20911", "ops.addr": "0"}, "127.0.0.1:9876", "127.0.0.1:20911", "127.0.0.1:0"},
		{map[string]string{"remoting.addr": "127.0.0.9:11", "listen": "localhost"}, "localhost:9876", "127.0.0.9:11", "127.0.0.1:8082"},
	}
	for _, tt := range tests {
		cfg, err := Load(Sources{Flags: tt.flags})
		if err != nil {
			t.Errorf("%v: %v", tt.flags, err)
			continue
		}
		if cfg.Remoting.NamesrvAddr != tt.namesrv || cfg.Remoting.Addr != tt.broker || cfg.Ops.Addr != tt.o {
			t.Errorf("%v: %s %s %s", tt.flags, cfg.Remoting.NamesrvAddr, cfg.Remoting.Addr, cfg.Ops.Addr)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	const exposed = " can be reached from other machines, and there are no users yet: write auth: off (--auth off, GANTRY_AUTH=off) to let everyone in, or listen on 127.0.0.1"
	tests := []struct {
		name  string
		yaml  string
		env   map[string]string
		flags map[string]string
		want  string // lines of the error
	}{
		{"unknown key", "remoting:\n  adr: x\n", nil, nil, "gantry.yaml:2: unknown key remoting.adr; did you mean remoting.addr?"},
		{"unknown section", "\nkafka:\n  brokers: x\n", nil, nil, "gantry.yaml:2: unknown key kafka"},
		{"key twice", "data: a\nlisten: 127.0.0.1\ndata: b\n", nil, nil, "gantry.yaml:3: data is already set in line 1"},
		{"section twice", "log: {level: info}\nlog: {format: json}\n", nil, nil, "gantry.yaml:2: log is already set in line 1"},
		{"wrong choice", "wal:\n  flush: maybe\n", nil, nil, `gantry.yaml:2: wal.flush: "maybe" is not one of async, sync`},
		{"users", "auth: on\n", nil, nil, `gantry.yaml:1: auth: "on" is not one of loopback, off`},
		{"wrong size", "engine: {cache_bytes: lots}", nil, nil, `gantry.yaml:1: engine.cache_bytes: "lots" is no size; write bytes, or 64KiB, 256MiB, 1GiB`},
		{"too large", "engine: {max_message_bytes: 5MiB}", nil, nil, "gantry.yaml:1: engine.max_message_bytes: 5MiB is not between 1 and 4MiB"},
		{"list for a value", "data: [a, b]\n", nil, nil, "gantry.yaml:1: data: expected one value"},
		{"value for a section", "log: debug\n", nil, nil, "gantry.yaml:1: log: expected keys and values"},
		{"no value", "data:\n", nil, nil, "gantry.yaml:1: data: has no value; write one, or leave the key out"},
		{"two documents", "data: a\n---\ndata: b\n", nil, nil, "gantry.yaml: more than one YAML document; a configuration is one"},
		{"no mapping", "- a\n", nil, nil, "gantry.yaml:1: expected keys and values"},
		{"several faults", "dat: x\nlog: {level: loud}\n", nil, nil, "gantry.yaml:1: unknown key dat; did you mean data?\ngantry.yaml:2: log.level: \"loud\" is not one of debug, info, warn, error"},
		{"environment", "", map[string]string{"GANTRY_OPS_PPROF": "perhaps"}, nil, `env GANTRY_OPS_PPROF: ops.pprof: "perhaps" is neither true nor false`},
		{"flag", "", nil, map[string]string{"grace": "soon"}, `flag --grace: grace: "soon" is no span of time; write 30s, 5m`},
		{"age without a unit", "retention: {age: 72}", nil, nil, `gantry.yaml:1: retention.age: "72" is no span of time; write 30s, 5m`},
		{"age below a second", "", map[string]string{"GANTRY_RETENTION_AGE": "5ms"}, nil, "retention.age (env GANTRY_RETENTION_AGE): 5ms is less than a second; 0 keeps messages for ever"},
		{"exposed by listen", "", nil, map[string]string{"listen": "0.0.0.0"}, "listen (flag --listen): 0.0.0.0:9876 and 0.0.0.0:10911 and 0.0.0.0:8081" + exposed},
		{"exposed by address", "remoting: {addr: '10.0.0.1:10911'}", nil, nil, "remoting.addr (gantry.yaml:1): 10.0.0.1:10911" + exposed},
		{"exposed admin port", "", map[string]string{"GANTRY_OPS_ADDR": "0.0.0.0:8082"}, nil, "ops.addr (env GANTRY_OPS_ADDR): 0.0.0.0:8082" + exposed},
		{"exposed by name", "", nil, map[string]string{"listen": "mq.example.com"}, "listen (flag --listen): mq.example.com:9876 and mq.example.com:10911 and mq.example.com:8081" + exposed},
		{"no port", "remoting: {addr: localhost}", nil, nil, `remoting.addr (gantry.yaml:1): "127.0.0.1:localhost" is no address: "localhost" is no port; write HOST:PORT, :PORT or PORT`},
		{"port out of range", "remoting: {addr: ':70000'}", nil, nil, `remoting.addr (gantry.yaml:1): "127.0.0.1:70000" is no address: "70000" is no port; write HOST:PORT, :PORT or PORT`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sources := Sources{Getenv: environ(tt.env), Flags: tt.flags}
			if tt.yaml != "" {
				sources.File = write(t, tt.yaml)
			}
			_, err := Load(sources)
			if err == nil {
				t.Fatal("no error")
			}
			got := strings.ReplaceAll(err.Error(), filepath.Dir(sources.File)+"/", "")
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestEmptyFiles(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "# nothing\n", "---\n", "log:\n"} {
		if _, err := Load(Sources{File: write(t, content)}); err != nil {
			t.Errorf("%q: %v", content, err)
		}
	}
	if _, err := Load(Sources{File: filepath.Join(t.TempDir(), "absent.yaml")}); err == nil {
		t.Error("a file that is not there was accepted")
	}
}

func TestSyntaxErrorNamesTheLine(t *testing.T) {
	t.Parallel()
	_, err := Load(Sources{File: write(t, "data: a\nlog: {level: info\n")})
	if err == nil || !strings.Contains(err.Error(), "gantry.yaml: line ") {
		t.Errorf("got %v", err)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0": 0, "1": 1, "4096": 4096, "64KiB": 64 << 10, "256MiB": 256 << 20, "1GiB": 1 << 30, "2G": 2 << 30, "3 MB": 3 << 20, "5K": 5 << 10} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%s = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "x", "1.5GiB", "9999999999GiB", "MiB", "1TiB", "1KiBMiB"} {
		if n, err := ParseSize(text); err == nil {
			t.Errorf("%q = %d, want an error", text, n)
		}
	}
	for n, want := range map[int64]string{0: "0", 1000: "1000", 1024: "1KiB", 1537 << 10: "1537KiB", 1 << 30: "1GiB"} {
		if got := formatSize(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}

func TestDefaultsAreTheEngines(t *testing.T) {
	t.Parallel()
	cfg, err := Load(Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Grace != 30*time.Second || cfg.core().Flush == 0 || cfg.core().NoAutoTopics || cfg.core().NoAutoGroups {
		t.Errorf("defaults: %+v", cfg.core())
	}
}

func TestRetentionOfTheEngine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		yaml string
		want core.Retention
	}{
		{"", core.Retention{Age: 72 * time.Hour}},
		{"retention: {age: 24h, bytes: 1GiB, consumed: true}", core.Retention{Age: 24 * time.Hour, Bytes: 1 << 30, Consumed: true}},
		{"retention: {age: 0}", core.Retention{Age: forever}},
		{"retention: {age: 0, bytes: 1GiB}", core.Retention{Bytes: 1 << 30}},
	}
	for _, tt := range tests {
		cfg, err := Load(Sources{File: write(t, tt.yaml)})
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.core().Retention; got != tt.want {
			t.Errorf("%q: %+v, want %+v", tt.yaml, got, tt.want)
		}
	}
}
