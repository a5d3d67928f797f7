package process

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestSystemShareSkipsTheCommandName(t *testing.T) {
	stat := "42 (a (b) c) S 1 42 42 0 -1 4194560 100 0 0 0 300 100 0 0 20 0 8 0 12345 1000000 500 18446744073709551615"
	got, err := systemShare(stat)
	if err != nil || got != 0.25 {
		t.Errorf("system share = %v, %v; want 0.25", got, err)
	}
	if _, err := systemShare("42 (cut"); err == nil {
		t.Error("a cut line was accepted")
	}
}

func TestFieldTakesWholeNamesAtLineStarts(t *testing.T) {
	text := "VmHWM:\t  200 kB\nVmRSS:\t  100 kB\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t5\n"
	for name, want := range map[string]int64{"VmRSS:": 100, "VmHWM:": 200, "voluntary_ctxt_switches:": 7, "nonvoluntary_ctxt_switches:": 5, "VmSwap:": 0} {
		if got := field(text, name); got != want {
			t.Errorf("%s = %d, want %d", name, got, want)
		}
	}
}

func TestMetricIgnoresCommentsLabelsAndLongerNames(t *testing.T) {
	text := "# HELP go_memstats_mallocs_total x\ngo_memstats_mallocs_total_x 1\ngo_memstats_mallocs_total{a=\"b\"} 2\ngo_memstats_mallocs_total 1.5e+06\n"
	got, err := metric(strings.NewReader(text), mallocsMetric)
	if err != nil || got != 1.5e6 {
		t.Errorf("metric = %v, %v; want 1.5e6", got, err)
	}
	if _, err := metric(strings.NewReader(""), mallocsMetric); err == nil {
		t.Error("a missing metric was not reported")
	}
}

func TestUsageOfThisProcessIsItsBusyLoop(t *testing.T) {
	pids := []int{os.Getpid()}
	before, err := Take(pids)
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); time.Since(began) < 100*time.Millisecond; {
	}
	after, err := Take(pids)
	if err != nil {
		t.Fatal(err)
	}
	// A shared machine may give a busy loop less than a core, but not next to nothing.
	u := Between(before, after, 1000)
	if u.Cores < 0.05 || u.Cores > 8 {
		t.Errorf("a busy loop used %v cores", u.Cores)
	}
	if want := u.Cores * 1000; u.CPUPerMessage < want*0.99 || u.CPUPerMessage > want*1.01 {
		t.Errorf("at 1000 messages/s it used %v µs a message, want %v", u.CPUPerMessage, want)
	}
	if u.RSSMiB < 1 || u.PeakRSSMiB < u.RSSMiB/2 {
		t.Errorf("resident %v MiB, peak %v MiB", u.RSSMiB, u.PeakRSSMiB)
	}
}

func TestAProcessThatIsGoneIsAnError(t *testing.T) {
	if _, err := Take([]int{1 << 22}); err == nil {
		t.Error("sampled a process that cannot exist")
	}
}
