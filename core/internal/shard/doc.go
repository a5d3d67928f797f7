// Package shard is the only loop: one goroutine that owns a shard's state,
// decides every request, applies the records, writes them as one frame per
// burst, and answers when the promised durability is reached.
package shard
