package main

import _ "unsafe" // for go:linkname

// The Go client has both header codecs and no public way to choose the binary one.
//
//go:linkname codecType github.com/apache/rocketmq-client-go/v2/internal/remote.codecType
var codecType byte

// useSerialization picks the header codec; the name is the Java client's.
func useSerialization(name string) {
	if name == "ROCKETMQ" {
		codecType = 1
	}
}
