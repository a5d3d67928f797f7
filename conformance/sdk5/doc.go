// Package sdk5 runs the official v5 SDKs, unmodified, against the gRPC listener:
// one table of cases (cases_test.go), each run by every SDK that can express it
// (sdks_test.go). Each SDK is embedded in a program under clients/ that reads
// commands and writes events as JSON lines; all programs speak the same lines.
//
// What no SDK sends, or what an SDK hides from its user, is asked by a raw
// client on generated stubs (raw_test.go).
package sdk5
