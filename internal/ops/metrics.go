package ops

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gantrymq/gantry/core"
)

// NewRegistry makes the process's registry, with what the Go runtime, the
// operating system and the build tell of it.
func NewRegistry(version string, insecure bool) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "gantry_build_info",
		Help:        "Always 1; the version is in the labels.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	}, func() float64 { return 1 })
	auth := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gantry_insecure",
		Help: "1 while auth is off: everyone who reaches a port may use it.",
	}, func() float64 { return number(insecure) })
	reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		build, auth,
	)
	return reg
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func metricsHandler(reg *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4,
		Registry:            reg,
	})
}

// Engine is what the metrics page reads of a core.Engine.
type Engine interface {
	Stats() core.Stats
	Kept() core.Kept
	Err() error
}

// CollectEngine shows an engine's counters in reg. Nothing is counted at scrape
// time: one snapshot of counters that the loop keeps anyway.
func CollectEngine(reg *prometheus.Registry, engine Engine) error {
	return reg.Register(newEngineCollector(engine))
}

// stat is one row of the table of engine metrics.
type stat struct {
	name, help string
	kind       prometheus.ValueType
	value      func(*core.Stats) float64
}

// engineStats returns the table: every number of core.Stats is a row.
func engineStats() []stat {
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
	return []stat{
		{"gantry_sent_messages_total", "Messages stored.", counter, func(s *core.Stats) float64 { return float64(s.Sent) }},
		{"gantry_sent_bytes_total", "Bytes of messages stored.", counter, func(s *core.Stats) float64 { return float64(s.SentBytes) }},
		{"gantry_delivered_messages_total", "Messages handed out to consumers.", counter, func(s *core.Stats) float64 { return float64(s.Delivered) }},
		{"gantry_delivered_bytes_total", "Bytes of messages handed out to consumers.", counter, func(s *core.Stats) float64 { return float64(s.DeliveredBytes) }},
		{"gantry_acked_messages_total", "Deliveries that consumers settled as done.", counter, func(s *core.Stats) float64 { return float64(s.Acked) }},
		{"gantry_dead_messages_total", "Messages moved to dead letters.", counter, func(s *core.Stats) float64 { return float64(s.Dead) }},
		{"gantry_stale_acks_total", "Acks refused because the delivery was over.", counter, func(s *core.Stats) float64 { return float64(s.StaleAcks) }},
		{"gantry_refused_messages_total", "Messages not stored, for any reason.", counter, func(s *core.Stats) float64 { return float64(s.Refused) }},
		{"gantry_delayed_messages_total", "Delayed messages stored.", counter, func(s *core.Stats) float64 { return float64(s.Delayed) }},
		{"gantry_delayed_published_total", "Delayed messages that reached their queue.", counter, func(s *core.Stats) float64 { return float64(s.Published) }},
		{"gantry_delayed_recalled_total", "Delayed messages taken back.", counter, func(s *core.Stats) float64 { return float64(s.Recalled) }},
		{"gantry_delayed_relocated_total", "Copies of delayed and prepared messages made because their segment was old.", counter, func(s *core.Stats) float64 { return float64(s.Relocated) }},
		{"gantry_delayed_late_total", "Delayed messages published more than 5 ms after their time.", counter, func(s *core.Stats) float64 { return float64(s.Late) }},
		{"gantry_delayed_lateness_seconds_total", "How long after their time delayed messages were published, all together.", counter, func(s *core.Stats) float64 { return float64(s.LateMs) / 1000 }},
		{"gantry_delayed_lateness_max_seconds", "The longest of these times since the start.", gauge, func(s *core.Stats) float64 { return float64(s.LateMaxMs) / 1000 }},
		{"gantry_delayed_messages", "Delayed messages that wait for their time.", gauge, func(s *core.Stats) float64 { return float64(s.Pending) }},
		{"gantry_transactions_begun_total", "Prepared messages stored.", counter, func(s *core.Stats) float64 { return float64(s.Prepared) }},
		{"gantry_transactions_committed_total", "Transactions committed: their messages reached their queue.", counter, func(s *core.Stats) float64 { return float64(s.Committed) }},
		{"gantry_transactions_rolled_back_total", "Transactions rolled back.", counter, func(s *core.Stats) float64 { return float64(s.RolledBack) }},
		{"gantry_transactions_discarded_total", "Transactions given up: their producers were asked as often as may be.", counter, func(s *core.Stats) float64 { return float64(s.Discarded) }},
		{"gantry_transaction_checks_total", "Times that a producer was asked how a transaction ends.", counter, func(s *core.Stats) float64 { return float64(s.Checks) }},
		{"gantry_transactions", "Transactions that are open.", gauge, func(s *core.Stats) float64 { return float64(s.OpenTransactions) }},
		{"gantry_busy_requests_total", "Requests refused because the log was too slow.", counter, func(s *core.Stats) float64 { return float64(s.Busy) }},
		{"gantry_wal_frames_total", "Frames written to the log.", counter, func(s *core.Stats) float64 { return float64(s.Frames) }},
		{"gantry_wal_frame_bytes_total", "Bytes of frames written to the log.", counter, func(s *core.Stats) float64 { return float64(s.FrameBytes) }},
		{"gantry_snapshots_total", "Snapshots written.", counter, func(s *core.Stats) float64 { return float64(s.Snapshots) }},
		{"gantry_segments_sealed_total", "Segments whose index was written.", counter, func(s *core.Stats) float64 { return float64(s.Sealed) }},
		{"gantry_segments_forgotten_total", "Segments removed by retention.", counter, func(s *core.Stats) float64 { return float64(s.Forgotten) }},
		{"gantry_segments", "Segments of the log.", gauge, func(s *core.Stats) float64 { return float64(s.Segments) }},
		{"gantry_index_bytes", "Memory of the index.", gauge, func(s *core.Stats) float64 { return float64(s.IndexBytes) }},
		{"gantry_disk_room_bytes", "Bytes that can certainly be appended to the log.", gauge, func(s *core.Stats) float64 { return float64(s.DiskRoom) }},
		{"gantry_disk_full", "1 while sends are refused for lack of room.", gauge, func(s *core.Stats) float64 { return float64(s.DiskFull) }},
		{"gantry_wal_start_lsn_bytes", "Where the log begins: what lies below is forgotten.", gauge, func(s *core.Stats) float64 { return float64(s.LogStart) }},
		{"gantry_wal_written_lsn_bytes", "End of what survives the process.", gauge, func(s *core.Stats) float64 { return float64(s.Written) }},
		{"gantry_wal_durable_lsn_bytes", "End of what survives a power cut.", gauge, func(s *core.Stats) float64 { return float64(s.Durable) }},
		{"gantry_topics", "Topics.", gauge, func(s *core.Stats) float64 { return float64(s.Topics) }},
		{"gantry_queues", "Queues.", gauge, func(s *core.Stats) float64 { return float64(s.Queues) }},
		{"gantry_groups", "Consumer groups.", gauge, func(s *core.Stats) float64 { return float64(s.Groups) }},
		{"gantry_cursors", "Positions of a group in a queue.", gauge, func(s *core.Stats) float64 { return float64(s.Cursors) }},
		{"gantry_members", "Live clients that sent a heartbeat.", gauge, func(s *core.Stats) float64 { return float64(s.Members) }},
		{"gantry_waiting_pulls", "Pulls that wait for a message.", gauge, func(s *core.Stats) float64 { return float64(s.Waiting) }},
		{"gantry_stalled_requests", "Requests that wait for a sync before they are decided.", gauge, func(s *core.Stats) float64 { return float64(s.Stalled) }},
		{"gantry_cold_reads", "Reads of files that wait for their turn.", gauge, func(s *core.Stats) float64 { return float64(s.ColdReads) }},
		{"gantry_timers", "Timers set.", gauge, func(s *core.Stats) float64 { return float64(s.Alarms) }},
		{"gantry_cache_bytes", "Bytes of the log's end that are kept in memory.", gauge, func(s *core.Stats) float64 { return float64(s.CacheBytes) }},
		{"gantry_inbox_bytes", "Bytes that wait for the loop.", gauge, func(s *core.Stats) float64 { return float64(s.InboxBytes) }},
	}
}

// engineCollector shows an engine's Stats. Its tables are fixed at the start.
type engineCollector struct {
	engine Engine
	stats  []stat
	descs  []*prometheus.Desc // of stats, in their order
	failed *prometheus.Desc
	stays  *prometheus.Desc
	lag    *prometheus.Desc
	now    func() time.Time
}

var _ prometheus.Collector = (*engineCollector)(nil)

func newEngineCollector(engine Engine) *engineCollector {
	c := &engineCollector{
		engine: engine,
		stats:  engineStats(),
		failed: prometheus.NewDesc("gantry_shard_failed", "1 when the shard has failed: nothing is stored any more.", nil, nil),
		stays:  prometheus.NewDesc("gantry_oldest_segment_stays", "1 for the reason why the log's oldest segment stays, as of the last look.", []string{"reason"}, nil),
		lag: prometheus.NewDesc("gantry_group_unconsumed_age_seconds",
			"Age of the oldest message that a group has not consumed, of topics that keep messages until they are consumed; once a minute, the 100 groups that are the furthest behind.",
			[]string{"group"}, nil),
		now: time.Now,
	}
	for _, s := range c.stats {
		c.descs = append(c.descs, prometheus.NewDesc(s.name, s.help, nil, nil))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *engineCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
	out <- c.failed
	out <- c.stays
	out <- c.lag
}

// Collect implements prometheus.Collector.
func (c *engineCollector) Collect(out chan<- prometheus.Metric) {
	snapshot := c.engine.Stats()
	for i, s := range c.stats {
		out <- prometheus.MustNewConstMetric(c.descs[i], s.kind, s.value(&snapshot))
	}
	out <- prometheus.MustNewConstMetric(c.failed, prometheus.GaugeValue, number(c.engine.Err() != nil))
	kept := c.engine.Kept()
	for _, reason := range core.StayReasons() {
		out <- prometheus.MustNewConstMetric(c.stays, prometheus.GaugeValue, number(kept.Stays == reason), string(reason))
	}
	for _, g := range kept.Groups {
		age := max(c.now().Sub(time.UnixMilli(g.Stored)), 0)
		out <- prometheus.MustNewConstMetric(c.lag, prometheus.GaugeValue, age.Seconds(), g.Group)
	}
}
