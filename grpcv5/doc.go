// Package grpcv5 is the listener for RocketMQ's v5 clients, which speak gRPC
// (package apache.rocketmq.v2, stubs in apis).
//
// A resource (namespace and name) is a topic or group of core: the name, with
// "namespace%" before it where there is one. A message is stored in RocketMQ's
// wire layout, so 4.x clients read it, and theirs is read here: send.go and
// message.go say which field is which property.
//
// What goes wrong is said in the Status of the answer, and the call itself ends
// well: clients take a gRPC error for a broken server. status.go is the table.
//
// A session is a client by its id (x-mq-client-id): a core.Client, and what the
// client last said of itself over Telemetry. Every call works without one that is
// known from Telemetry: a call makes the session it needs. It lasts while
// the client is heard of; when it ends, leases that renew themselves end with it.
//
// Goroutines: those of grpc-go. A handler waits in its own for core to call
// back. Timers run short functions: settings pushed again, the end of a session.
//
// Locks: a session's calls is held from a call into core to its Submit, so while
// the shard's inbox is full; nothing else of the package is locked under it. A
// stream's sending is held while grpc-go takes a message. The registry's mutex
// and a session's mu nest in nothing.
package grpcv5
