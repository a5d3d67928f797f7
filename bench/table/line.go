package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/bench/report"
)

// The servers that are compared.
const (
	ours  = "gantry"
	peers = "apache"
	empty = "empty" // a grpc-go server that does nothing
)

// line is one line of a table: a figure of a row, for both servers, and what it should be.
type line struct {
	row    string
	what   string
	figure func(*report.Result) float64
	format string
	goals  []goal

	beside string // what we are compared with, if it is not the peer
}

// other is the server that we are compared with.
func (l *line) other() string {
	if l.beside != "" {
		return l.beside
	}
	return peers
}

// goal is one condition on our median; a relative one needs the peer's.
type goal struct {
	text     string
	relative bool
	met      func(ours, peers float64) bool
}

func atLeastTimes(n float64) goal {
	return goal{fmt.Sprintf("≥ %g ×", n), true, func(o, p float64) bool { return o >= n*p }}
}

func atMostOneIn(n float64) goal {
	return goal{fmt.Sprintf("≤ 1/%g", n), true, func(o, p float64) bool { return o <= p/n }}
}

func atMostTimes(n float64) goal {
	return goal{fmt.Sprintf("≤ %g ×", n), true, func(o, p float64) bool { return o <= n*p }}
}

func atMost(limit float64, text string) goal {
	return goal{"≤ " + text, false, func(o, _ float64) bool { return o <= limit }}
}

// missing is the value of a figure that a run does not have, as a JVM has no count of Go allocations. No figure is
// really below zero.
const missing = -1

// series is the values of a figure over the rounds of one server, sorted.
type series []float64

func (l *line) series(results []report.Result, server string) series {
	var s series
	for i := range results {
		r := &results[i]
		if r.Row != l.row || r.Server != server {
			continue
		}
		if v := l.figure(r); v != missing {
			s = append(s, v)
		}
	}
	slices.Sort(s)
	return s
}

// median is 0 without values.
func (s series) median() float64 {
	n := len(s)
	if n == 0 {
		return 0
	}
	if n%2 == 1 {
		return s[n/2]
	}
	return (s[n/2-1] + s[n/2]) / 2
}

// text is the median with its spread.
func (s series) text(format string) string {
	if len(s) == 0 {
		return "–"
	}
	f := func(v float64) string { return fmt.Sprintf(format, v) }
	if len(s) == 1 {
		return f(s[0])
	}
	return fmt.Sprintf("%s (%s–%s)", f(s.median()), f(s[0]), f(s[len(s)-1]))
}

// verdict says which goals the median meets.
func (l *line) verdict(o, p series) (goals, reached string) {
	texts := make([]string, len(l.goals))
	for i, g := range l.goals {
		texts[i] = g.text
	}
	goals, reached = strings.Join(texts, "; "), "yes"
	for _, g := range l.goals {
		switch {
		case len(o) == 0 || g.relative && len(p) == 0:
			return goals, "not measured"
		case !g.met(o.median(), p.median()):
			reached = "no"
		}
	}
	if len(l.goals) == 0 {
		reached = ""
	}
	return goals, reached
}

// ratio is ours to the peer's, read as "so many times" in the direction in which it is larger than 1.
func ratio(o, p series) string {
	if len(o) == 0 || len(p) == 0 || o.median() == 0 || p.median() == 0 {
		return "–"
	}
	q := o.median() / p.median()
	if q >= 1 {
		return fmt.Sprintf("%.1f ×", q)
	}
	return fmt.Sprintf("1/%.1f", 1/q)
}
