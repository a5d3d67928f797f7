// Package ops is the admin port: health, metrics and, where configured,
// profiles, on one net/http server. It is the first port that opens and the last
// that closes, so that it answers while the log is recovered, while clients are
// drained, and when the shard has failed.
//
// It changes nothing: every page is a GET. Requests that a browser makes for
// another site are refused.
//
// Goroutines: those of net/http, ended by Shutdown.
package ops
