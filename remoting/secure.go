package remoting

import (
	"bytes"
	"crypto/tls"
	"net"
)

// tlsHandshake is the first byte of a TLS connection. A frame that begins with it
// would be longer than any may be.
const tlsHandshake = 0x16

// secure looks at the first bytes of a connection: a client that speaks TLS gets
// it, on every port, as from RocketMQ's own servers. Its bytes are read and
// written the usual way from then on.
func (c *conn) secure() {
	if c.greeted {
		return
	}
	c.greeted = true
	b := c.in.bytes()
	if c.server.tls == nil || len(b) == 0 || b[0] != tlsHandshake {
		return
	}
	secured := tls.Server(&resumed{Conn: c.conn, begin: bytes.Clone(b)}, c.server.tls)
	c.in.skip(len(b))
	c.stream = secured
	c.socket.raw = nil
	c.out.conn, c.out.raw = secured, nil
}

// resumed is a connection of which the beginning was read already.
type resumed struct {
	net.Conn
	begin []byte
}

func (r *resumed) Read(b []byte) (int, error) {
	if len(r.begin) > 0 {
		n := copy(b, r.begin)
		r.begin = r.begin[n:]
		return n, nil
	}
	return r.Conn.Read(b)
}
