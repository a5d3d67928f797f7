package sdk5

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
	"github.com/gantrymq/gantry/conformance/rawclient"
)

// lab is what all cases of a run share: the client programs and one server. Cases that need a server of their own start it.
var lab struct {
	lines   map[*sdk][]string // how each SDK's program is run
	skipped map[*sdk]string   // why it is not
	namesrv string
	grpc    string
	out     string          // where programs are built
	old     *harness.Builds // the 4.x clients of the matrix
	foreign bool            // not started here, and not ours: looser limits where Apache's own are
}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "gantry-sdk5-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	flag.Parse()
	lab.out = dir
	if err := build(context.Background(), dir); err != nil {
		return 0, err
	}
	lab.namesrv, lab.grpc = os.Getenv("GANTRY_CONFORMANCE_NAMESRV"), os.Getenv("GANTRY_CONFORMANCE_GRPC")
	if lab.namesrv != "" {
		lab.foreign = true
		return m.Run(), nil
	}
	server, err := harness.NewServer(dir)
	if err != nil {
		return 0, err
	}
	if err := server.Start(context.Background()); err != nil {
		return 0, err
	}
	lab.namesrv, lab.grpc = server.Namesrv, server.GRPC
	code = m.Run()
	if code != 0 {
		fmt.Fprintf(os.Stderr, "the server's log ends with:\n%s\n", server.Log())
	}
	return code, server.Stop()
}

// build makes the wanted programs: those of CI in a short run, and those that GANTRY_CONFORMANCE_SDKS names (go,node) if it
// is set. One whose tools this machine lacks is skipped, visibly.
func build(ctx context.Context, out string) error {
	lab.lines, lab.skipped = map[*sdk][]string{}, map[*sdk]string{}
	only := os.Getenv("GANTRY_CONFORMANCE_SDKS")
	clients, err := filepath.Abs("clients")
	if err != nil {
		return err
	}
	for _, s := range sdks {
		named := strings.Contains(","+only+",", ","+s.name+",")
		switch tool := s.missing(); {
		case only != "" && !named:
			lab.skipped[s] = "not in GANTRY_CONFORMANCE_SDKS"
		case only == "" && testing.Short() && !s.inCI:
			lab.skipped[s] = "not in a short run"
		case tool != "":
			lab.skipped[s] = "no " + tool + " here"
		default:
			if lab.lines[s], err = s.build(ctx, filepath.Join(clients, s.name), out); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachSDK runs a case once for every SDK that can do what it needs.
func eachSDK(t *testing.T, needs can, run func(t *testing.T, s *sdk)) {
	t.Parallel()
	for _, s := range sdks {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if why := lab.skipped[s]; why != "" {
				t.Skip(why)
			}
			if s.can&needs != needs {
				t.Skip("this SDK has no way to do it")
			}
			run(t, s)
		})
	}
}

// unique returns a name for a topic or group that no other case and no earlier run has.
func unique(t *testing.T, what string) string {
	test := strings.NewReplacer("/", "-", ".", "_").Replace(t.Name())
	return fmt.Sprintf("%s-%s-%06x", what, test, rand.IntN(1<<24))
}

const queues = 4

// newTopic makes a topic for messages of a type by the remoting protocol's request, as tools do, and waits until it has a
// route.
func newTopic(t *testing.T, messageType string) string {
	t.Helper()
	topic := unique(t, "T")
	if err := broker(t).CreateTypedTopic(t.Context(), topic, queues, messageType); err != nil {
		t.Fatal(err)
	}
	if lab.foreign {
		waitRoute(t, topic)
	}
	return topic
}

// newGroup makes a consumer group that reads a topic from its beginning.
func newGroup(t *testing.T, topic string, g rawclient.Group) string {
	t.Helper()
	g.Name = unique(t, "G")
	if g.Retries == 0 {
		g.Retries = 16
	}
	c := broker(t)
	if err := c.PutGroup(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	// Apache refuses offsets before a pull.
	for q := range int32(queues) {
		if _, err := c.Pull(t.Context(), g.Name, topic, q, 0, 1); err != nil {
			t.Fatal(err)
		}
		if err := c.StoreOffset(t.Context(), g.Name, topic, q, 0); err != nil {
			t.Fatal(err)
		}
	}
	return g.Name
}

// waitRoute waits until the name server, and every proxy that asks it, knows a topic.
func waitRoute(t *testing.T, topic string) {
	t.Helper()
	c := dial(t, lab.namesrv)
	deadline := time.Now().Add(10 * time.Second)
	for {
		if _, err := c.Route(t.Context(), topic); err == nil {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("route of %s: %v", topic, err)
		}
		<-time.After(20 * time.Millisecond) // a name server does not tell when it learns of a topic
	}
}

// broker connects to the broker of the server under test.
func broker(t *testing.T) *rawclient.Conn {
	t.Helper()
	route, err := dial(t, lab.namesrv).Route(t.Context(), "TBW102")
	if err != nil {
		t.Fatal(err)
	}
	if len(route.Brokers) == 0 {
		t.Fatalf("no broker: %+v", route)
	}
	return dial(t, route.Brokers[0].Addrs["0"])
}

func dial(t *testing.T, addr string) *rawclient.Conn {
	t.Helper()
	c, err := rawclient.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
