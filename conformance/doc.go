// Package conformance runs official, unmodified RocketMQ clients against the
// built server and checks what they see: each case is a Go test that drives
// client programs (package harness) in every client version and header
// serialization that has the feature.
//
// With GANTRY_CONFORMANCE_NAMESRV=host:port the same cases run against any other
// server of the protocol; those that must kill or restart it are skipped then.
// README.md says how to run it all.
package conformance
