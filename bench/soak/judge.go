package main

import "fmt"

// limit is how much a measure may grow over the time that is judged: by a share of
// its mean, or by so much at least.
type limit struct {
	name  string
	share float64
	least float64
}

// limits returns the table, in the order of the measures.
func limits() [measures]limit {
	return [measures]limit{
		rss:        {"RSS, MiB", 0.15, 16},
		goroutines: {"goroutines", 0.10, 5},
		files:      {"open files", 0.15, 16},
		disk:       {"disk, MiB", 0.20, 16},
	}
}

// judge compares the measures after the warm-up, a third of the time, and says
// what was not exercised.
func (s *soak) judge(rows []row) {
	rows = rows[len(rows)/3:]
	if len(rows) < 3 {
		s.violate("only %d measurements after the warm-up: the run was too short", len(rows))
		return
	}
	fmt.Printf("\n%-12s %10s %10s %10s\n", "measure", "mean", "growth", "allowed")
	for i, l := range limits() {
		mean, growth := trend(rows, i)
		allowed := max(l.share*mean, l.least)
		fmt.Printf("%-12s %10.1f %+10.1f %10.1f\n", l.name, mean, growth, allowed)
		if growth > allowed {
			s.violate("%s grew by %.1f, at most %.1f are allowed", l.name, growth, allowed)
		}
	}
	var done [3]float64
	for i := range rows {
		for j := range done {
			done[j] = max(done[j], rows[i].progress[j])
		}
	}
	for j, what := range []string{"snapshot taken", "segment sealed", "segment forgotten"} {
		if done[j] == 0 {
			s.violate("not one %s: nothing was proven", what)
		}
	}
	fmt.Printf("sent %d, read %d, expired unread %d, sends without an answer %d, topics deleted %d, lives %d, violations %d\n",
		s.sent.Load(), s.read.Load(), s.expired.Load(), s.doubtful.Load(), s.deletions.Load(), s.server.lives, len(s.violations))
}

// trend returns a measure's mean, and by how much it grew over the time of the
// rows: the slope of the line with the least squares, times that time.
func trend(rows []row, measure int) (mean, growth float64) {
	n := float64(len(rows))
	var at float64
	for i := range rows {
		at += rows[i].at.Seconds() / n
		mean += rows[i].measures[measure] / n
	}
	var xy, xx float64
	for i := range rows {
		x := rows[i].at.Seconds() - at
		xy += x * (rows[i].measures[measure] - mean)
		xx += x * x
	}
	if xx == 0 {
		return mean, 0
	}
	return mean, xy / xx * (rows[len(rows)-1].at - rows[0].at).Seconds()
}
