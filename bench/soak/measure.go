package main

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gantrymq/gantry/bench/process"
)

// row is one measurement.
type row struct {
	at       time.Duration
	life     int // of which process
	measures [measures]float64
	progress [3]float64 // snapshots, sealed and forgotten segments of this life
}

// What is measured.
const (
	rss = iota
	goroutines
	files
	disk
	measures
)

// measure takes a row now and then, and prints it.
func (s *soak) measure(ctx context.Context, every time.Duration) (rows []row) {
	fmt.Printf("%7s %5s %10s %10s %8s %9s %8s %10s %7s %8s %6s %9s %10s\n", "time", "life", "sent", "read", "expired",
		"RSS MiB", "gorout.", "open files", "disk", "segments", "snaps", "forgotten", "deletions")
	clock := time.NewTicker(every)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return rows
		case <-clock.C:
		}
		s.server.whileUp(func(life int) {
			r, err := s.take(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				s.violate("the server cannot be measured: %v", err)
				return
			}
			r.life = life
			rows = append(rows, r)
			m := &r.measures
			fmt.Printf("%6.1fs %5d %10d %10d %8d %9.1f %8.0f %10.0f %7.1f %8.0f %6.0f %9.0f %10d\n", r.at.Seconds(), life, s.sent.Load(), s.read.Load(),
				s.expired.Load(), m[rss], m[goroutines], m[files], m[disk], r.progress[1], r.progress[0], r.progress[2], s.deletions.Load())
		})
	}
}

const mib = 1 << 20

func (s *soak) take(ctx context.Context) (r row, err error) {
	r.at = time.Since(s.began)
	values, err := process.Metrics(ctx, s.server.ops, "process_resident_memory_bytes", "go_goroutines", "process_open_fds",
		"gantry_snapshots_total", "gantry_segments_sealed_total", "gantry_segments_forgotten_total", "gantry_shard_failed")
	if err != nil {
		return r, err
	}
	if values[6] != 0 {
		return r, fmt.Errorf("the shard has failed; see server.log in %s", s.dir)
	}
	copy(r.measures[:], values[:3])
	r.measures[rss] /= mib
	copy(r.progress[:], values[3:6])
	used, err := diskUsage(filepath.Join(s.dir, "data"))
	r.measures[disk] = float64(used) / mib
	return r, err
}

// diskUsage sums the blocks of all files. Those that go meanwhile do not count.
func diskUsage(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			sum += stat.Blocks * 512
		}
		return nil
	})
	return sum, err
}
