// Command table prints the results in a directory as the tables of docs/benchmarks.md: medians over the rounds, the
// least and the greatest value beside them, and the goals.
package main
