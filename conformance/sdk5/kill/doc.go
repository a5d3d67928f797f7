// Package kill proves what survives the death of the server's process under a load
// of per-message delivery: sends, receives and acks from many connections, kill -9
// at random moments, and a ledger of what was answered.
//
// The promises: a message whose ack was answered is not delivered again; one whose
// send was answered is delivered until it is acked; a handle stays valid until its
// lease ends, whatever happens to the process; each delivery has a higher attempt
// than the one before; and within a message group nothing is delivered before what
// was sent earlier is done.
//
// The judge (judge.go) is given a history and knows nothing of servers; it is
// itself tested on forged histories.
package kill
