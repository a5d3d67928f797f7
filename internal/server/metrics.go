package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gantrymq/gantry/core/wal/kafka"
)

// collectWAL shows what a log on Kafka counts. The log in files has no more to say
// than the engine.
func (s *server) collectWAL(reg *prometheus.Registry) error {
	w, ok := s.wal.(*kafka.WAL)
	if !ok {
		return nil
	}
	c := &kafkaCollector{wal: w, stats: kafkaStats()}
	for _, row := range c.stats {
		c.descs = append(c.descs, prometheus.NewDesc(row.name, row.help, nil, nil))
	}
	return reg.Register(c)
}

// kafkaStat is one row of the table: every number of kafka.Stats is one.
type kafkaStat struct {
	name, help string
	kind       prometheus.ValueType
	value      func(*kafka.Stats) float64
}

func kafkaStats() []kafkaStat {
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
	return []kafkaStat{
		{"gantry_kafka_epoch", "Number of this server's reign over its shard.", gauge, func(s *kafka.Stats) float64 { return float64(s.Epoch) }},
		{"gantry_kafka_frozen", "1 while nothing is acknowledged until what Kafka holds has been read back.", gauge, func(s *kafka.Stats) float64 {
			if s.Frozen {
				return 1
			}
			return 0
		}},
		{"gantry_kafka_freezes_total", "Times that something unexpected froze the log.", counter, func(s *kafka.Stats) float64 { return float64(s.Freezes) }},
		{"gantry_kafka_reigns_total", "Times that the server took the log over from itself.", counter, func(s *kafka.Stats) float64 { return float64(s.Reigns) }},
		{"gantry_kafka_dead_frames_total", "Frames met in the topic that do not count.", counter, func(s *kafka.Stats) float64 { return float64(s.Dead) }},
		{"gantry_kafka_foreign_records_total", "Records met in the topic that are nobody's frames.", counter, func(s *kafka.Stats) float64 { return float64(s.Foreign) }},
		{"gantry_kafka_pending_frames", "Frames on their way.", gauge, func(s *kafka.Stats) float64 { return float64(s.Pending) }},
		{"gantry_kafka_oldest_pending_seconds", "Age of the oldest of them.", gauge, func(s *kafka.Stats) float64 { return s.Oldest.Seconds() }},
		{"gantry_kafka_offset", "Offset of the last record in the partition.", gauge, func(s *kafka.Stats) float64 { return float64(s.Offset) }},
		{"gantry_kafka_cache_bytes", "Bytes of the log in the data folder.", gauge, func(s *kafka.Stats) float64 { return float64(s.CacheBytes) }},
		{"gantry_kafka_fetched_bytes_total", "Bytes fetched to read what is not in the cache.", counter, func(s *kafka.Stats) float64 { return float64(s.RemoteRead) }},
	}
}

// kafkaCollector shows the Stats of the first shard's log.
type kafkaCollector struct {
	wal   *kafka.WAL
	stats []kafkaStat
	descs []*prometheus.Desc // of stats, in their order
}

var _ prometheus.Collector = (*kafkaCollector)(nil)

// Describe implements prometheus.Collector.
func (c *kafkaCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *kafkaCollector) Collect(out chan<- prometheus.Metric) {
	stats, open := c.wal.Stats(0)
	if !open {
		return
	}
	for i, row := range c.stats {
		out <- prometheus.MustNewConstMetric(c.descs[i], row.kind, row.value(&stats))
	}
}
