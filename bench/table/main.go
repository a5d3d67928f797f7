package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gantrymq/gantry/bench/report"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("want the directory of the results")
	}
	results, err := report.Read(args[0])
	if err != nil {
		return err
	}
	// What machine it was and how it was done, as run.sh noted it.
	about, err := os.ReadFile(filepath.Join(args[0], "about.md"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fmt.Fprintf(out, "%s\n", about)
	printTable(out, "Figures to reach (median over the rounds, least and greatest in parentheses)", goalLines(), results)
	printTable(out, "Over the v5 gRPC protocol", v5Lines(), results)
	printTable(out, "Beside them", otherLines(), results)
	printErrors(out, results)
	return nil
}

func printTable(out io.Writer, title string, lines []line, results []report.Result) {
	fmt.Fprintf(out, "%s:\n\n| what | Apache RocketMQ | Gantry | ratio | goal | reached |\n|---|---|---|---|---|---|\n", title)
	for _, l := range lines {
		o, p := l.series(results, ours), l.series(results, l.other())
		if len(o) == 0 && len(p) == 0 {
			continue
		}
		goals, reached := l.verdict(o, p)
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", l.what, p.text(l.format), o.text(l.format), ratio(o, p), goals, reached)
	}
	fmt.Fprintln(out)
}

// printErrors names every run that had errors: its figures are not to be trusted.
func printErrors(out io.Writer, results []report.Result) {
	for _, r := range results {
		if r.Errors > 0 {
			fmt.Fprintf(out, "- %s, %s, round %d: %d errors, the first: %s\n", r.Row, r.Server, r.Round, r.Errors, r.FirstError)
		}
	}
}
