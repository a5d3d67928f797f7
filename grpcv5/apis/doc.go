// Package apis has the messages and stubs of RocketMQ's v5 protocol, package
// apache.rocketmq.v2: generated from the .proto files below it, which carry the
// wire contract (names, numbers, types) and nothing else.
package apis

//go:generate sh generate.sh
