package shard

import (
	"fmt"

	"github.com/gantrymq/gantry/core/internal/delay"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
)

// readStored reads the record of a message that waits where it lies.
func readStored(log wal.Log, shard model.ShardID, m *delay.Message) (*record.Data, error) {
	raw := make([]byte, m.Size())
	if _, err := log.ReadAt(raw, m.At()); err != nil {
		return nil, fmt.Errorf("read the record at LSN %d: %w", m.At(), err)
	}
	kind, content, n, err := record.Open(raw)
	if err != nil {
		return nil, fmt.Errorf("record at LSN %d: %w", m.At(), err)
	}
	d, ok := record.Stored(kind, content)
	if !ok || n != len(raw) || d.DeliverAt != m.DeliverAt() || d.Wire.PhysicalOffset() != int64(model.AddressOf(shard, m.ID())) {
		return nil, fmt.Errorf("record at LSN %d is not the message %d that waits", m.At(), m.ID())
	}
	return &d, nil
}
