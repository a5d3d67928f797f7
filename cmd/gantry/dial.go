package main

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/gantrymq/gantry/remoting/client"
	"github.com/gantrymq/gantry/remoting/wire"
)

// dialTimeout is how long a server may take to accept a connection.
const dialTimeout = 5 * time.Second

// callTimeout is how long a server may take to answer, waiting pulls included.
const callTimeout = pullWait + 10*time.Second

// dial connects to a server. An address without a port is a name server's.
func dial(ctx context.Context, addr string) (*broker, error) {
	if !strings.Contains(addr, ":") {
		addr += ":9876"
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := client.Dial(ctx, addr)
	if err != nil {
		return nil, fail(exitUnreachable, "cannot reach a server at %s: %v; start one with gantry serve, or name another with --server", addr, cause(err))
	}
	return &broker{caller: &remoteCaller{conn, addr}, addr: addr}, nil
}

// cause strips what net repeats of the operation and the address.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// remoteCaller calls over a connection.
type remoteCaller struct {
	conn *client.Conn
	addr string
}

var _ caller = (*remoteCaller)(nil)

func (c *remoteCaller) call(ctx context.Context, request wire.RequestCode, fields map[string]string, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req := &wire.Command{Code: int32(request), Body: body}
	for name, value := range fields {
		req.Ext.Add(name, value)
	}
	resp, err := c.conn.Call(ctx, req)
	if errors.Is(err, context.Canceled) {
		return answer{}, err
	}
	if err != nil {
		return answer{}, fail(exitUnreachable, "lost the server at %s: %v", c.addr, err)
	}
	a := answer{code: wire.ResponseCode(resp.Code), remark: resp.Remark, fields: make(map[string]string), body: resp.Body}
	for _, f := range resp.Ext {
		a.fields[string(f.Key)] = string(f.Value)
	}
	return a, nil
}

func (c *remoteCaller) close() { _ = c.conn.Close() }
