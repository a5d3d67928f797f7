package histogram

import "time"

// minForP9999 is the least number of samples for which a p99.99 is more than the luck of ten of them.
const minForP9999 = 100_000

// Summary is a histogram in a few numbers, in microseconds.
type Summary struct {
	Count uint64   `json:"count"`
	Mean  float64  `json:"mean_us"`
	P50   float64  `json:"p50_us"`
	P99   float64  `json:"p99_us"`
	P999  float64  `json:"p999_us"`
	P9999 *float64 `json:"p9999_us,omitempty"` // nil below 100,000 samples
	Max   float64  `json:"max_us"`
}

// Summary returns nil for a histogram without samples.
func (h *Histogram) Summary() *Summary {
	if h.n == 0 {
		return nil
	}
	s := &Summary{
		Count: h.n,
		Mean:  micros(h.Mean()),
		P50:   micros(h.Quantile(0.50)),
		P99:   micros(h.Quantile(0.99)),
		P999:  micros(h.Quantile(0.999)),
		Max:   micros(h.max),
	}
	if h.n >= minForP9999 {
		p := micros(h.Quantile(0.9999))
		s.P9999 = &p
	}
	return s
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
