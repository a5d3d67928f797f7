package remoting

import (
	"crypto/tls"
	"testing"

	"github.com/gantrymq/gantry/protocols"
	"github.com/gantrymq/gantry/remoting/client"
	"github.com/gantrymq/gantry/remoting/wire"
)

func TestTLSOnTheSamePort(t *testing.T) {
	cert, err := protocols.ServerTLS("", "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	bubble(t, func(t *testing.T, r *rig) {
		r.server.tls = cert
		secured := &caller{t: t, pushed: make(chan *wire.Command, 64)}
		secured.Conn = client.New(tls.Client(r.raw(), &tls.Config{InsecureSkipVerify: true}), nil)
		defer secured.Close()
		plain := r.dial()
		secured.send("t", 0, "over TLS")
		plain.send("t", 0, "plain")
		for _, c := range []*caller{secured, plain} {
			if body := c.call(wire.Success, pullRequest("t", 0, 0, 0)).Body; len(body) == 0 {
				t.Error("nothing is pulled")
			}
		}
	})
}

// On a socket the bytes take other paths than on a pipe.
func TestTLSOverTCP(t *testing.T) {
	addr, _ := startTCP(t)
	nc, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{t: t}
	c.Conn = client.New(nc, nil)
	defer c.Close()
	body := string(make([]byte, 1<<20)) // many reads and writes each way
	for range 3 {
		c.send("large", 0, body)
	}
	if n := len(c.call(wire.Success, pullRequest("large", 0, 0, 0)).Body); n < 1<<20 {
		t.Errorf("%d bytes are pulled", n)
	}
}
