// Command gantry is the broker and its command line: serve runs it, the other
// commands talk to one that runs. Commands are thin: serve hands over to
// internal/server, the others speak the RocketMQ protocol as any client does.
//
// Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed,
// 2 usage, 3 not found, 5 unreachable.
package main
