// Package core is what a listener sees of the engine: Engine, Client, requests,
// results, names and errors. It has no mechanism: the loop is in
// core/internal/shard, the log behind core/wal.
//
// A connection is a Client. Its calls queue until Submit, which hands them to
// the shard as one run: call it once per read burst. Every done runs exactly
// once, on the shard's loop, in log order among requests of equal durability,
// and a success only after the promised durability. A done must not block, nor
// take a lock that is held while calling into core, nor use a blocking form.
// Flush comes once after each run of callbacks of one client.
package core
