package main

import (
	"github.com/gantrymq/gantry/bench/histogram"
	"github.com/gantrymq/gantry/bench/process"
	"github.com/gantrymq/gantry/bench/report"
)

// goalLines are the figures that have a goal.
func goalLines() []line {
	return []line{
		{"sends-8x64", "sends/s, 8 connections × 64 in flight, one core", perSecond, "%.0f", []goal{atLeastTimes(15)}, ""},
		{"sends-1x64", "sends/s, 1 × 64, one core", perSecond, "%.0f", []goal{atLeastTimes(7)}, ""},
		{"sends-64x1", "sends/s, 64 × 1, one core", perSecond, "%.0f", []goal{atLeastTimes(3)}, ""},
		{"producer", "sends/s, official Producer, 64 threads, shared cores", perSecond, "%.0f", []goal{atLeastTimes(3)}, ""},
		{"producer", "server CPU per send, official Producer, µs", cpu, "%.1f", []goal{atMostOneIn(5)}, ""},
		{"batch", "server CPU per message, BatchProducer, 32 a batch, µs", cpu, "%.2f", []goal{atMostOneIn(8)}, ""},
		{"pull", "server CPU per message, pull 32 at a time, one core, µs", cpu, "%.2f", []goal{atMostOneIn(4)}, ""},
		{"sync", "sends/s, SYNC_FLUSH, 64 × 1, one core", perSecond, "%.0f", []goal{atLeastTimes(4)}, ""},
		{"e2e", "send to push consumer at 2,000/s, Go client, p50, µs", p50, "%.0f", []goal{atMostOneIn(3), atMost(300, "300 µs")}, ""},
		{"e2e", "server CPU per message at 2,000/s, µs", cpu, "%.0f", []goal{atMostOneIn(5)}, ""},
		{"idle", "RSS, idle, MiB", rss, "%.0f", []goal{atMost(30, "30 MiB")}, ""},
		{"memory", "RSS after a minute of 20,000 messages/s, MiB", rss, "%.0f", []goal{atMost(150, "150 MiB")}, ""},
		{"start", "start on an empty folder to the first stored message, ms", startMs, "%.0f", []goal{atMost(100, "100 ms")}, ""},
		{"idle", "CPU when idle, % of a core", func(r *report.Result) float64 { return 100 * usage(r).Cores }, "%.3f", []goal{atMost(0.1, "0.1 %")}, ""},
		{"restart", "kill -9 with 5 GB of log to the first stored message, ms", startMs, "%.0f", []goal{atMost(1000, "1 s"), atMostOneIn(10)}, ""},
		{"queues", "start with 1,000,000 queues, ms", startMs, "%.0f", []goal{atMost(2000, "2 s")}, ""},
		{"queues-killed", "start with 1,000,000 queues after kill -9, ms", startMs, "%.0f", []goal{atMost(2000, "2 s")}, ""},
		{"queues-memory", "RSS with 1,000,000 queues, MiB", rss, "%.0f", []goal{atMost(512, "512 MiB")}, ""},
		{"queues-killed-memory", "RSS with 1,000,000 queues after kill -9, MiB", rss, "%.0f", []goal{atMost(512, "512 MiB")}, ""},
		{"sends-8x64", "heap allocations per message, send", allocs, "%.2f", []goal{atMost(1, "1")}, ""},
		{"pull", "heap allocations per message, pull", allocs, "%.2f", []goal{atMost(1, "1")}, ""},
	}
}

// v5Lines are the figures of the v5 gRPC protocol.
func v5Lines() []line {
	return []line{
		{row: "v5-mixed", what: "v5: unary send, receive and ack of 1 KiB at once, messages/s", figure: perSecond, format: "%.0f", goals: []goal{atLeastTimes(5)}},
		{row: "v5-drain", what: "v5: receive 32 + acks in one call, messages/s", figure: perSecond, format: "%.0f", goals: []goal{atLeastTimes(8)}},
		{row: "v5-send", what: "v5: server CPU per unary send, µs", figure: cpu, format: "%.1f", goals: []goal{atMostOneIn(5)}},
		{row: "v5-drain", what: "v5: server CPU per received and acked message, µs", figure: cpu, format: "%.1f", goals: []goal{atMostOneIn(5)}},
		{row: "v5-send", what: "v5: server CPU per unary send, beside an empty grpc-go server, µs", figure: cpu, format: "%.1f", goals: []goal{atMostTimes(1.5)}, beside: empty},
		{row: "v5-drain", what: "v5: server CPU per received and acked message, beside an empty one, µs", figure: cpu, format: "%.1f", goals: []goal{atMostTimes(1.5)}, beside: empty},
		{row: "v5-parked", what: "v5: send to a receive that waits, p50, µs", figure: p50, format: "%.0f", goals: []goal{atMost(500, "500 µs")}},
		{row: "v5-drain", what: "v5: bytes written per received and acked message", figure: func(r *report.Result) float64 { return usage(r).WriteBytes }, format: "%.0f", goals: []goal{atMost(60, "60")}},
		{row: "v5-delay", what: "v5: delay lateness at 10,000 due a second, p99, µs", figure: p99, format: "%.0f", goals: []goal{atMost(5000, "5 ms")}},
		{row: "v5-pending", what: "v5: RSS with 1,000,000 pending delayed messages, MiB", figure: rss, format: "%.0f", goals: []goal{atMost(96, "96 MiB")}},
		{row: "v5-polls", what: "v5: RSS with 10,000 receives that wait, MiB", figure: rss, format: "%.0f", goals: []goal{atMost(150, "150 MiB")}},
		{row: "v5-send", what: "v5: unary sends/s", figure: perSecond, format: "%.0f"},
		{row: "v5-mixed", what: "v5: server CPU per message sent, received and acked, µs", figure: cpu, format: "%.1f"},
		{row: "v5-parked", what: "v5: idle hiccup of the machine before the parked receives: p50, µs", figure: idle(func(s *histogram.Summary) float64 { return s.P50 }), format: "%.0f"},
		{row: "v5-delay", what: "v5: idle hiccup of the machine before the delays: p99, µs", figure: idle(func(s *histogram.Summary) float64 { return s.P99 }), format: "%.0f"},
	}
}

// otherLines say more about the same runs.
func otherLines() []line {
	return []line{
		{"topics-1", "1 topic × 8 queues: sends/s", perSecond, "%.0f", nil, ""},
		{"topics-10000", "10,000 topics × 8 queues: sends/s", perSecond, "%.0f", nil, ""},
		{"topics-1", "1 topic × 8 queues: server CPU per send, µs", cpu, "%.2f", nil, ""},
		{"topics-10000", "10,000 topics × 8 queues: server CPU per send, µs", cpu, "%.2f", nil, ""},
		{"pause-few", "a send a ms while snapshots are written, 8 queues: longest, µs", longest, "%.0f", nil, ""},
		{"pause-many", "the same with 1,000,000 queues: longest, µs", longest, "%.0f", nil, ""},
		{"pause-few", "the same, 8 queues: p99, µs", p99, "%.0f", nil, ""},
		{"pause-many", "the same, 1,000,000 queues: p99, µs", p99, "%.0f", nil, ""},
		{"pause-many", "idle hiccup of the machine before it: longest, µs", idle(func(s *histogram.Summary) float64 { return s.Max }), "%.0f", nil, ""},
		{"cold-without", "5,000 sends/s: p99, µs", p99, "%.0f", nil, ""},
		{"cold-with", "5,000 sends/s while a group reads 2 GB of cold data: p99, µs", p99, "%.0f", nil, ""},
		{"sends-8x64", "8 × 64: server CPU per send, µs", cpu, "%.2f", nil, ""},
		{"sends-1x64", "1 × 64: server CPU per send, µs", cpu, "%.2f", nil, ""},
		{"sends-64x1", "64 × 1: server CPU per send, µs", cpu, "%.2f", nil, ""},
		{"sends-8x64", "8 × 64: latency p99, µs", p99, "%.0f", nil, ""},
		{"sends-64x1", "64 × 1: latency p50, µs", p50, "%.0f", nil, ""},
		{"sends-64x1", "64 × 1: latency p99, µs", p99, "%.0f", nil, ""},
		{"sends-8x64", "8 × 64: bytes written per message", func(r *report.Result) float64 { return usage(r).WriteBytes }, "%.0f", nil, ""},
		{"sends-8x64", "8 × 64: read and write system calls per message", func(r *report.Result) float64 { return usage(r).SyscallsPerMessage }, "%.2f", nil, ""},
		{"sends-8x64", "8 × 64: CPU of the generator, cores", generator, "%.2f", nil, ""},
		{"sends-64x1", "64 × 1: CPU of the generator, cores", generator, "%.2f", nil, ""},
		{"pull", "pull: messages/s", perSecond, "%.0f", nil, ""},
		{"batch", "BatchProducer: messages/s", perSecond, "%.0f", nil, ""},
		{"sync", "SYNC_FLUSH: latency p50, µs", p50, "%.0f", nil, ""},
		{"sync", "SYNC_FLUSH: latency p99, µs", p99, "%.0f", nil, ""},
		{"e2e", "2,000/s end to end: p99, µs", p99, "%.0f", nil, ""},
		{"e2e", "idle hiccup of the machine before it: p50, µs", idle(func(s *histogram.Summary) float64 { return s.P50 }), "%.0f", nil, ""},
		{"e2e", "idle hiccup of the machine before it: p99, µs", idle(func(s *histogram.Summary) float64 { return s.P99 }), "%.0f", nil, ""},
		{"memory", "20,000/s send to long-polling consumer: p50, µs", p50, "%.0f", nil, ""},
		{"memory", "20,000/s send to long-polling consumer: p99, µs", p99, "%.0f", nil, ""},
		{"memory", "20,000/s: server CPU per message sent and received, µs", cpu, "%.1f", nil, ""},
		{"memory", "peak RSS since the start, after all loads, MiB", func(r *report.Result) float64 { return usage(r).PeakRSSMiB }, "%.0f", nil, ""},
		{"memory", "RSS without mapped files, MiB", func(r *report.Result) float64 { return usage(r).AnonRSSMiB }, "%.0f", nil, ""},
	}
}

func perSecond(r *report.Result) float64 { return r.PerSecond }
func generator(r *report.Result) float64 { return r.Generator }
func cpu(r *report.Result) float64       { return usage(r).CPUPerMessage }
func rss(r *report.Result) float64       { return usage(r).RSSMiB }
func startMs(r *report.Result) float64   { return r.StartMs }
func longest(r *report.Result) float64   { return summary(r.Latency).Max }
func p50(r *report.Result) float64       { return summary(r.Latency).P50 }
func p99(r *report.Result) float64       { return summary(r.Latency).P99 }

func allocs(r *report.Result) float64 {
	if n := usage(r).AllocsPerMessage; n > 0 {
		return n
	}
	return missing
}

func idle(f func(*histogram.Summary) float64) func(*report.Result) float64 {
	return func(r *report.Result) float64 { return f(summary(r.Idle)) }
}

func usage(r *report.Result) *process.Usage {
	if r.Usage == nil {
		return &process.Usage{}
	}
	return r.Usage
}

func summary(s *histogram.Summary) *histogram.Summary {
	if s == nil {
		return &histogram.Summary{}
	}
	return s
}
