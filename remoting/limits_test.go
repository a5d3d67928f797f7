package remoting

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/remoting/client"
	"github.com/gantrymq/gantry/remoting/wire"
)

// closedAfter waits until the server closes a connection, and returns how long
// that took.
func closedAfter(t *testing.T, nc net.Conn) time.Duration {
	t.Helper()
	began := time.Now()
	if err := nc.SetReadDeadline(began.Add(time.Hour)); errors.Is(err, io.ErrClosedPipe) {
		return 0
	}
	if n, err := io.Copy(io.Discard, nc); err != nil {
		t.Fatalf("read %d bytes, then %v", n, err)
	}
	return time.Since(began)
}

func write(t *testing.T, nc net.Conn, b []byte) {
	t.Helper()
	if _, err := nc.Write(b); err != nil {
		t.Fatal(err)
	}
}

func TestSilenceIsClosedAfterTheFirstFrameTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		if took := closedAfter(t, r.raw()); took != firstFrameTimeout {
			t.Errorf("closed after %v, want %v", took, firstFrameTimeout)
		}
	})
}

func TestHalfAFirstFrameIsClosedAfterTheFirstFrameTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		nc := r.raw()
		write(t, nc, []byte{0, 0, 1})
		if took := closedAfter(t, nc); took != firstFrameTimeout {
			t.Errorf("closed after %v, want %v", took, firstFrameTimeout)
		}
	})
}

func TestASlowFrameIsClosedAfterItsTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		nc := r.raw()
		first := wire.NewRequest(wire.GetBrokerClusterInfo).AppendTo(nil)
		slow := sendRequest("orders", 0, strings.Repeat("x", 10_000)).AppendTo(nil)
		write(t, nc, first)
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := range slow { // a byte a second: each is traffic, the frame is not complete
				if _, err := nc.Write(slow[i : i+1]); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		defer writer.Wait()
		if took := closedAfter(t, nc); took < frameTimeout || took > frameTimeout+time.Second {
			t.Errorf("closed after %v, want %v", took, frameTimeout)
		}
	})
}

func TestIdleConnectionIsClosed(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		nc := r.raw()
		write(t, nc, wire.NewRequest(wire.GetBrokerClusterInfo).AppendTo(nil))
		if took := closedAfter(t, nc); took != idleTimeout {
			t.Errorf("closed after %v, want %v", took, idleTimeout)
		}
	})
}

func TestAHeldPollKeepsTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.send("orders", 0, "first")
		time.Sleep(idleTimeout - 10*time.Second)
		// The poll is answered after the idle timeout, counted from its request.
		req := pullRequest("orders", 0, 1, wire.PullSuspend)
		for i := range req.Ext {
			if string(req.Ext[i].Key) == "suspendTimeoutMillis" {
				req.Ext[i].Value = []byte("119999")
			}
		}
		c.call(wire.PullNotFound, req)
		time.Sleep(100 * time.Second)
		c.send("orders", 0, "second")
	})
}

func TestWhatIsNoFrameEndsTheConnection(t *testing.T) {
	for name, bytes := range map[string][]byte{
		"2 GiB":           {0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0},
		"negative length": {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
		"16 MiB and one":  {0x00, 0xff, 0xff, 0xfd, 0, 0, 0, 0},
		"HTTP":            []byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				nc := r.raw()
				write(t, nc, bytes)
				if took := closedAfter(t, nc); took != 0 {
					t.Errorf("closed after %v", took)
				}
			})
		})
	}
}

func TestAnAnnouncedLengthAllocatesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		nc := r.raw()
		write(t, nc, []byte{0x00, 0xff, 0xff, 0xfc, 0, 0, 0, 2, '{'})
		synctest.Wait()
		r.server.mu.Lock()
		defer r.server.mu.Unlock()
		for c := range r.server.conns {
			if n := len(*c.in.buf); n > burstSize {
				t.Errorf("a buffer of %d bytes for 9", n)
			}
		}
	})
}

func TestABadHeaderIsAnsweredAndTheConnectionGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		big := wire.NewRequest(wire.GetBrokerClusterInfo, "x", strings.Repeat("x", wire.MaxHeader))
		resp := c.call(wire.SystemError, big)
		if !strings.Contains(resp.Remark, "at most 65536") {
			t.Errorf("remark %q", resp.Remark)
		}
		c.call(wire.Success, wire.NewRequest(wire.GetBrokerClusterInfo))
	})
}

func TestPartialFramesWaitForTheBudget(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		if !r.server.budget.TryAcquire(partialBudget) {
			t.Fatal("the budget is not free at the start")
		}
		c := r.dial()
		sent := make(chan bool)
		go func() {
			c.call(wire.Success, sendRequest("orders", 0, strings.Repeat("x", 1<<20)))
			close(sent)
		}()
		time.Sleep(5 * time.Second)
		select {
		case <-sent:
			t.Fatal("a frame of 1 MiB needs no budget")
		default:
		}
		r.server.budget.Release(partialBudget)
		<-sent
	})
}

func TestPartialFramesGiveTheBudgetBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		for range 3 {
			nc := r.raw()
			write(t, nc, sendRequest("orders", 0, strings.Repeat("x", 1<<20)).AppendTo(nil)[:300_000])
			synctest.Wait()
			_ = nc.Close()
		}
		synctest.Wait()
		if !r.server.budget.TryAcquire(partialBudget) {
			t.Error("the budget is not free at the end")
		}
		r.server.budget.Release(partialBudget)
	})
}

func TestNoBudgetEndsTheFrameInTime(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		if !r.server.budget.TryAcquire(partialBudget) {
			t.Fatal("the budget is not free at the start")
		}
		defer r.server.budget.Release(partialBudget)
		nc := r.raw()
		write(t, nc, wire.NewRequest(wire.GetBrokerClusterInfo).AppendTo(nil))
		go func() { // never complete
			_, _ = nc.Write(sendRequest("orders", 0, strings.Repeat("x", 1<<20)).AppendTo(nil)[:500_000])
		}()
		if took := closedAfter(t, nc); took != frameTimeout {
			t.Errorf("closed after %v, want %v", took, frameTimeout)
		}
	})
}

func TestASlowReaderHurtsOnlyItself(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		producer := r.dial()
		for range 8 {
			producer.send("orders", 0, strings.Repeat("x", 200_000))
		}
		slow := r.raw()
		var requests []byte
		for range 100 {
			requests = pullRequest("orders", 0, 0, wire.PullSubscription).AppendTo(requests)
		}
		write(t, slow, requests) // 20 MB of answers, of which nothing is read
		synctest.Wait()
		r.server.mu.Lock()
		for c := range r.server.conns {
			c.out.mu.Lock()
			if n := c.out.size(); n > maxOut+maxPullBytes+100*512 {
				t.Errorf("%d bytes wait for a client that does not read", n)
			}
			c.out.mu.Unlock()
		}
		r.server.mu.Unlock()
		producer.send("orders", 0, "others go on")
		began := time.Now()
		synctest.Wait()
		time.Sleep(writeTimeout + time.Second)
		if _, err := slow.Write([]byte{0}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the slow reader is still there %v later: %v", time.Since(began), err)
		}
	})
}

func TestASlowReaderThatReadsGetsEverything(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		producer := r.dial()
		for range 8 {
			producer.send("orders", 0, strings.Repeat("x", 200_000))
		}
		nc := r.raw()
		var requests []byte
		for i := range 50 {
			req := pullRequest("orders", 0, 0, wire.PullSubscription)
			req.Opaque = int32(i)
			requests = req.AppendTo(requests)
		}
		go func() { _, _ = nc.Write(requests) }()
		time.Sleep(10 * time.Second)
		answers := map[int32]wire.ResponseCode{}
		for len(answers) < 50 {
			cmd, err := client.ReadCommand(nc)
			if err != nil {
				t.Fatalf("after %d answers: %v", len(answers), err)
			}
			answers[cmd.Opaque] = wire.ResponseCode(cmd.Code)
			if cmd.Code == int32(wire.PullRetryImmediately) && cmd.Ext.Text("nextBeginOffset") != "0" {
				t.Errorf("asked again from %s", cmd.Ext.Text("nextBeginOffset"))
			}
		}
		counts := map[wire.ResponseCode]int{}
		for _, code := range answers {
			counts[code]++
		}
		if counts[wire.Success] == 0 || counts[wire.Success]+counts[wire.PullRetryImmediately] != 50 {
			t.Errorf("answers by code: %v", counts)
		}
	})
}

func TestTooManyConnections(t *testing.T) {
	bubbleWith(t, Config{MaxConnections: 3, MaxConnectionsPerIP: 2}, func(t *testing.T, r *rig) {
		first, second := r.dial(), r.dial()
		if took := closedAfter(t, r.raw()); took != 0 {
			t.Errorf("the third of one address is closed after %v", took)
		}
		dialFrom := func(ip string) net.Conn {
			nc, err := r.network.Dial(t.Context(), ip, testBroker)
			if err != nil {
				t.Fatal(err)
			}
			return nc
		}
		third := dialFrom("10.0.0.1")
		defer func() { _ = third.Close() }()
		synctest.Wait()
		if took := closedAfter(t, dialFrom("10.0.0.2")); took != 0 {
			t.Errorf("the fourth is closed after %v", took)
		}
		_ = first.Close()
		synctest.Wait()
		r.dial().call(wire.Success, wire.NewRequest(wire.GetBrokerClusterInfo))
		second.call(wire.Success, wire.NewRequest(wire.GetBrokerClusterInfo))
	})
}

func TestFramesByteByByteGetTheSameAnswers(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.dial().send("orders", 0, "hello")
		var frames []byte
		requests := []*wire.Command{
			wire.NewRequest(wire.GetRouteInfoByTopic, "topic", "orders"),
			pullRequest("orders", 0, 0, wire.PullSubscription),
			wire.NewRequest(wire.GetMaxOffset, "topic", "orders", "queueId", "0"),
			wire.NewRequest(999),
		}
		for i, req := range requests {
			req.Opaque = int32(i)
			frames = req.AppendTo(frames)
		}
		answers := func(step int) []string {
			nc := r.raw()
			go func() {
				for b := frames; len(b) > 0; {
					n := min(step, len(b))
					if _, err := nc.Write(b[:n]); err != nil {
						return
					}
					b = b[n:]
				}
			}()
			texts := make([]string, len(requests))
			for range requests {
				cmd, err := client.ReadCommand(nc)
				if err != nil {
					t.Fatal(err)
				}
				texts[cmd.Opaque] = fmt.Sprint(cmd.Code, cmd.Remark, cmd.Ext.Text("offset"), string(cmd.Body))
			}
			return texts
		}
		whole := answers(len(frames))
		for _, step := range []int{1, 7} {
			for i, text := range answers(step) {
				if text != whole[i] {
					t.Errorf("in steps of %d, request %d is answered %q, else %q", step, i, text, whole[i])
				}
			}
		}
	})
}
