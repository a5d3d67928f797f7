// Package client is a small raw client of RocketMQ's remoting protocol: one
// connection, requests and their answers, and what the server asks. The command
// line speaks with it, and the tests of the listener. It is not an SDK: there is
// no routing, no retry and no rebalancing in it.
//
// A connection has one goroutine, its reader, which ends with the connection.
package client
