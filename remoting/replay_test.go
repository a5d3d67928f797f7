package remoting

import (
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/remoting/client"
	"github.com/gantrymq/gantry/remoting/wire"
)

// captures returns the frames of real clients, by file name.
func captures(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("wire/testdata/captures/*.hex")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	frames := map[string][]byte{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(string(content), "\n") // the first line is a comment
		frame, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		frames[filepath.Base(file)] = frame
	}
	return frames
}

// TestFramesOfRealClientsAreAnswered replays what real clients sent, each on a
// connection of its own, to a server that has none of their topics.
func TestFramesOfRealClientsAreAnswered(t *testing.T) {
	expected := map[wire.ResponseCode]bool{
		wire.Success: true, wire.TopicNotExist: true, wire.QueryNotFound: true, wire.RequestCodeNotSupported: true,
		wire.PullNotFound: true, wire.PullOffsetMoved: true, wire.PullRetryImmediately: true,
	}
	bubble(t, func(t *testing.T, r *rig) {
		for name, frame := range captures(t) {
			var cmd wire.Command
			if err := cmd.Decode(append([]byte(nil), frame...)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			nc := r.raw()
			write(t, nc, frame)
			if cmd.IsOneway() {
				_ = nc.Close()
				continue
			}
			resp, err := client.ReadCommand(nc)
			for err == nil && !resp.IsResponse() { // a heartbeat is followed by 40
				resp, err = client.ReadCommand(nc)
			}
			if err != nil || resp.Opaque != cmd.Opaque || resp.Serialization != cmd.Serialization {
				t.Errorf("%s: %+v, %v", name, resp, err)
				continue
			}
			nobody := cmd.Code == int32(wire.GetConsumerListByGroup) && resp.Code == int32(wire.SystemError)
			gone := cmd.Code == int32(wire.ConsumerSendMsgBack) && resp.Code == int32(wire.SystemError)
			if !expected[wire.ResponseCode(resp.Code)] && !nobody && !gone {
				t.Errorf("%s: answered %d, %s", name, resp.Code, resp.Remark)
			}
			_ = nc.Close()
		}
	})
}

// FuzzServer sends arbitrary bytes to a server, which must neither panic nor let
// another client notice.
func FuzzServer(f *testing.F) {
	for _, frame := range captures(f) {
		f.Add(frame, uint8(0))
		f.Add(append(append([]byte(nil), frame...), frame...), uint8(13))
	}
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		errorsLogged := &errorCounter{Handler: slog.DiscardHandler}
		bubbleLogged(t, slog.New(errorsLogged), func(t *testing.T, r *rig) {
			nc := r.raw()
			go func() { _, _ = io.Copy(io.Discard, nc) }()
			feed(nc, b, int(step))
			synctest.Wait()
			r.dial().call(wire.Success, wire.NewRequest(wire.GetBrokerClusterInfo))
			time.Sleep(firstFrameTimeout + frameTimeout)
			_ = nc.Close()
		})
		if errorsLogged.n > 0 {
			t.Fatalf("%d errors are logged", errorsLogged.n)
		}
	})
}

// feed writes b in pieces, as far as the other end takes it.
func feed(nc net.Conn, b []byte, step int) {
	if step == 0 {
		step = len(b)
	}
	for len(b) > 0 {
		n := min(step, len(b))
		if _, err := nc.Write(b[:n]); err != nil {
			return
		}
		b = b[n:]
	}
}

// errorCounter is a log handler that counts errors.
type errorCounter struct {
	slog.Handler
	n int // the bubble's goroutines log one after the other
}

func (e *errorCounter) Enabled(context.Context, slog.Level) bool { return true }

func (e *errorCounter) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		e.n++
	}
	return nil
}

func (e *errorCounter) WithAttrs([]slog.Attr) slog.Handler { return e }
