package grpcv5

import "github.com/prometheus/client_golang/prometheus"

// tally and level are counters and gauges as the other files see them: the
// library stays in this one.
type (
	tally = prometheus.Counter
	level = prometheus.Gauge
)

// metrics are the listener's counters, resolved once: nothing is looked up by
// label while requests are served.
type metrics struct {
	requests, errors *prometheus.CounterVec // by method; resolved when the service is made

	connections, sessions, streams, parked level

	refused *prometheus.CounterVec // by limit; cold

	repushes, staleAcks, staleDead, unknownMethods, unknownFields, budget, released tally
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests:       counters("requests_total", "Calls, by method.", "method"),
		errors:         counters("errors_total", "Calls that were answered with an error, by method.", "method"),
		refused:        counters("refused_total", "Connections refused, by the limit they would have broken.", "limit"),
		connections:    gauge("connections", "Open connections."),
		sessions:       gauge("sessions", "Clients that are known, by their ids."),
		streams:        gauge("telemetry_streams", "Open Telemetry streams."),
		parked:         gauge("parked_receives", "Receives that wait for a message."),
		repushes:       counter("settings_pushed_again_total", "Settings sent without having been asked for."),
		staleAcks:      counter("stale_acks_total", "Acks and changes of deliveries that were over."),
		staleDead:      counter("stale_dead_letters_total", "Messages sent to the dead letters whose delivery was over: answered with success, and left alone."),
		unknownMethods: counter("unknown_methods_total", "Calls of methods that do not exist here."),
		unknownFields:  counter("unknown_fields_total", "Requests with fields that are not known here."),
		budget:         counter("request_bytes_refused_total", "Sends refused because too much was being sent."),
		released:       counter("unsent_released_total", "Messages given back because the client was gone before it had them."),
	}
	if reg != nil {
		reg.MustRegister(m.requests, m.errors, m.refused, m.connections, m.sessions, m.streams, m.parked,
			m.repushes, m.staleAcks, m.staleDead, m.unknownMethods, m.unknownFields, m.budget, m.released)
	}
	return m
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: "gantry_grpc_" + name, Help: help})
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: "gantry_grpc_" + name, Help: help})
}

func counters(name, help, label string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gantry_grpc_" + name, Help: help}, []string{label})
}
