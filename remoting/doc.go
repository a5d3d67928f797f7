// Package remoting is the listener for RocketMQ's TCP protocol as clients of 4.x
// and 5.x speak it. One server is name server, broker and VIP port: all its ports
// answer from one table of request codes (router.go). It owns bytes, connections
// and the mapping to core; what a message, an offset or a member is, is core's.
//
// START READING in router.go, then conn.go, then the file of a request family.
//
// A connection has one goroutine, its reader: it decodes all frames that a read
// brought, hands their requests to core, and submits once. Answers are written
// into the connection's out buffer by whoever has them, most often the shard's
// loop, in any order: clients match them by opaque. Flush writes once without
// blocking; what the socket does not take goes to a writer goroutine, which is
// started on demand and ends when the buffer is empty. Nothing else runs for a
// connection, and an idle one holds no buffer.
//
// One mutex per connection guards its out buffer. It is never held during a call
// into core or a write, and no other lock is taken while it is held.
//
// A client never waits for its time-out because of bad input: what can be
// matched to a request is answered in the client's own codes, and the connection
// is closed only where the next frame cannot be found.
package remoting
