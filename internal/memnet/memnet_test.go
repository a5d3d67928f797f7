package memnet

import (
	"errors"
	"io"
	"net"
	"testing"
)

func TestDialAndAccept(t *testing.T) {
	var n Network
	ln, err := n.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if _, err := n.Listen("tcp", addr); err == nil {
		t.Error("an address is given twice")
	}
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		_, _ = c.Write([]byte(c.RemoteAddr().String()))
		_ = c.Close()
	}()
	c, err := n.Dial(t.Context(), "10.0.0.1", addr)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || string(got) != c.LocalAddr().String() || c.RemoteAddr().String() != addr {
		t.Errorf("the other end sees %s, %v; this end is %s", got, err, c.LocalAddr())
	}
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after close: %v", err)
	}
	if _, err := n.Dial(t.Context(), "10.0.0.1", addr); err == nil {
		t.Error("a closed listener takes a connection")
	}
	if _, err := n.Listen("tcp", addr); err != nil {
		t.Errorf("the address is not free again: %v", err)
	}
}
