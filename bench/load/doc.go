// Command load puts RocketMQ remoting servers under load and reports what it cost them.
//
// It has an encoder and a parser of its own, on purpose: it shares no line with the server it measures, so neither can
// hide a mistake of the other. Frames are encoded once; what changes in them (opaque, unique key, time stamp) is
// patched into the copy that is sent. One goroutine owns a connection, and one read's worth of answers makes one write
// of requests, so that a single core can offer more than a million sends a second.
//
//	load send     closed loop: -connections x -inflight requests are always outstanding; -batch N puts N messages into each (320)
//	load fill     stores messages until there are enough: -messages in one topic, or one in each queue of -topics topics
//	load rate     open loop: -rate sends a second at intended times, latency counted from those
//	load pull     fills a topic, then pulls 32 messages at a time
//	load push     open loop, and a long-polling consumer beside it: latency from the intended send to the arrival
//	load watch    measures a server while some other program loads it
//	load idle     measures a server, or only the machine's hiccups, while nothing happens
//	load start    starts a server and measures the time until it stores a message
//	load topic    creates a topic
package main
