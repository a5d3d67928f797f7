package main

import (
	"strings"
	"testing"
	"time"
)

func TestSendCountsWhatTheServerStored(t *testing.T) {
	for _, args := range [][]string{
		{"-connections", "2", "-inflight", "8"},
		{"-connections", "1", "-inflight", "4", "-batch", "5", "-header", "json"},
	} {
		s := newTestServer(t, 3)
		o := s.options("send", args...)
		r, err := runSend(o)
		if err != nil {
			t.Fatal(err)
		}
		var stored int64
		for _, n := range s.counts {
			stored += n
		}
		// The warm-up is stored and not counted.
		if r.Messages == 0 || r.Messages >= stored || r.Errors != 0 {
			t.Errorf("%v: counted %d, stored %d, errors %d", args, r.Messages, stored, r.Errors)
		}
		if want := uint64(r.Messages) / uint64(o.batch); r.Latency.Count != want {
			t.Errorf("%v: %d latencies of %d requests", args, r.Latency.Count, want)
		}
	}
}

func TestRefusedSendsAreErrorsAndNotMessages(t *testing.T) {
	s := newTestServer(t, 1)
	s.busy = true
	r, err := runSend(s.options("send", "-connections", "1", "-inflight", "2"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != 0 || r.Errors == 0 || !strings.Contains(r.FirstError, "code 2") {
		t.Errorf("%d messages, %d errors, %q", r.Messages, r.Errors, r.FirstError)
	}
}

func TestPullFillsReadsInOrderAndStartsAgain(t *testing.T) {
	s := newTestServer(t, 2)
	o := s.options("pull", "-connections", "1", "-inflight", "2", "-messages", "1000", "-size", "10")
	r, err := runPull(o)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.counts[0] + s.counts[1]; got < 1000 {
		t.Errorf("the topic was filled with %d messages, want 1000", got)
	}
	if r.Messages < 1000 || r.Errors != 0 {
		t.Errorf("%d messages, %d errors %s", r.Messages, r.Errors, r.FirstError)
	}
}

func TestPullNoticesAMissingMessage(t *testing.T) {
	s := newTestServer(t, 1)
	s.skip = true
	r, err := runPull(s.options("pull", "-connections", "1", "-inflight", "1", "-messages", "100"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.FirstError, "offset 2 came instead of 1") {
		t.Errorf("errors %d %q", r.Errors, r.FirstError)
	}
}

func TestRateKeepsTheRateAndCountsFromIntendedTimes(t *testing.T) {
	s := newTestServer(t, 1)
	s.delay = 20 * time.Millisecond
	r, err := runRate(s.options("rate", "-connections", "1", "-rate", "2000"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages == 0 || r.Messages > 400 { // fewer where the machine has better things to do
		t.Errorf("%d messages in 200 ms at 2000/s, want 400", r.Messages)
	}
	// The server takes a burst each 20 ms and holds it as long, so sends wait 20 to 40 ms; a closed loop would see 20.
	if r.Latency.P50 < 20_000 || r.Latency.Max < 25_000 {
		t.Errorf("p50 %.0f µs, max %.0f µs", r.Latency.P50, r.Latency.Max)
	}
}

func TestPushReceivesEveryMessageThatWasSent(t *testing.T) {
	for _, header := range []string{"binary", "json"} {
		s := newTestServer(t, 2)
		r, err := runPush(s.options("push", "-connections", "2", "-rate", "1000", "-header", header))
		if err != nil {
			t.Fatal(err)
		}
		if r.Messages == 0 || r.Messages > 200 || uint64(r.Messages) != r.Send.Count || r.Errors != 0 {
			t.Errorf("%s: %d received, %d errors %s, %d sent; want 200", header, r.Messages, r.Errors, r.FirstError, r.Send.Count)
		}
	}
}

func TestWatchCountsWhatOthersStore(t *testing.T) {
	s := newTestServer(t, 2)
	other := make(chan error, 1)
	go func() {
		_, err := runRate(s.options("rate", "-connections", "1", "-rate", "1000", "-duration", "600ms"))
		other <- err
	}()
	r, err := runWatch(s.options("watch", "-warmup", "100ms", "-duration", "300ms"))
	if err != nil {
		t.Fatal(err)
	}
	if err := <-other; err != nil {
		t.Fatal(err)
	}
	if r.PerSecond < 500 || r.PerSecond > 1500 {
		t.Errorf("%.0f messages a second, 1000 were sent", r.PerSecond)
	}
}

// BenchmarkClosedLoop shows what the generator itself can do: the server of the tests only counts, in the same process.
func BenchmarkClosedLoop(b *testing.B) {
	s := newTestServer(b, 8)
	s.countOnly = true
	r, err := runSend(s.options("send", "-connections", "8", "-inflight", "64", "-duration", "2s"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(r.PerSecond, "sends/s")
	b.ReportMetric(r.Generator*1e6/r.PerSecond, "µs/send,both-ends")
	b.ReportMetric(0, "ns/op")
}
