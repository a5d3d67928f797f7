// Package server puts a gantry process together: its configuration (config.go,
// keys.go), the one list of listeners (listeners.go), and its life from the
// opening of the log to the last sync (server.go). Start reading there.
//
// It knows no protocol and no storage detail. It is the only package that
// imports an implementation of the log.
//
// Goroutines: one per listener for Serve, one per listener for Shutdown while
// the process stops, one for the admin port. Run waits for all of them.
package server
