// Package state is the fold of a shard's log: topics and their queues, groups,
// cursors. Apply is the one way to change it, for a record just decided and for
// one replayed; Hash proves that both give the same.
//
// It is pure: no clock, no randomness, no goroutine, no order of maps.
package state
