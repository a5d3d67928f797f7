// Package kill proves what survives the death of the server's process: a load of
// sends from many connections, kill -9 at random moments (start-up included), an
// external ledger of what was acknowledged, and at the end a reading of every
// queue that is held against the ledger.
//
// The promises: an acknowledged message is there, at the offset it was
// acknowledged with; no message is at two offsets and no offset was given twice;
// what was refused for good is nowhere; offsets of one boot have no holes; and an
// operation that was answered before another began has the lower offset.
//
// The judge (checker.go) knows nothing of servers or processes: it is given a
// history and a reading, and is itself tested on forged ones.
package kill
