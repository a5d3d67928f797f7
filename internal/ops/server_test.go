package ops

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/gantrymq/gantry/core"
)

// fakeEngine is an engine with counters of our choice.
type fakeEngine struct {
	stats core.Stats
	kept  core.Kept
	err   error
}

func (e *fakeEngine) Stats() core.Stats { return e.stats }
func (e *fakeEngine) Kept() core.Kept   { return e.kept }
func (e *fakeEngine) Err() error        { return e.err }

// serve runs an admin port. It asks checks for each health page.
func serve(t *testing.T, cfg Config, reg *prometheus.Registry, checks func() []Check) (base string) {
	t.Helper()
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	s := New(cfg, Env{Registry: reg, Ready: checks})
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + addr.String()
}

func healthy() []Check { return []Check{{Name: "process"}, {Name: "shard"}} }

// get asks for a page, with headers as pairs of name and value.
func get(t *testing.T, url string, headers ...string) (status int, header http.Header, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	failed := func() []Check { return []Check{{Name: "process"}, {"shard", errors.New("disk on fire")}} }
	tests := []struct {
		name, path string
		checks     func() []Check
		status     int
		body       string
	}{
		{"ready", "/readyz", healthy, 200, "ok\n"},
		{"ready in detail", "/readyz?verbose", healthy, 200, "ok\n[+] process\n[+] shard\n"},
		{"healthz is readyz", "/healthz", failed, 503, "failed\n[-] shard: disk on fire\n"},
		{"not ready", "/readyz", failed, 503, "failed\n[-] shard: disk on fire\n"},
		{"not ready in detail", "/readyz?verbose", failed, 503, "failed\n[+] process\n[-] shard: disk on fire\n"},
		{"alive though not ready", "/livez", failed, 200, "ok\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := serve(t, Config{}, prometheus.NewRegistry(), tt.checks)
			status, _, body := get(t, base+tt.path)
			if status != tt.status || body != tt.body {
				t.Errorf("%d %q, want %d %q", status, body, tt.status, tt.body)
			}
		})
	}
	t.Run("as JSON", func(t *testing.T) {
		t.Parallel()
		base := serve(t, Config{}, prometheus.NewRegistry(), failed)
		status, header, body := get(t, base+"/readyz", "Accept", "application/json")
		var got result
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		want := result{"failed", []checkResult{{"process", "ok", ""}, {"shard", "failed", "disk on fire"}}}
		if d := cmp.Diff(want, got); d != "" || status != 503 || header.Get("Content-Type") != "application/json" {
			t.Errorf("%d %v (-want +got):\n%s", status, header, d)
		}
	})
}

func TestOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	base := serve(t, Config{}, prometheus.NewRegistry(), healthy)
	host := strings.TrimPrefix(base, "http://")
	tests := []struct {
		name    string
		headers []string
		want    int
	}{
		{"no browser", nil, 200},
		{"typed into a browser", []string{"Sec-Fetch-Site", "none"}, 200},
		{"our own page", []string{"Sec-Fetch-Site", "same-origin", "Origin", base}, 200},
		{"another site", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a sibling site", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"another origin", []string{"Origin", "http://evil.example"}, 403},
		{"no origin to tell", []string{"Origin", "null"}, 403},
		{"another port", []string{"Origin", "http://127.0.0.1:1"}, 403},
		{"a name that was bound to loopback", []string{"Host", "evil.example"}, 403},
		{"localhost", []string{"Host", "localhost:8082"}, 200},
		{"IPv6", []string{"Host", "[::1]:8082"}, 200},
		{"as dialled", []string{"Host", host}, 200},
	}
	for _, tt := range tests {
		if got, _, _ := get(t, base+"/readyz", tt.headers...); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// TestNamesMayBeUsedBeyondLoopback: there the port is reached by the names of the network.
func TestNamesMayBeUsedBeyondLoopback(t *testing.T) {
	t.Parallel()
	s := New(Config{Addr: "0.0.0.0:8082"}, Env{Registry: prometheus.NewRegistry(), Ready: healthy})
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://gantry.example:8082/readyz", nil))
	if w.Code != 200 {
		t.Errorf("%d, want 200", w.Code)
	}
}

func TestOnlyGet(t *testing.T) {
	t.Parallel()
	base := serve(t, Config{}, prometheus.NewRegistry(), healthy)
	resp, err := http.Post(base+"/readyz", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", resp.StatusCode)
	}
	if status, _, _ := get(t, base+"/nothing"); status != 404 {
		t.Errorf("a page that is not there: %d", status)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	reg := NewRegistry("1.2.3", true)
	engine := &fakeEngine{}
	if err := CollectEngine(reg, engine); err != nil {
		t.Fatal(err)
	}
	engine.stats.Sent = 1000
	base := serve(t, Config{}, reg, healthy)
	_, _, body := get(t, base+"/metrics")
	for _, want := range []string{
		"gantry_sent_messages_total 1000\n", "gantry_shard_failed 0\n", "gantry_insecure 1\n",
		`gantry_build_info{go_version="`, `version="1.2.3"} 1`, "go_memstats_mallocs_total ", "process_cpu_seconds_total ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %q", want)
		}
	}
	engine.err = errors.New("broken")
	if _, _, body := get(t, base+"/metrics"); !strings.Contains(body, "gantry_shard_failed 1\n") {
		t.Error("a shard that has failed is not shown")
	}
}

// TestWhatKeepsTheLogIsShown: why the oldest segment stays, and how old what is that
// a group has not consumed.
func TestWhatKeepsTheLogIsShown(t *testing.T) {
	t.Parallel()
	engine := &fakeEngine{kept: core.Kept{
		Stays:  core.StayReasons()[1],
		Groups: []core.GroupLag{{Group: "orders", Stored: 1000_000}, {Group: "ahead of the clock", Stored: 1005_000}},
	}}
	c := newEngineCollector(engine)
	c.now = func() time.Time { return time.UnixMilli(1003_500) }
	reg := prometheus.NewRegistry()
	reg.MustRegister(c)
	base := serve(t, Config{}, reg, healthy)
	_, _, body := get(t, base+"/metrics")
	for _, want := range []string{
		"gantry_oldest_segment_stays{reason=\"retained\"} 0\n", "gantry_oldest_segment_stays{reason=\"unconsumed\"} 1\n",
		"gantry_group_unconsumed_age_seconds{group=\"orders\"} 3.5\n", "gantry_group_unconsumed_age_seconds{group=\"ahead of the clock\"} 0\n",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %q", want)
		}
	}
}

// TestEveryCounterIsShown: a counter that is added to core.Stats needs a row.
func TestEveryCounterIsShown(t *testing.T) {
	t.Parallel()
	var snapshot core.Stats
	fields := reflect.ValueOf(&snapshot).Elem()
	for i := range fields.NumField() {
		fields.Field(i).SetInt(int64(1000 + i))
	}
	shown := make(map[float64]string)
	for _, s := range engineStats() {
		value := s.value(&snapshot)
		if other, twice := shown[value]; twice {
			t.Errorf("%s and %s show the same counter", s.name, other)
		}
		shown[value] = s.name
	}
	for i := range fields.NumField() {
		_, plain := shown[float64(1000+i)]
		_, inSeconds := shown[float64(1000+i)/1000] // a time is kept in ms
		if !plain && !inSeconds {
			t.Errorf("core.Stats.%s is not shown", fields.Type().Field(i).Name)
		}
	}
}

func TestMetricNames(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	if err := CollectEngine(reg, &fakeEngine{}); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestProfilesOnlyWhereAskedFor(t *testing.T) {
	t.Parallel()
	off := serve(t, Config{}, prometheus.NewRegistry(), healthy)
	on := serve(t, Config{Pprof: true}, prometheus.NewRegistry(), healthy)
	for path, want := range map[string]int{
		"/debug/pprof/heap":              200,
		"/debug/pprof/goroutine?debug=1": 200,
		"/debug/pprof/profile":           400,
		"/debug/pprof/trace?seconds=31":  400,
		"/debug/pprof/trace?seconds=-1":  400,
		"/debug/pprof/cmdline":           404,
		"/debug/vars":                    404,
	} {
		if got, _, _ := get(t, on+path); got != want {
			t.Errorf("on: %s: %d, want %d", path, got, want)
		}
		if got, _, _ := get(t, off+path); got != 404 {
			t.Errorf("off: %s: %d, want 404", path, got)
		}
	}
}
