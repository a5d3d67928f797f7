package mem_test

import (
	"testing"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/mem"
	"github.com/gantrymq/gantry/core/wal/waltest"
)

func TestSuite(t *testing.T) {
	features := waltest.Features{Kill: true, PowerCut: true, Full: true}
	for name, opt := range map[string]mem.Options{
		"AtOnce": {SegmentSize: 64 << 10},
		"Manual": {SegmentSize: 64 << 10, Manual: true},
	} {
		t.Run(name, func(t *testing.T) {
			waltest.Run(t, features, func(*testing.T) *waltest.Machine {
				w := mem.New(opt)
				m := &waltest.Machine{
					Start:    func() wal.WAL { return w },
					Kill:     w.Kill,
					PowerCut: func(uint64) { w.PowerCut() },
					Fill:     w.Fill,
				}
				if opt.Manual {
					m.Step = func(l wal.Log) bool { return l.(*mem.Log).SyncStep() }
				}
				return m
			})
		})
	}
}
