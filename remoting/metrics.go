package remoting

import "github.com/prometheus/client_golang/prometheus"

// tally is a counter as the other files see it: the library stays in this one.
type tally = prometheus.Counter

// metrics are the listener's counters, resolved once: nothing is looked up by
// label while requests are served.
type metrics struct {
	requests, errors map[family]prometheus.Counter

	connections prometheus.Gauge
	accepted    prometheus.Counter
	refused     *prometheus.CounterVec // by limit; cold
	closed      *prometheus.CounterVec // by reason; cold
	limits      *prometheus.CounterVec // by limit; cold

	received, sent prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	requests := counters("requests_total", "Requests, by family.", "family")
	failed := counters("errors_total", "Requests that were answered with an error, by family.", "family")
	m := &metrics{
		requests: map[family]prometheus.Counter{}, errors: map[family]prometheus.Counter{},
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gantry_remoting_connections", Help: "Open connections.",
		}),
		accepted: counter("accepted_total", "Connections accepted."),
		refused:  counters("refused_total", "Connections refused, by the limit they would have broken.", "limit"),
		closed:   counters("closed_total", "Connections closed, by reason.", "reason"),
		limits:   counters("limit_total", "Times that a limit was reached, by limit.", "limit"),
		received: counter("received_bytes_total", "Bytes of frames read."),
		sent:     counter("sent_bytes_total", "Bytes of frames written."),
	}
	for _, f := range families {
		m.requests[f] = requests.WithLabelValues(string(f))
		m.errors[f] = failed.WithLabelValues(string(f))
	}
	if reg != nil {
		reg.MustRegister(requests, failed, m.connections, m.accepted, m.refused, m.closed, m.limits, m.received, m.sent)
	}
	return m
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: "gantry_remoting_" + name, Help: help})
}

func counters(name, help, label string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gantry_remoting_" + name, Help: help}, []string{label})
}
