// Package process measures server processes from outside, by what Linux counts for them: the same way for a Go binary
// and for a JVM.
//
// CPU time is the process's CPU clock (nanoseconds; the ticks of /proc/PID/stat are too coarse for an idle server),
// split into user and system in the ratio that stat gives. Bytes written count page cache dirtied by the process, which
// includes mapped files. Switches are summed over the threads that are alive.
package process
