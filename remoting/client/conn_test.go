package client

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

// peer is the server's end of a connection, played by the test.
type peer struct {
	t    *testing.T
	conn net.Conn
}

func pair(t *testing.T, push func(*wire.Command)) (*Conn, *peer) {
	near, far := net.Pipe()
	c := New(near, push)
	t.Cleanup(func() { _ = c.Close(); _ = far.Close() })
	return c, &peer{t, far}
}

func (p *peer) read() *wire.Command {
	p.t.Helper()
	cmd, err := ReadCommand(p.conn)
	if err != nil {
		p.t.Fatal(err)
	}
	return cmd
}

func (p *peer) write(cmd *wire.Command) {
	p.t.Helper()
	if _, err := p.conn.Write(cmd.AppendTo(nil)); err != nil {
		p.t.Fatal(err)
	}
}

func TestAnswersMayComeInAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, server := pair(t, nil)
		answers := make(chan string, 2)
		for _, name := range []string{"first", "second"} {
			go func() {
				resp, err := c.Call(t.Context(), wire.NewRequest(1, "name", name))
				if err != nil {
					answers <- err.Error()
					return
				}
				answers <- name + " gets " + resp.Remark
			}()
		}
		one, two := server.read(), server.read()
		if one.Version != wire.VersionSpoken || one.Opaque == two.Opaque {
			t.Errorf("version %d, opaques %d and %d", one.Version, one.Opaque, two.Opaque)
		}
		for _, req := range []*wire.Command{two, one} {
			server.write(&wire.Command{Opaque: req.Opaque, Flag: wire.FlagResponse, Remark: req.Ext.Text("name")})
		}
		got := map[string]bool{<-answers: true, <-answers: true}
		if !got["first gets first"] || !got["second gets second"] {
			t.Errorf("%v", got)
		}
	})
}

func TestPushedRequestsAndStrayAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pushed := make(chan int32, 1)
		_, server := pair(t, func(cmd *wire.Command) { pushed <- cmd.Code })
		server.write(&wire.Command{Opaque: 99, Flag: wire.FlagResponse})
		server.write(&wire.Command{Code: 40, Flag: wire.FlagOneway})
		if code := <-pushed; code != 40 {
			t.Errorf("pushed code %d", code)
		}
	})
}

func TestCallsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, server := pair(t, nil)
		go func() { _, _ = io.Copy(io.Discard, server.conn) }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Call(ctx, wire.NewRequest(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call without an answer ends with %v", err)
		}
		ended := make(chan error)
		go func() {
			_, err := c.Call(t.Context(), wire.NewRequest(1))
			ended <- err
		}()
		synctest.Wait()
		_ = server.conn.Close()
		if err := <-ended; !errors.Is(err, io.EOF) {
			t.Errorf("a call on a connection that breaks ends with %v", err)
		}
		<-c.Done()
		if _, err := c.Call(t.Context(), wire.NewRequest(1)); err == nil {
			t.Error("a call on a broken connection succeeds")
		}
	})
}

func TestOnewayRequestsAreMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, server := pair(t, nil)
		go func() { _ = c.Send(wire.NewRequest(15)) }()
		if cmd := server.read(); !cmd.IsOneway() || cmd.Code != 15 {
			t.Errorf("code %d, flag %d", cmd.Code, cmd.Flag)
		}
	})
}

func TestWhatIsNoFrameEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, server := pair(t, nil)
		go func() { _, _ = server.conn.Write([]byte("HTTP/1.1 400\r\n")) }()
		<-c.Done()
		if _, err := c.Call(t.Context(), wire.NewRequest(1)); err == nil {
			t.Error("the connection goes on")
		}
	})
}
