// Package histogram counts durations in log-linear buckets, so that a tail can be read without keeping every sample.
//
// A bucket is at most 1/128 of its value wide. Recording is a shift and an increment: no allocation, no lock. A
// Histogram belongs to one goroutine; Merge joins those of many when they have stopped.
package histogram
