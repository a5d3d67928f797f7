package main

import (
	"strings"
	"testing"

	"github.com/gantrymq/gantry/bench/process"
	"github.com/gantrymq/gantry/bench/report"
)

func write(t *testing.T, dir, row, server string, round int, perSecond, cpu float64) {
	t.Helper()
	r := report.Result{Label: report.Label{Row: row, Server: server, Round: round}, PerSecond: perSecond, Usage: &process.Usage{CPUPerMessage: cpu}}
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
}

func TestTableShowsMediansSpreadAndWhetherTheGoalIsReached(t *testing.T) {
	dir := t.TempDir()
	for round, v := range []float64{100, 300, 200} {
		write(t, dir, "sends-64x1", ours, round, v*10, 1)
		write(t, dir, "sends-64x1", peers, round, v, 9)
		write(t, dir, "producer", ours, round, 50, 10)
		write(t, dir, "producer", peers, round, 50, 40)
	}
	var out strings.Builder
	if err := run([]string{dir}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| sends/s, 64 × 1, one core | 200 (100–300) | 2000 (1000–3000) | 10.0 × | ≥ 3 × | yes |",
		"| sends/s, official Producer, 64 threads, shared cores | 50 (50–50) | 50 (50–50) | 1.0 × | ≥ 3 × | no |",
		"| server CPU per send, official Producer, µs | 40.0 (40.0–40.0) | 10.0 (10.0–10.0) | 1/4.0 | ≤ 1/5 | no |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no line %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "8 connections") {
		t.Error("a row that was not run has a line")
	}
}

func TestARowOfOneServerIsNotJudged(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "sends-64x1", ours, 1, 1000, 1)
	var out strings.Builder
	if err := run([]string{dir}, &out); err != nil {
		t.Fatal(err)
	}
	if want := "| – | 1000 | – | ≥ 3 × | not measured |"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in\n%s", want, out.String())
	}
}

func TestAnAbsoluteGoalNeedsNoPeer(t *testing.T) {
	dir := t.TempDir()
	r := report.Result{Label: report.Label{Row: "start", Server: ours, Round: 1}, StartMs: 40}
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run([]string{dir}, &out); err != nil {
		t.Fatal(err)
	}
	if want := "| – | 40 | – | ≤ 100 ms | yes |"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in\n%s", want, out.String())
	}
}

func TestRunsWithErrorsAreNamed(t *testing.T) {
	dir := t.TempDir()
	r := report.Result{Label: report.Label{Row: "pull", Server: ours, Round: 2}, Errors: 3, FirstError: "pull queue 1: code 1"}
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run([]string{dir}, &out); err != nil {
		t.Fatal(err)
	}
	if want := "- pull, gantry, round 2: 3 errors, the first: pull queue 1: code 1"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in\n%s", want, out.String())
	}
}
