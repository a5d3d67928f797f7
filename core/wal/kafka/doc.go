// Package kafka is the log for more than one machine: one partition of a Kafka
// topic for each shard, written with acks=all. A frame is one Kafka record. The
// layout of what lies in the topics is docs/format/kafka.md.
//
// The order of the partition decides who owns a shard, nothing else does: no
// clock, no lease, no group. An owner begins with an EPOCH record and reads up to
// it. From then on a frame counts if its epoch is the current one, its LSN the next
// one, and its chain that of the frame before (fold.go); every reader skips the
// rest. The owner calls a frame written only when it knows that it counts: Kafka
// acknowledged it at the offset behind the last one, from the leader known so far.
// Anything else freezes the log: nothing is acknowledged, what Kafka really holds
// is read back, and the fold says which frames count (thaw.go). If a frame is
// neither known to be there nor known to be missing, the producer is given up and
// the owner takes the log over from itself, under a new epoch (reign.go).
//
// So Append only hands a frame in. Written and durable are one watermark here.
//
// Everything on the local disk is a cache, and made anew by each process:
//
//	DIR/shard-0000/LOCK       held by the process that uses the folder
//	DIR/shard-0000/cache/...  segments and parts, as far as they were seen
//
// Locks: Log.mu guards all that the promises of the producer, the owner and the
// keeper share. It is never held while Kafka is asked for something.
package kafka
