// Command kafka is the plain producer that the log on Kafka is measured beside: franz-go with acks=all sends records of
// a size to one partition, so many in flight or at a steady rate, and the latency runs to the acknowledgement.
//
// It is a module of its own, so that it says by itself which client it measures.
package main
