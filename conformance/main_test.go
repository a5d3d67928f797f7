package conformance

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
	"github.com/gantrymq/gantry/conformance/rawclient"
)

// lab is what all cases of a run share: the client programs and one server. Cases that need a server of their own start it.
var lab struct {
	kinds   []harness.Kind
	builds  *harness.Builds
	namesrv string
	foreign bool          // not started here, and not ours
	limit   time.Duration // how long a message may take to reach a consumer that has just started
}

// A consumer that its server forgets to notify has messages only after its next rebalance, 20 s later. Ours must not
// forget; Apache's sometimes does.
const (
	ourLimit     = 15 * time.Second
	foreignLimit = 45 * time.Second
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "gantry-conformance-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	flag.Parse()
	kinds := harness.Kinds()
	if testing.Short() {
		kinds = harness.Subset()
	}
	if lab.kinds, err = harness.Wanted(kinds); err != nil {
		return 0, err
	}
	if lab.builds, err = harness.BuildClients(ctx, harness.ModuleDir(), dir, append(lab.kinds, goKind)); err != nil {
		return 0, err
	}
	if lab.namesrv = os.Getenv("GANTRY_CONFORMANCE_NAMESRV"); lab.namesrv != "" {
		lab.foreign, lab.limit = true, foreignLimit
		return m.Run(), nil
	}
	server, err := harness.NewServer(dir)
	if err != nil {
		return 0, err
	}
	if err := server.Start(ctx); err != nil {
		return 0, err
	}
	lab.namesrv, lab.limit = server.Namesrv, ourLimit
	code = m.Run()
	if code != 0 {
		fmt.Fprintf(os.Stderr, "the server's log ends with:\n%s\n", server.Log())
	}
	return code, server.Stop()
}

// goKind is the light client that plays the other side where a case is about one client.
var goKind = harness.Kind{Lang: "go", Version: "2.1.2", Serialization: "JSON"}

// eachKind runs a case once for every client that keep accepts; nil accepts all.
func eachKind(t *testing.T, keep func(harness.Kind) bool, run func(t *testing.T, k harness.Kind)) {
	for _, k := range lab.kinds {
		if keep == nil || keep(k) {
			t.Run(k.String(), func(t *testing.T) { run(t, k) })
		}
	}
}

// start runs a client program against the shared server.
func start(t *testing.T, k harness.Kind) *harness.Program {
	t.Helper()
	return lab.builds.Start(t, k, lab.namesrv)
}

// unique returns a name for a topic or group that no other case and no earlier run has.
func unique(t *testing.T, what string) string {
	test := strings.NewReplacer("/", "-", ".", "_").Replace(t.Name())
	return fmt.Sprintf("%s-%s-%06x", what, test, rand.IntN(1<<24))
}

// newTopic makes a topic through the protocol's own request and waits until clients find it.
func newTopic(t *testing.T, queues int) string {
	t.Helper()
	topic := unique(t, "T")
	c := dial(t, brokerAddr(t, "TBW102"))
	if err := c.CreateTopic(t.Context(), topic, queues); err != nil {
		t.Fatal(err)
	}
	waitRoute(t, topic)
	return topic
}

// waitRoute returns a topic's route. A topic is routable once what made it was answered; other servers may take a moment.
func waitRoute(t *testing.T, topic string) rawclient.Route {
	t.Helper()
	patience := time.Duration(0)
	if lab.foreign {
		patience = 10 * time.Second
	}
	return waitRouteFor(t, topic, patience)
}

func waitRouteFor(t *testing.T, topic string, patience time.Duration) rawclient.Route {
	t.Helper()
	c := dial(t, lab.namesrv)
	deadline := time.Now().Add(patience)
	for {
		r, err := c.Route(t.Context(), topic)
		if err == nil {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("route of %s: %v", topic, err)
		}
		<-time.After(20 * time.Millisecond) // a name server does not tell when it learns of a topic
	}
}

func brokerAddr(t *testing.T, topic string) string {
	t.Helper()
	r := waitRoute(t, topic)
	if len(r.Brokers) == 0 || r.Brokers[0].Addrs["0"] == "" {
		t.Fatalf("route of %s has no master: %+v", topic, r)
	}
	return r.Brokers[0].Addrs["0"]
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

// checkAcknowledged checks what every acknowledgement of a send must say.
func checkAcknowledged(t *testing.T, broker string, sent []harness.Event, want int) {
	t.Helper()
	if len(sent) != want {
		t.Fatalf("%d acknowledgements, want %d", len(sent), want)
	}
	address, err := netip.ParseAddrPort(broker)
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]string{} // queue and offset, physical offset -> body
	for _, e := range sent {
		if e.Status != "SEND_OK" {
			t.Errorf("%s: status %s", e.Body, e.Status)
		}
		at := fmt.Sprintf("queue %d offset %d", e.Queue, e.Offset)
		if other, taken := place[at]; taken {
			t.Errorf("%s and %s are both at %s", other, e.Body, at)
		}
		place[at] = e.Body
		if e.OffsetMsgID == "" {
			continue // one message of a batch as the Go client reports it
		}
		host, physical, err := rawclient.DecodeOffsetMsgID(e.OffsetMsgID)
		if err != nil || host != address {
			t.Errorf("%s: offsetMsgId %s names %v (%v), the broker is at %v", e.Body, e.OffsetMsgID, host, err, address)
		}
		at = fmt.Sprintf("physical offset %d", physical)
		if other, taken := place[at]; taken {
			t.Errorf("%s and %s are both at %s", other, e.Body, at)
		}
		place[at] = e.Body
	}
}

// checkContent checks that every message sent was received with the same content and at the place acknowledged.
func checkContent(t *testing.T, sent, received []harness.Event) {
	t.Helper()
	got := map[string]harness.Event{}
	for _, e := range received {
		got[e.Body] = e
	}
	for _, s := range sent {
		r, ok := got[s.Body]
		if !ok {
			t.Errorf("%s was not received", s.Body)
			continue
		}
		if r.Size != s.Size || r.CRC != s.CRC {
			t.Errorf("%s: received %d bytes with checksum %d, sent %d with %d", s.Body, r.Size, r.CRC, s.Size, s.CRC)
		}
		if s.Event == "sent" && (r.Queue != s.Queue || r.Offset != s.Offset) {
			t.Errorf("%s: received from queue %d offset %d, acknowledged at queue %d offset %d", s.Body, r.Queue, r.Offset, s.Queue, s.Offset)
		}
		if s.MsgID != "" && r.MsgID != s.MsgID {
			t.Errorf("%s: received as message %s, sent as %s", s.Body, r.MsgID, s.MsgID)
		}
	}
}
