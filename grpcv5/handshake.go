package grpcv5

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"google.golang.org/grpc/credentials"

	"github.com/gantrymq/gantry/protocols"
)

// tlsHandshake is the first byte of a TLS connection; one without begins with
// HTTP/2's "PRI".
const tlsHandshake = 0x16

// handshake serves TLS and plaintext on one port, by the first byte that comes.
// Before it, a load balancer that is trusted may say whose connection it is.
type handshake struct {
	tls     credentials.TransportCredentials // nil: plaintext only
	trusted []netip.Prefix                   // may send a PROXY header
}

var _ credentials.TransportCredentials = (*handshake)(nil)

func newHandshake(cfg *tls.Config, trusted []netip.Prefix) *handshake {
	h := &handshake{trusted: trusted}
	if cfg != nil {
		h.tls = credentials.NewTLS(cfg.Clone()) // adds h2 to ALPN
	}
	return h
}

// ServerHandshake runs in a goroutine of grpc-go, with a deadline on the connection.
func (h *handshake) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, ok := raw.(*conn)
	if !ok {
		return nil, nil, fmt.Errorf("a connection of type %T", raw)
	}
	if err := h.begin(c); err != nil {
		return nil, nil, err
	}
	if c.begin[0] != tlsHandshake {
		return c, c, nil
	}
	if h.tls == nil {
		return nil, nil, errors.New("the client speaks TLS, and there is no certificate")
	}
	secured, _, err := h.tls.ServerHandshake(c)
	if err != nil {
		return nil, nil, err
	}
	return secured, c, nil
}

// begin reads the PROXY header, if there may be one, and the first byte behind it.
func (h *handshake) begin(c *conn) error {
	if protocols.Within(h.trusted, c.Conn.RemoteAddr()) {
		header, rest, err := protocols.ReadProxyHeader(c.Conn)
		if err != nil {
			return err
		}
		if header.Client.IsValid() {
			c.remote, c.local = header.Client, header.Dialled
		}
		c.begin = rest
	}
	if len(c.begin) > 0 {
		return nil
	}
	c.begin = make([]byte, 1)
	_, err := io.ReadFull(c.Conn, c.begin)
	return err
}

// ClientHandshake implements credentials.TransportCredentials; the server has no
// use for it.
func (h *handshake) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("this is a server's handshake")
}

// Info implements credentials.TransportCredentials.
func (h *handshake) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone implements credentials.TransportCredentials.
func (h *handshake) Clone() credentials.TransportCredentials { return h }

// OverrideServerName implements credentials.TransportCredentials.
func (h *handshake) OverrideServerName(string) error { return nil }
