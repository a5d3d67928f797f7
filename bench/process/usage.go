package process

import "time"

// Usage is what some processes used between two samples, for a number of messages.
type Usage struct {
	CPUPerMessage      float64 `json:"cpu_us_per_message,omitempty"`
	SystemPerMessage   float64 `json:"system_cpu_us_per_message,omitempty"`
	WriteBytes         float64 `json:"write_bytes_per_message,omitempty"`
	SwitchesPerMessage float64 `json:"context_switches_per_message,omitempty"`
	SyscallsPerMessage float64 `json:"read_write_syscalls_per_message,omitempty"`
	AllocsPerMessage   float64 `json:"allocs_per_message,omitempty"`
	Cores              float64 `json:"cores"` // CPU time per wall time
	RSSMiB             float64 `json:"rss_mib"`
	AnonRSSMiB         float64 `json:"anon_rss_mib"` // of RSSMiB, what is not mapped files
	PeakRSSMiB         float64 `json:"peak_rss_mib"` // since the process began
}

// Between spreads what was used from a to b over messages that passed at perSecond. The rate and not a count, since a
// sample is never taken at exactly the moment that a count begins or ends.
func Between(a, b Sample, perSecond float64) Usage {
	wall := b.At.Sub(a.At)
	u := Usage{
		Cores:      ratio(b.CPU-a.CPU, wall),
		RSSMiB:     float64(b.RSS) / (1 << 20),
		AnonRSSMiB: float64(b.AnonRSS) / (1 << 20),
		PeakRSSMiB: float64(b.PeakRSS) / (1 << 20),
	}
	messages := perSecond * wall.Seconds()
	if messages < 1 {
		return u
	}
	u.CPUPerMessage = float64((b.CPU - a.CPU).Nanoseconds()) / 1e3 / messages
	u.SystemPerMessage = float64((b.System - a.System).Nanoseconds()) / 1e3 / messages
	u.WriteBytes = float64(b.WriteBytes-a.WriteBytes) / messages
	u.SwitchesPerMessage = float64(b.Switches-a.Switches) / messages
	u.SyscallsPerMessage = float64(b.Syscalls-a.Syscalls) / messages
	return u
}

func ratio(a, b time.Duration) float64 {
	if b <= 0 {
		return 0
	}
	return float64(a) / float64(b)
}
