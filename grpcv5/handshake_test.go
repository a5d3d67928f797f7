package grpcv5

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/gantrymq/gantry/grpcv5/apis"
	"github.com/gantrymq/gantry/protocols"
)

// secured is a rig that serves TLS, on a real socket or in memory.
func secured(t *testing.T, cfg Config, env protocols.Env) *rig {
	t.Helper()
	var err error
	if env.TLS, err = protocols.ServerTLS("", "", t.TempDir()); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, served: make(chan error, 1)}
	r.start(cfg, env)
	t.Cleanup(r.stop)
	return r
}

// clientTLS is how SDKs speak TLS: without looking at the certificate.
func clientTLS() credentials.TransportCredentials {
	return credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})
}

func TestTLSAndPlaintextShareThePort(t *testing.T) {
	r := secured(t, Config{Addr: "127.0.0.1:0"}, protocols.Env{})
	r.topic("t", "")
	dial := func(ctx context.Context, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", r.server.bound.String())
	}
	for name, creds := range map[string]credentials.TransportCredentials{"TLS": clientTLS(), "plaintext": insecure.NewCredentials()} {
		c := r.sdkOver(name, creds, dial)
		c.send(apis.Code_OK, c.message("t", "id", "x"))
		c.close()
	}
}

// proxied dials with a PROXY header in front.
func proxied(r *rig, header string) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, _ string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.server.bound.String())
		if err == nil {
			_, err = conn.Write([]byte(header))
		}
		return conn, err
	}
}

func proxyV2(client, dialled net.IP, clientPort, dialledPort uint16) string {
	b := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x21, 0x11, 0, 12)
	b = append(append(b, client.To4()...), dialled.To4()...)
	return string(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, clientPort), dialledPort))
}

func TestALoadBalancerSaysWhoTheClientIs(t *testing.T) {
	const v1 = "PROXY TCP4 203.0.113.7 198.51.100.9 5000 443\r\n"
	v2 := proxyV2(net.IPv4(203, 0, 113, 7), net.IPv4(198, 51, 100, 9), 5000, 443)
	r := secured(t, Config{Addr: "127.0.0.1:0", ProxyFrom: "127.0.0.0/8"}, protocols.Env{})
	r.topic("t", "")
	for name, tt := range map[string]struct {
		header string
		creds  credentials.TransportCredentials
	}{
		"v1 and TLS": {v1, clientTLS()}, "v1": {v1, insecure.NewCredentials()},
		"v2 and TLS": {v2, clientTLS()}, "v2": {v2, insecure.NewCredentials()},
		"none": {"", insecure.NewCredentials()}, "none and TLS": {"", clientTLS()},
	} {
		c := r.sdkOver(name, tt.creds, proxied(r, tt.header))
		m := c.message("t", "id", "x")
		m.SystemProperties.Keys = []string{name[:2]}
		c.send(apis.Code_OK, m)
		want := "203.0.113.7:5000"
		if tt.header == "" {
			want = "127.0.0.1"
		}
		if got := r.read("t", "id").BornHost(); got.String() != want && got.Addr().String() != want {
			t.Errorf("%s: sent by %v, want %s", name, got, want)
		}
		route := must[*apis.QueryRouteResponse](c, apis.Code_OK)(c.QueryRoute(c.ctx, &apis.QueryRouteRequest{Topic: resource("t")}))
		if host := route.MessageQueues[0].Broker.Endpoints.Addresses[0].Host; tt.header == "" && host != "127.0.0.1" {
			t.Errorf("%s: told %s", name, host)
		}
		c.close()
	}
}

func TestAStrangerIsNotBelieved(t *testing.T) {
	r := secured(t, Config{Addr: "127.0.0.1:0", ProxyFrom: "10.0.0.0/8"}, protocols.Env{})
	c := r.sdkOver("c", insecure.NewCredentials(), proxied(r, "PROXY TCP4 203.0.113.7 198.51.100.9 5000 443\r\n"))
	defer c.close()
	ctx, cancel := context.WithTimeout(c.ctx, 5*time.Second)
	defer cancel()
	if a, err := c.QueryRoute(ctx, &apis.QueryRouteRequest{Topic: resource("t")}); err == nil {
		t.Errorf("answered %v", a)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	bubbleWith(t, Config{MaxConnections: 1}, func(t *testing.T, r *rig) {
		r.topic("t", "")
		a, b := r.sdk("a"), r.sdk("b")
		defer a.close()
		defer b.close()
		a.send(apis.Code_OK, a.message("t", "id", "x"))
		ctx, cancel := context.WithTimeout(b.ctx, time.Second)
		defer cancel()
		if _, err := b.QueryRoute(ctx, &apis.QueryRouteRequest{Topic: resource("t")}); err == nil {
			t.Error("a second connection is served")
		}
		a.close()
		must[*apis.QueryRouteResponse](b, apis.Code_OK)(b.QueryRoute(b.ctx, &apis.QueryRouteRequest{Topic: resource("t")}, grpc.WaitForReady(true)))
	})
}

// C++ pings each minute, with calls or without; others more often.
func TestPingsOfAQuietClientAreNoReasonToSendItAway(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		conn := r.pinging(10 * time.Second)
		defer conn.close()
		must[*apis.HeartbeatResponse](conn, apis.Code_OK)(conn.Heartbeat(conn.ctx, &apis.HeartbeatRequest{}))
		before := conn.conn.GetState()
		time.Sleep(10 * time.Minute)
		if after := conn.conn.GetState(); after != before {
			t.Errorf("the connection was %v and is %v", before, after)
		}
	})
}

func TestShutdownAnswersWhatWaits(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c")
		defer c.close()
		ch := c.telemetry()
		defer ch.cancel()
		ch.say(producerSettings("t"))
		ch.told()
		answered := make(chan received, 1)
		go func() {
			got, err := c.receive(c.ctx, "t", nil)
			if err != nil {
				t.Error(err)
			}
			answered <- got
		}()
		synctest.Wait()
		began := time.Now()
		if err := r.server.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := <-answered; got.status.GetCode() != apis.Code_MESSAGE_NOT_FOUND {
			t.Errorf("the receive is answered %v", got.status)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestUnknownMethodsAndFields(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.sdk("c")
		defer c.close()
		if err := c.conn.Invoke(c.ctx, "/apache.rocketmq.v2.MessagingService/Nonsense", &apis.HeartbeatRequest{}, &apis.HeartbeatResponse{}); err == nil {
			t.Error("an unknown method is answered")
		}
		req := &apis.HeartbeatRequest{}
		if err := (proto.UnmarshalOptions{}).Unmarshal([]byte{0xfa, 0x07, 0x01, 'x'}, req); err != nil {
			t.Fatal(err)
		}
		must[*apis.HeartbeatResponse](c, apis.Code_OK)(c.Heartbeat(c.ctx, req))
		must[*apis.EndTransactionResponse](c, apis.Code_INVALID_TRANSACTION_ID)(c.EndTransaction(c.ctx, &apis.EndTransactionRequest{Topic: resource("t")}))
		must[*apis.SyncLiteSubscriptionResponse](c, apis.Code_NOT_IMPLEMENTED)(c.SyncLiteSubscription(c.ctx, &apis.SyncLiteSubscriptionRequest{}))
	})
}
