package mem_test

import (
	"testing"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/mem"
	"github.com/gantrymq/gantry/core/wal/waltest"
)

func TestSuite(t *testing.T) {
	features := waltest.Features{Kill: true, PowerCut: true}
	for name, opt := range map[string]mem.Options{"AtOnce": {}, "Manual": {Manual: true}} {
		t.Run(name, func(t *testing.T) {
			waltest.Run(t, features, func(*testing.T) *waltest.Machine {
				w := mem.New(opt)
				m := &waltest.Machine{
					Start:    func() wal.WAL { return w },
					Kill:     w.Kill,
					PowerCut: func(uint64) { w.PowerCut() },
				}
				if opt.Manual {
					m.Step = func(l wal.Log) { l.(*mem.Log).SyncStep() }
				}
				return m
			})
		})
	}
}
