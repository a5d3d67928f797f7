// Command e2e measures the way of a message through a server as an application sees it: the official Go client sends at
// a steady rate, a push consumer of the same client receives, and the latency runs from the intended time of the send
// to the consumer's callback.
//
// It is a module of its own, so that the client's dependencies are not those of the server.
package main
