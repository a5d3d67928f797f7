// Package wal is the contract of a shard's log: what it keeps, in which order,
// and what each of its two watermarks promises. It holds no implementation:
// wal/file is the embedded default, wal/kafka the one for more than one machine, wal/mem the model used in tests. Payloads are
// opaque here; a frame is atomic.
//
// A log forgets from its front, a segment at a time (Trim), tells how much it can
// take whatever becomes of the disk (Room, Prepare), and keeps beside the frames
// named blobs that were derived from them ([Parts]).
//
// A frame is a header of 48 bytes, owned by this package, and a payload of
// records, owned by core. The layout is docs/format/frame.md.
package wal
