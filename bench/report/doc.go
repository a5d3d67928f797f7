// Package report is the form in which every benchmark program of this tree leaves its result: one JSON object in a
// file, one line for the reader. bench/table makes the tables of docs/benchmarks.md from these files.
package report
